//! Reads weights lazily, tensor by tensor, as f32 with their Hugging Face names.
//!
//! Opening reads the headers only; [`Checkpoint::tensor`] then reads one tensor's byte range. Sizes in a header are checked
//! against the file's size before memory is allocated.
//!
//! | module | what it holds |
//! |---|---|
//! | `safetensors` | Hugging Face directories: one file or shards with an index |
//! | `hugging_face` | names without prefix, tied and saved heads |
//! | `gguf` | GGUF v2 and v3 files: metadata, names, permutation |
//! | `write` | writes a decoder as a Hugging Face directory |
//! | `encoding` | decodes plain and quantized types to f32 |

mod encoding;
pub(crate) mod gguf;
mod hugging_face;
mod safetensors;
mod write;

pub use write::write_hf_dir;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use encoding::Encoding;
use iopo_core::{ContentHasher, files};

use crate::config::ModelConfig;
use crate::error::ModelError;

/// Units decoded at a time, so that a tensor's raw bytes are never all in memory.
const CHUNK_UNITS: usize = 1 << 14;

/// A model's configuration and its weights, which stay in the file until they are read.
#[derive(Debug)]
pub struct Checkpoint {
    /// The model's configuration.
    pub config: ModelConfig,
    path: PathBuf,
    shards: Vec<Shard>,
    tensors: BTreeMap<String, Entry>,
    notes: Vec<String>,
}

/// One open file with weights.
#[derive(Debug)]
struct Shard {
    path: PathBuf,
    file: File,
    len: u64,
}

impl Shard {
    fn open(path: &Path) -> Result<Self, ModelError> {
        let file = files::open(path).map_err(|error| ModelError::io("open", path, error))?;
        let len = file.metadata().map_err(|error| ModelError::io("read", path, error))?.len();
        let mut shard = Self { path: path.to_owned(), file, len };
        shard.refuse_pointer()?;
        Ok(shard)
    }

    /// Refuses a Git LFS pointer. Reading starts at the beginning again afterwards.
    fn refuse_pointer(&mut self) -> Result<(), ModelError> {
        let mut start = Vec::new();
        let read = (&self.file).take(64).read_to_end(&mut start);
        read.map_err(|error| ModelError::io("read", &self.path, error))?;
        if files::is_git_lfs_pointer(&start) {
            return Err(ModelError::GitLfsPointer { path: self.path.clone() });
        }
        self.rewind_to(0)
    }

    fn rewind_to(&mut self, offset: u64) -> Result<(), ModelError> {
        let sought = self.file.seek(SeekFrom::Start(offset));
        sought.map(|_| ()).map_err(|error| ModelError::io("read", &self.path, error))
    }

    fn read_exact(&mut self, buffer: &mut [u8]) -> Result<(), ModelError> {
        self.file.read_exact(buffer).map_err(|error| ModelError::io("read", &self.path, error))
    }
}

/// A tensor's byte range, checked to be inside its file.
#[derive(Debug, Clone, PartialEq)]
struct Entry {
    shard: usize,
    /// The encoding, or the name of an unsupported one.
    encoding: Result<Encoding, String>,
    /// Row-major.
    shape: Vec<usize>,
    offset: u64,
    bytes: u64,
    /// Number of heads if rows are interleaved for pairwise rotation, as in llama GGUF files.
    interleaved_heads: Option<usize>,
}

impl Checkpoint {
    /// Opens a Hugging Face directory or a `.gguf` file.
    ///
    /// # Errors
    /// Returns [`ModelError::NotAModel`] if the path is neither, and another error if a header or the configuration cannot be
    /// read, is malformed or needs an unsupported feature.
    pub fn open(path: &Path) -> Result<Self, ModelError> {
        match kind(path)? {
            Kind::Directory => Self::open_dir(path),
            Kind::Gguf => Ok(Self::open_gguf(path)?.0),
        }
    }

    /// Opens a directory with `config.json` and `model.safetensors` (or shards with an index).
    ///
    /// # Errors
    /// Returns [`ModelError::NotAModel`] if there are no weights, and another error if a header or the configuration cannot be
    /// read, is malformed or needs an unsupported feature.
    pub fn open_dir(dir: &Path) -> Result<Self, ModelError> {
        let config = ModelConfig::from_dir(dir)?;
        let (shards, tensors) = safetensors::open_dir(dir)?;
        let tensors = hugging_face::add_prefix(tensors);
        let path = dir.to_owned();
        let mut opened = Self { config, path, shards, tensors, notes: Vec::new() };
        opened.settle_head()?;
        Ok(opened)
    }

    /// Opens a GGUF file; its metadata also holds the tokenizer and the chat template.
    pub(crate) fn open_gguf(path: &Path) -> Result<(Self, gguf::Metadata), ModelError> {
        let shard = Shard::open(path)?;
        let gguf::Opened { config, metadata, tensors, shard } = gguf::open(shard)?;
        let (path, shards) = (path.to_owned(), vec![shard]);
        Ok((Self { config, path, shards, tensors, notes: Vec::new() }, metadata))
    }

    /// Returns the directory or file that was opened.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns remarks for the user where the files contradict each other.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Returns the Hugging Face names of all tensors, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.tensors.keys().map(String::as_str)
    }

    /// Returns the row-major shape of a tensor.
    pub fn shape(&self, name: &str) -> Option<&[usize]> {
        self.tensors.get(name).map(|entry| entry.shape.as_slice())
    }

    /// Reads one tensor as row-major f32.
    ///
    /// # Shapes
    /// The result has as many values as `expected_shape`, which must be the tensor's shape (`[out, in]` for linear layers, as
    /// Hugging Face stores them).
    ///
    /// # Errors
    /// Returns [`ModelError::MissingTensor`], [`ModelError::ShapeMismatch`] or [`ModelError::UnsupportedTensorType`] if the
    /// checkpoint does not have this tensor in a supported type, and [`ModelError::Io`] if the file cannot be read.
    pub fn tensor(&mut self, name: &str, expected_shape: &[usize]) -> Result<Vec<f32>, ModelError> {
        let Some(entry) = self.tensors.get(name) else {
            return Err(ModelError::MissingTensor {
                path: self.path.clone(),
                tensor: name.to_owned(),
            });
        };
        if entry.shape != expected_shape {
            return Err(ModelError::ShapeMismatch {
                path: self.path.clone(),
                tensor: name.to_owned(),
                expected: expected_shape.to_owned(),
                found: entry.shape.clone(),
            });
        }
        let shard = &mut self.shards[entry.shard];
        let encoding = match &entry.encoding {
            Ok(encoding) => *encoding,
            Err(found) => {
                return Err(ModelError::UnsupportedTensorType {
                    path: shard.path.clone(),
                    tensor: name.to_owned(),
                    found: found.clone(),
                    supported: safetensors::SUPPORTED,
                });
            }
        };
        let values = read_values(shard, encoding, entry.offset, entry.bytes)?;
        Ok(match entry.interleaved_heads {
            Some(heads) => deinterleave(&values, heads, entry.shape[0]),
            None => values,
        })
    }

    /// Returns the BLAKE3 hash of the weight files, in hexadecimal.
    ///
    /// For one file, this is the hash of its content; for several, the hash of their content hashes in the order of the
    /// file names. Reads all files once.
    ///
    /// # Errors
    /// Returns [`ModelError::Io`] if a file cannot be read.
    pub fn weights_hash(&mut self) -> Result<String, ModelError> {
        let mut hashes = Vec::with_capacity(self.shards.len());
        for shard in &mut self.shards {
            shard.rewind_to(0)?;
            let mut hasher = ContentHasher::new();
            hasher
                .reader(&mut shard.file)
                .map_err(|error| ModelError::io("read", &shard.path, error))?;
            hashes.push(hasher);
        }
        if let [one] = hashes.as_slice() {
            return Ok(one.hex());
        }
        let mut all = ContentHasher::new();
        for hash in &hashes {
            all.bytes(hash.digest());
        }
        Ok(all.hex())
    }
}

/// The kind of model at a path.
pub(crate) enum Kind {
    Directory,
    Gguf,
}

/// Distinguishes a Hugging Face directory from a GGUF file.
pub(crate) fn kind(path: &Path) -> Result<Kind, ModelError> {
    let metadata = path.metadata().map_err(|error| ModelError::io("open", path, error))?;
    if metadata.is_dir() {
        return Ok(Kind::Directory);
    }
    if path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("gguf")) {
        return Ok(Kind::Gguf);
    }
    Err(ModelError::NotAModel {
        path: path.to_owned(),
        expected: "a directory with config.json and model.safetensors, or a .gguf file",
        found: "another kind of file".to_owned(),
    })
}

/// Reads and decodes `bytes` bytes at `offset`, in pieces.
fn read_values(
    shard: &mut Shard,
    encoding: Encoding,
    offset: u64,
    bytes: u64,
) -> Result<Vec<f32>, ModelError> {
    let (unit, per) = encoding.unit();
    let mut values = Vec::with_capacity(bytes as usize / unit * per);
    let mut buffer = vec![0; (unit * CHUNK_UNITS).min(bytes as usize)];
    shard.rewind_to(offset)?;
    let mut left = bytes as usize;
    while left > 0 {
        let piece = &mut buffer[..left.min(unit * CHUNK_UNITS)];
        shard.read_exact(piece)?;
        encoding.decode(piece, &mut values);
        left -= piece.len();
    }
    Ok(values)
}

/// Restores the row order of q and k from llama GGUF files: within each head, row `2i + j` of the file is row
/// `j · head_dim/2 + i` of the model.
///
/// # Shapes
/// `values` is `[rows, columns]` with `rows = heads * head_dim`; so is the result.
fn deinterleave(values: &[f32], heads: usize, rows: usize) -> Vec<f32> {
    let columns = values.len() / rows;
    let half = rows / heads / 2;
    let mut out = Vec::with_capacity(values.len());
    for head in 0..heads {
        for j in 0..2 {
            for i in 0..half {
                let row = head * 2 * half + 2 * i + j;
                out.extend_from_slice(&values[row * columns..(row + 1) * columns]);
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::deinterleave;

    #[test]
    fn deinterleaving_equals_reshape_and_swap() {
        // Two heads of dim 4, one column: reshape(2, 2, 2).swapaxes(1, 2) within each head.
        let file = [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0];
        assert_eq!(deinterleave(&file, 2, 8), [0.0, 2.0, 1.0, 3.0, 4.0, 6.0, 5.0, 7.0]);
        // Columns stay with their row.
        let file = [0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5];
        assert_eq!(deinterleave(&file, 1, 4), [0.0, 0.5, 2.0, 2.5, 1.0, 1.5, 3.0, 3.5]);
    }
}

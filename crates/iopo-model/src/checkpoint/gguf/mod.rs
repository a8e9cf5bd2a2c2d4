//! GGUF v2 and v3: metadata, tensor directory, then aligned data.
//!
//! Counts and lengths are checked against the rest of the file before anything is read or allocated, so memory stays
//! within a small multiple of the file's size.

mod config;
mod metadata;
mod names;
mod reader;
mod rope;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

pub(crate) use metadata::Metadata;
use reader::Reader;

use super::encoding::Encoding;
use super::{Entry, Shard, read_values};
use crate::config::ModelConfig;
use crate::error::ModelError;

const MAX_NAME: u64 = 1024;
const MAX_DIMS: u32 = 4;
const DEFAULT_ALIGNMENT: usize = 32;
const MAX_ALIGNMENT: usize = 1 << 16;

/// The tensor with Llama 3's frequency divisors.
const ROPE_FREQS: &str = "rope_freqs.weight";

/// The contents of a file's header.
pub(super) struct Opened {
    pub(super) config: ModelConfig,
    pub(super) metadata: Metadata,
    pub(super) tensors: BTreeMap<String, Entry>,
    pub(super) shard: Shard,
}

/// An entry of the tensor directory.
struct Info {
    name: String,
    encoding: Encoding,
    /// Row-major.
    shape: Vec<usize>,
    /// Bytes from the start of the data.
    offset: u64,
    bytes: u64,
}

/// Reads everything except the tensors' data.
pub(super) fn open(shard: Shard) -> Result<Opened, ModelError> {
    let Shard { path, file, len } = shard;
    let mut reader = Reader::new(file, &path, len);
    let counts = preamble(&mut reader)?;
    let metadata = Metadata::read(&mut reader, &path, counts.metadata)?;
    let infos = directory(&mut reader, &path, counts.tensors)?;
    let alignment = alignment(&metadata, &path)?;
    let data = data_start(&reader, alignment, len)?;
    check_ranges(&reader, &infos, alignment, len - data)?;

    let mut shard = Shard { file: reader.into_file(), path, len };
    let embedding = infos.iter().find(|info| info.name == "token_embd.weight");
    let vocab = embedding.and_then(|info| info.shape.first().copied()).ok_or_else(|| {
        ModelError::MissingTensor {
            path: shard.path.clone(),
            tensor: "token_embd.weight".to_owned(),
        }
    })?;
    let tied = !infos.iter().any(|info| info.name == "output.weight");
    let mut config = config::from_metadata(&metadata, vocab, tied)?;

    let mut tensors = BTreeMap::new();
    for info in infos {
        if info.name == ROPE_FREQS {
            let offset = data + info.offset;
            let divisors = read_values(&mut shard, info.encoding, offset, info.bytes)?;
            config.rope_scaling = Some(rope::llama3(&config, &divisors, &shard.path)?);
            continue;
        }
        let Some(name) = names::hugging_face(&info.name, &config) else {
            return Err(ModelError::unsupported(
                &shard.path,
                format!("tensor `{}`", info.name),
                "use another model of the llama or qwen2 family",
            ));
        };
        let heads = names::interleaved_heads(&info.name, &config);
        if let Some(heads) = heads
            && info.shape.first() != Some(&(heads * config.head_dim))
        {
            return Err(ModelError::ShapeMismatch {
                path: shard.path.clone(),
                tensor: name,
                expected: vec![heads * config.head_dim, config.hidden_size],
                found: info.shape,
            });
        }
        let entry = Entry {
            shard: 0,
            encoding: Ok(info.encoding),
            shape: info.shape,
            offset: data + info.offset,
            bytes: info.bytes,
            interleaved_heads: heads,
        };
        tensors.insert(name, entry);
    }
    Ok(Opened { config, metadata, tensors, shard })
}

/// Numbers of entries that follow the first bytes.
struct Counts {
    tensors: u64,
    metadata: u64,
}

fn preamble(reader: &mut Reader) -> Result<Counts, ModelError> {
    let magic: [u8; 4] = reader.array("the magic number")?;
    if &magic != b"GGUF" {
        let found = magic.escape_ascii();
        return Err(reader.bad(format!("found `{found}` at its start, expected `GGUF`")));
    }
    let version = reader.u32("the version")?;
    match version {
        2 | 3 => {}
        _ if matches!(version.swap_bytes(), 2 | 3) => {
            return Err(reader.bad("it is big-endian, expected little-endian"));
        }
        _ => return Err(reader.bad(format!("found version {version}, expected 2 or 3"))),
    }
    let tensors = reader.u64("the tensor count")?;
    let metadata = reader.u64("the metadata count")?;
    Ok(Counts { tensors, metadata })
}

fn directory(reader: &mut Reader, path: &Path, count: u64) -> Result<Vec<Info>, ModelError> {
    // The smallest entry: name length, number of dimensions, type, offset.
    reader.expect("the tensor count", count, 8 + 4 + 4 + 8)?;
    let mut infos = Vec::new();
    let mut names = BTreeSet::new();
    for _ in 0..count {
        let info = line(reader, path)?;
        if !names.insert(info.name.clone()) {
            return Err(reader.bad(format!("tensor `{}` is listed twice", info.name)));
        }
        infos.push(info);
    }
    Ok(infos)
}

fn line(reader: &mut Reader, path: &Path) -> Result<Info, ModelError> {
    let name = reader.string("a tensor name", MAX_NAME)?;
    let dims = reader.u32("a tensor's number of dimensions")?;
    if dims == 0 || dims > MAX_DIMS {
        return Err(reader.bad(format!("`{name}` has {dims} dimensions, expected 1 to {MAX_DIMS}")));
    }
    let mut shape = Vec::with_capacity(dims as usize);
    let mut elements = Some(1u64);
    let mut innermost = None;
    for _ in 0..dims {
        let dim = reader.u64("a tensor's dimension")?;
        innermost = innermost.or(Some(dim));
        elements = elements.and_then(|product| product.checked_mul(dim));
        shape.push(usize::try_from(dim).unwrap_or(usize::MAX));
    }
    // The file lists the innermost dimension first.
    shape.reverse();
    let tag = reader.u32("a tensor's type")?;
    let offset = reader.u64("a tensor's offset")?;
    let Some(encoding) = Encoding::from_gguf(tag) else {
        return Err(ModelError::UnsupportedTensorType {
            path: path.to_owned(),
            tensor: name,
            found: type_name(tag),
            supported: Encoding::GGUF,
        });
    };
    let Some(elements) = elements else {
        return Err(reader.bad(format!("shape {shape:?} of `{name}` overflows")));
    };
    let (kind, (_, block)) = (encoding.name(), encoding.unit());
    if let Some(row) = innermost.filter(|row| !row.is_multiple_of(block as u64)) {
        return Err(reader.bad(format!(
            "`{name}` is {kind}, which does not fill blocks of {block} with rows of {row} values; \
             the model needs another type for this tensor"
        )));
    }
    let Some(bytes) = encoding.bytes(elements) else {
        return Err(reader.bad(format!("shape {shape:?} of `{name}` overflows as {kind}")));
    };
    Ok(Info { name, encoding, shape, offset, bytes })
}

/// Returns the alignment of tensor data.
fn alignment(metadata: &Metadata, path: &Path) -> Result<u64, ModelError> {
    let key = "general.alignment";
    let alignment = metadata.size(key, MAX_ALIGNMENT)?.unwrap_or(DEFAULT_ALIGNMENT);
    if !alignment.is_power_of_two() {
        let found = alignment.to_string();
        return Err(ModelError::config(path, key, "a power of two", found));
    }
    Ok(alignment as u64)
}

/// Returns the start of the data: the aligned end of the directory.
fn data_start(reader: &Reader, alignment: u64, len: u64) -> Result<u64, ModelError> {
    let start = reader.position().next_multiple_of(alignment);
    if start > len {
        return Err(reader.bad(format!(
            "found {len} bytes, expected tensor data from byte {start}; the file may be truncated"
        )));
    }
    Ok(start)
}

/// Checks that tensors are aligned, inside the file and do not overlap.
fn check_ranges(
    reader: &Reader,
    infos: &[Info],
    alignment: u64,
    available: u64,
) -> Result<(), ModelError> {
    let mut ranges: Vec<(u64, u64, &str)> = Vec::with_capacity(infos.len());
    for info in infos {
        let (name, offset) = (&info.name, info.offset);
        if !offset.is_multiple_of(alignment) {
            return Err(reader.bad(format!(
                "`{name}` is at byte {offset} of the data, expected a multiple of {alignment}"
            )));
        }
        let end = offset.checked_add(info.bytes).filter(|end| *end <= available);
        let Some(end) = end else {
            return Err(reader.bad(format!(
                "`{name}` claims {} bytes at byte {offset} of {available} bytes of data; the \
                 file may be truncated",
                info.bytes
            )));
        };
        ranges.push((offset, end, name));
    }
    ranges.sort_unstable();
    for pair in ranges.windows(2) {
        if let [(_, end, first), (begin, _, second)] = pair
            && begin < end
        {
            return Err(reader.bad(format!("tensors `{first}` and `{second}` overlap")));
        }
    }
    Ok(())
}

/// Returns GGML's name of an unsupported type.
fn type_name(tag: u32) -> String {
    let known = match tag {
        9 => "Q8_1",
        10 => "Q2_K",
        11 => "Q3_K",
        15 => "Q8_K",
        16 => "IQ2_XXS",
        17 => "IQ2_XS",
        18 => "IQ3_XXS",
        19 => "IQ1_S",
        20 => "IQ4_NL",
        21 => "IQ3_S",
        22 => "IQ2_S",
        23 => "IQ4_XS",
        24 => "I8",
        25 => "I16",
        26 => "I32",
        27 => "I64",
        28 => "F64",
        29 => "IQ1_M",
        34 => "TQ1_0",
        35 => "TQ2_0",
        39 => "MXFP4",
        other => return format!("number {other}"),
    };
    known.to_owned()
}

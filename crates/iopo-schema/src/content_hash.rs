//! Content hashes that files carry: a file whose bytes differ from its hash is refused.
//!
//! The 64 digits are inside of the file and cover all of it: the hash is computed with zeros in their place. One flipped bit
//! anywhere, also in the digits, is an error. Parquet files carry the hash in their metadata, JSON files in the field
//! `content_hash`.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

use iopo_core::ContentHasher;
use iopo_core::files::{self, AtomicFile};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::SchemaError;

/// Metadata key of the hash in a Parquet file.
pub(crate) const KEY: &str = "iopo.content_hash";
/// Field of the hash in a JSON file.
const FIELD: &str = "content_hash";
/// The text before the digits in a JSON file.
const JSON_MARK: &str = "\"content_hash\": \"";
/// Digits of a hash.
const DIGITS: usize = 64;
/// Bytes after the footer of a Parquet file: its length and the magic number.
const TAIL: u64 = 8;

/// Returns the digits in whose place the hash goes.
pub fn zeros() -> String {
    "0".repeat(DIGITS)
}

/// Returns the bytes before the digits in the footer of a Parquet file: the key, and a text of 64 bytes in compact Thrift.
fn parquet_mark() -> Vec<u8> {
    [KEY.as_bytes(), &[0x18, DIGITS as u8]].concat()
}

/// Returns the position of the digits after `mark`.
fn position(bytes: &[u8], mark: &[u8]) -> Option<usize> {
    let at = bytes.windows(mark.len()).position(|window| window == mark)? + mark.len();
    (bytes.len() >= at + DIGITS).then_some(at)
}

/// Replaces the [`zeros`] after the first `mark` of a text by the hash of the text. Without them, the text is unchanged.
///
/// ```
/// use std::path::Path;
/// use iopo_schema::content_hash::{seal, verify, zeros};
///
/// let sealed = seal(format!("# hash = {}\nseed = 1\n", zeros()), "# hash = ");
/// assert!(verify(Path::new("a.toml"), sealed.as_bytes(), "# hash = ")?);
/// let changed = sealed.replace("seed = 1", "seed = 2");
/// assert!(verify(Path::new("a.toml"), changed.as_bytes(), "# hash = ").is_err());
/// # Ok::<(), iopo_schema::SchemaError>(())
/// ```
pub fn seal(mut text: String, mark: &str) -> String {
    let hash = iopo_core::hash::bytes(&text);
    if let Some(at) = position(text.as_bytes(), mark.as_bytes())
        && text.get(at..at + DIGITS) == Some(&zeros())
    {
        text.replace_range(at..at + DIGITS, &hash);
    }
    text
}

/// Compares the bytes of a file with the hash after the first `mark`. Returns whether there is one.
///
/// # Errors
/// Returns [`SchemaError::Altered`] if they differ.
pub fn verify(path: &Path, bytes: &[u8], mark: &str) -> Result<bool, SchemaError> {
    let Some(at) = position(bytes, mark.as_bytes()) else { return Ok(false) };
    let (before, rest) = bytes.split_at(at);
    let (digits, after) = rest.split_at(DIGITS);
    let mut hasher = ContentHasher::new();
    hasher.bytes(before).bytes(zeros()).bytes(after);
    compare(path, digits, &hasher).map(|()| true)
}

fn compare(path: &Path, digits: &[u8], hasher: &ContentHasher) -> Result<(), SchemaError> {
    let (expected, got) = (String::from_utf8_lossy(digits).into_owned(), hasher.hex());
    if expected == got {
        return Ok(());
    }
    Err(SchemaError::Altered { path: path.to_path_buf(), expected, got })
}

/// Writes an object as a JSON file that carries its content hash, complete or not at all.
///
/// # Errors
/// Returns [`SchemaError::Json`] if the value is no object, and [`SchemaError::Io`].
pub fn write_json(path: &Path, value: &impl Serialize) -> Result<(), SchemaError> {
    let failed = |got: String| SchemaError::Json { path: path.to_path_buf(), got };
    let mut value = serde_json::to_value(value).map_err(|error| failed(error.to_string()))?;
    let object =
        value.as_object_mut().ok_or_else(|| failed("a value without fields".to_owned()))?;
    object.insert(FIELD.to_owned(), Value::String(zeros()));
    let text = seal(format!("{value:#}\n"), JSON_MARK);
    files::write(path, text.as_bytes()).map_err(SchemaError::io(path, "write the file"))
}

/// Reads a JSON file that [`write_json`] wrote.
///
/// # Errors
/// Returns [`SchemaError::Altered`] if the file differs from its hash, [`SchemaError::Json`] if it has no hash or other
/// fields than the type, and [`SchemaError::Io`].
pub fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T, SchemaError> {
    let failed = |got: String| SchemaError::Json { path: path.to_path_buf(), got };
    let bytes = files::read(path).map_err(SchemaError::io(path, "read the file"))?;
    if !verify(path, &bytes, JSON_MARK)? {
        return Err(failed(format!("a file without `{FIELD}`")));
    }
    let mut value: Value =
        serde_json::from_slice(&bytes).map_err(|error| failed(error.to_string()))?;
    if let Some(object) = value.as_object_mut() {
        object.remove(FIELD);
    }
    serde_json::from_value(value).map_err(|error| failed(error.to_string()))
}

/// Compares a Parquet file, whose footer was checked, with the hash in its metadata.
pub(crate) fn verify_parquet(
    file: &mut File,
    path: &Path,
    schema: &str,
) -> Result<(), SchemaError> {
    let io = || SchemaError::io(path, "read the file");
    let length = file.seek(SeekFrom::End(0)).map_err(io())?;
    let mut size = [0; 4];
    file.seek(SeekFrom::Start(length.saturating_sub(TAIL))).map_err(io())?;
    file.read_exact(&mut size).map_err(io())?;
    let start = length.saturating_sub(TAIL + u64::from(u32::from_le_bytes(size)));
    let mut footer = Vec::new();
    file.seek(SeekFrom::Start(start)).map_err(io())?;
    file.read_to_end(&mut footer).map_err(io())?;
    let at = position(&footer, &parquet_mark()).ok_or_else(|| SchemaError::Foreign {
        path: path.to_path_buf(),
        expected: schema.to_owned(),
        key: KEY,
    })?;
    let mut hasher = ContentHasher::new();
    file.rewind().map_err(io())?;
    hasher.reader((&*file).take(start)).map_err(io())?;
    hasher.bytes(&footer[..at]).bytes(zeros()).bytes(&footer[at + DIGITS..]);
    file.rewind().map_err(io())?;
    compare(path, &footer[at..at + DIGITS], &hasher)
}

/// A Parquet file in writing, which gets its content hash when it is committed.
pub(crate) struct HashedFile {
    file: AtomicFile,
    hasher: ContentHasher,
    written: u64,
    /// The bytes since [`HashedFile::keep_footer`], and the position of the first.
    footer: Option<(u64, Vec<u8>)>,
}

impl HashedFile {
    pub(crate) fn create(path: &Path) -> io::Result<Self> {
        let file = AtomicFile::create(path)?;
        Ok(Self { file, hasher: ContentHasher::new(), written: 0, footer: None })
    }

    /// Keeps the bytes that follow, among which the digits are.
    pub(crate) fn keep_footer(&mut self) {
        self.footer = Some((self.written, Vec::new()));
    }

    /// Writes the hash in place of the zeros, and moves the file into place.
    pub(crate) fn commit(self) -> io::Result<()> {
        let Self { mut file, hasher, footer, .. } = self;
        let (start, bytes) = footer.unwrap_or_default();
        let at = position(&bytes, &parquet_mark())
            .ok_or_else(|| io::Error::other(format!("the footer has no `{KEY}`")))?;
        file.seek(SeekFrom::Start(start + at as u64))?;
        file.write_all(hasher.hex().as_bytes())?;
        file.commit()
    }
}

impl Write for HashedFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.file.write(bytes)?;
        let bytes = &bytes[..count];
        self.hasher.bytes(bytes);
        self.written += count as u64;
        if let Some((_, footer)) = &mut self.footer {
            footer.extend_from_slice(bytes);
        }
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use serde::{Deserialize, Serialize};

    use super::{read_json, seal, write_json, zeros};
    use crate::SchemaError;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Settings {
        beta: f64,
        name: String,
    }

    #[test]
    fn every_flipped_bit_of_a_json_file_is_an_error() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("a.json");
        let written = Settings { beta: 0.1, name: "\"content_hash\": \"".to_owned() };
        write_json(&path, &written).expect("written");
        assert_eq!(read_json::<Settings>(&path).expect("intact"), written);
        let bytes = fs::read(&path).expect("bytes");
        for at in 0..bytes.len() {
            for bit in 0..8 {
                let mut damaged = bytes.clone();
                damaged[at] ^= 1 << bit;
                fs::write(&path, &damaged).expect("written");
                let error = read_json::<Settings>(&path).expect_err("damaged");
                assert!(error.to_string().contains("a.json"), "{error}");
            }
        }
    }

    #[test]
    fn a_json_file_without_a_hash_and_a_value_without_fields_are_refused() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("a.json");
        fs::write(&path, "{\"beta\": 0.1, \"name\": \"a\"}").expect("written");
        let error = read_json::<Settings>(&path).expect_err("no hash");
        assert!(matches!(&error, SchemaError::Json { got, .. } if got.contains("content_hash")));
        assert!(write_json(&path, &[1, 2]).is_err());
    }

    #[test]
    fn a_text_without_zeros_is_unchanged() {
        let text = format!("mark {}", "1".repeat(64));
        assert_eq!(seal(text.clone(), "mark "), text);
        assert_ne!(seal(format!("mark {}", zeros()), "mark "), format!("mark {}", zeros()));
    }
}

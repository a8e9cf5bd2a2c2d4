//! BLAKE3 hashes of parts, bytes and files.

use std::io::{self, Read};
use std::path::Path;

use crate::files;

/// A BLAKE3 hash in progress.
///
/// ```
/// use iopo_core::ContentHasher;
///
/// let hash = |parts: [&str; 2]| {
///     let mut hasher = ContentHasher::new();
///     hasher.part(parts[0]).part(parts[1]);
///     hasher.hex()
/// };
/// assert_ne!(hash(["ab", "c"]), hash(["a", "bc"]));
/// ```
#[derive(Debug, Clone, Default)]
pub struct ContentHasher(blake3::Hasher);

impl ContentHasher {
    /// Starts a hash of nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the length of a part as a little-endian `u64`, then the part. `["ab", "c"]` and `["a", "bc"]` have different
    /// hashes.
    pub fn part(&mut self, part: impl AsRef<[u8]>) -> &mut Self {
        let part = part.as_ref();
        self.bytes((part.len() as u64).to_le_bytes()).bytes(part)
    }

    /// Adds bytes without their length.
    pub fn bytes(&mut self, bytes: impl AsRef<[u8]>) -> &mut Self {
        self.0.update(bytes.as_ref());
        self
    }

    /// Adds all bytes of a reader, which is read in small pieces.
    ///
    /// # Errors
    /// Returns the reader's error.
    pub fn reader(&mut self, reader: impl Read) -> io::Result<&mut Self> {
        self.0.update_reader(reader)?;
        Ok(self)
    }

    /// Returns the hash.
    pub fn digest(&self) -> [u8; 32] {
        *self.0.finalize().as_bytes()
    }

    /// Returns the hash as 64 hexadecimal digits.
    pub fn hex(&self) -> String {
        self.0.finalize().to_hex().to_string()
    }

    /// Returns the first eight bytes of the hash as a little-endian number.
    pub fn number(&self) -> u64 {
        let mut bytes = [0; 8];
        bytes.copy_from_slice(&self.digest()[..8]);
        u64::from_le_bytes(bytes)
    }
}

/// Returns the BLAKE3 hash of bytes as 64 hexadecimal digits.
pub fn bytes(bytes: impl AsRef<[u8]>) -> String {
    ContentHasher::new().bytes(bytes).hex()
}

/// Returns the BLAKE3 hash of a file's bytes as 64 hexadecimal digits. The file is read in small pieces.
///
/// # Errors
/// Returns the operating system's error if the file cannot be opened or read.
pub fn file(path: &Path) -> io::Result<String> {
    Ok(ContentHasher::new().reader(files::open(path)?)?.hex())
}

#[cfg(test)]
mod tests {
    use super::{ContentHasher, bytes, file};

    #[test]
    fn hashes_of_bytes_are_those_of_blake3() {
        let empty = "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262";
        assert_eq!(ContentHasher::new().hex(), empty);
        assert_eq!(bytes(""), empty);
        assert_ne!(bytes("a"), empty);
    }

    #[test]
    fn a_part_is_hashed_after_its_length() {
        let by_hand = ContentHasher::new().bytes(2_u64.to_le_bytes()).bytes("x1").hex();
        assert_eq!(ContentHasher::new().part("x1").hex(), by_hand);
        assert_ne!(bytes("x1"), by_hand);
    }

    #[test]
    fn a_file_has_the_hash_of_its_bytes() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("a");
        std::fs::write(&path, vec![7; 300_000]).expect("written");
        assert_eq!(file(&path).expect("read"), bytes(vec![7; 300_000]));
        assert!(file(&dir.path().join("none")).is_err());
    }

    #[test]
    fn a_number_is_the_start_of_the_hash() {
        let mut hasher = ContentHasher::new();
        hasher.bytes("a");
        assert_eq!(hasher.number().to_le_bytes(), hasher.digest()[..8]);
    }
}

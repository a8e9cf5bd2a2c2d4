//! Reads GGUF headers and checks every claimed size.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use crate::error::ModelError;

/// A reader that rejects sizes larger than the rest of the file.
pub(super) struct Reader {
    inner: BufReader<File>,
    path: PathBuf,
    position: u64,
    len: u64,
}

impl Reader {
    /// Makes a reader at the start of a file of `len` bytes.
    pub(super) fn new(file: File, path: &Path, len: u64) -> Self {
        Self { inner: BufReader::new(file), path: path.to_owned(), position: 0, len }
    }

    pub(super) fn position(&self) -> u64 {
        self.position
    }

    pub(super) fn into_file(self) -> File {
        self.inner.into_inner()
    }

    pub(super) fn bad(&self, reason: impl Into<String>) -> ModelError {
        ModelError::gguf(&self.path, reason)
    }

    /// Checks that `count` items of at least `size` bytes can follow.
    pub(super) fn expect(&self, what: &str, count: u64, size: u64) -> Result<(), ModelError> {
        let left = self.len - self.position;
        match count.checked_mul(size) {
            Some(bytes) if bytes <= left => Ok(()),
            _ => Err(self.bad(format!(
                "{what} at byte {} claims {count} × {size} bytes or more, but the file has {left} \
                 left; the file may be truncated",
                self.position
            ))),
        }
    }

    fn fill(&mut self, what: &str, buffer: &mut [u8]) -> Result<(), ModelError> {
        self.expect(what, buffer.len() as u64, 1)?;
        let read = self.inner.read_exact(buffer);
        read.map_err(|error| ModelError::io("read", &self.path, error))?;
        self.position += buffer.len() as u64;
        Ok(())
    }

    pub(super) fn array<const N: usize>(&mut self, what: &str) -> Result<[u8; N], ModelError> {
        let mut bytes = [0; N];
        self.fill(what, &mut bytes)?;
        Ok(bytes)
    }

    pub(super) fn u32(&mut self, what: &str) -> Result<u32, ModelError> {
        Ok(u32::from_le_bytes(self.array(what)?))
    }

    pub(super) fn u64(&mut self, what: &str) -> Result<u64, ModelError> {
        Ok(u64::from_le_bytes(self.array(what)?))
    }

    /// Reads a length-prefixed UTF-8 string of at most `limit` bytes.
    pub(super) fn string(&mut self, what: &str, limit: u64) -> Result<String, ModelError> {
        let len = self.u64(what)?;
        self.expect(what, len, 1)?;
        if len > limit {
            return Err(self.bad(format!("{what} has {len} bytes, expected at most {limit}")));
        }
        let mut bytes = vec![0; len as usize];
        self.fill(what, &mut bytes)?;
        String::from_utf8(bytes).map_err(|error| self.bad(format!("{what} is not UTF-8: {error}")))
    }

    pub(super) fn skip(&mut self, what: &str, bytes: u64) -> Result<(), ModelError> {
        self.expect(what, bytes, 1)?;
        let skipped = i64::try_from(bytes)
            .map_err(|_| self.bad(format!("{what} is too long to skip")))
            .map(|offset| self.inner.seek_relative(offset))?;
        skipped.map_err(|error| ModelError::io("read", &self.path, error))?;
        self.position += bytes;
        Ok(())
    }
}

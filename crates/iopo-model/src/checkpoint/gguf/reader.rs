//! Reading a GGUF header without believing it.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use crate::error::ModelError;

/// A reader that knows how many bytes the file has left and refuses every larger claim.
pub(super) struct Reader {
    inner: BufReader<File>,
    path: PathBuf,
    position: u64,
    len: u64,
}

impl Reader {
    /// Starts at the beginning of a file of `len` bytes.
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

    /// Checks that `count` things of at least `size` bytes can follow.
    pub(super) fn expect(&self, what: &str, count: u64, size: u64) -> Result<(), ModelError> {
        let left = self.len - self.position;
        match count.checked_mul(size) {
            Some(bytes) if bytes <= left => Ok(()),
            _ => Err(self.bad(format!(
                "{what} at byte {} claims {count} × {size} bytes or more, the file has {left} \
                 left: is it cut off?",
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

    /// A length-prefixed UTF-8 string of at most `limit` bytes.
    pub(super) fn string(&mut self, what: &str, limit: u64) -> Result<String, ModelError> {
        let len = self.u64(what)?;
        self.expect(what, len, 1)?;
        if len > limit {
            return Err(self.bad(format!("{what} has {len} bytes, the limit is {limit}")));
        }
        let mut bytes = vec![0; len as usize];
        self.fill(what, &mut bytes)?;
        String::from_utf8(bytes).map_err(|error| self.bad(format!("{what} is no UTF-8: {error}")))
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

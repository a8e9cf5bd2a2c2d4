//! Limits the memory for the pages of a foreign file before they are decoded.
//!
//! A page of a few kilobytes can decompress to two gigabytes, and the sizes in the footer can be wrong. The sizes in
//! the page's own header are binding: the decoder reserves no more than the header says and rejects a page that yields
//! less.

use std::fs::File;
use std::io::{BufReader, Read};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use parquet::errors::{ParquetError, Result};
use parquet::file::reader::{ChunkReader, Length};

use crate::thrift::{STOP, Walker};

/// Largest total size of the pages of one batch, in bytes.
pub(crate) const BATCH_BYTES: u64 = 512 << 20;
/// Bytes per value in addition to its text: a view and two levels.
const VALUE_BYTES: u64 = 32;
/// Bytes that are read for a page header. Only statistics make it long, and writers limit them to a few kilobytes.
const HEADER_BYTES: u64 = 64 << 10;
/// The encoding `DELTA_BYTE_ARRAY`, which stores a text as a prefix shared with the previous text and a suffix.
const DELTA: i64 = 7;

/// The memory that the pages of the current batch need.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    spent: AtomicU64,
    refused: OnceLock<String>,
}

impl Ledger {
    /// Starts a new batch.
    pub(crate) fn begin(&self) {
        self.spent.store(0, Ordering::Relaxed);
    }

    /// Returns the reason why a page was refused, if one was.
    pub(crate) fn refused(&self) -> Option<&str> {
        self.refused.get().map(String::as_str)
    }

    fn take(&self, header: &[u8]) -> Result<()> {
        let cost = cost(&mut Walker { bytes: header }).ok_or_else(|| {
            ParquetError::General("a page header that cannot be parsed".to_owned())
        })?;
        let refusal = match cost {
            Cost::Bytes(bytes) => {
                let before = self.spent.fetch_add(bytes, Ordering::Relaxed);
                (before.saturating_add(bytes) > BATCH_BYTES)
                    .then(|| format!("more than {BATCH_BYTES} bytes of pages for a few rows"))
            }
            Cost::Unknown => Some("text in the encoding DELTA_BYTE_ARRAY".to_owned()),
        };
        match refusal {
            None => Ok(()),
            Some(refusal) => {
                Err(ParquetError::General(self.refused.get_or_init(|| refusal).clone()))
            }
        }
    }
}

/// A file that records each page in the ledger when its header is read.
#[derive(Debug)]
pub(crate) struct Pages {
    pub(crate) file: File,
    pub(crate) ledger: Arc<Ledger>,
}

impl Length for Pages {
    fn len(&self) -> u64 {
        Length::len(&self.file)
    }
}

impl ChunkReader for Pages {
    type T = BufReader<File>;

    /// The decoder calls this at the beginning of each page's header and nowhere else.
    fn get_read(&self, start: u64) -> Result<Self::T> {
        let mut header = Vec::new();
        self.file.get_read(start)?.take(HEADER_BYTES).read_to_end(&mut header)?;
        self.ledger.take(&header)?;
        self.file.get_read(start)
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes> {
        self.file.get_bytes(start, length)
    }
}

/// The memory that a page needs.
#[derive(Debug, PartialEq, Eq)]
enum Cost {
    /// At most this many bytes.
    Bytes(u64),
    /// Unknown, because each text can be as long as the whole page.
    Unknown,
}

/// Reads a page's header. If a field occurs twice, the larger value counts.
fn cost(walker: &mut Walker<'_>) -> Option<Cost> {
    const I32: u8 = 5;
    const STRUCT: u8 = 12;
    let (mut id, mut size, mut values, mut delta) = (0, 0, 0, false);
    loop {
        let (field, kind) = walker.field(id)?;
        id = field;
        match (field, kind) {
            (_, STOP) => break,
            // Sizes: decompressed and compressed.
            (2 | 3, I32) => size = size.max(length(walker)?),
            // Headers of a data page, a dictionary page, and a data page of version 2.
            (5 | 7 | 8, STRUCT) => {
                let mut inner = 0;
                loop {
                    let (of_kind, kind) = walker.field(inner)?;
                    inner = of_kind;
                    match (field, of_kind, kind) {
                        (_, _, STOP) => break,
                        (_, 1, I32) => values = values.max(length(walker)?),
                        (5, 2, I32) | (8, 4, I32) => delta |= walker.signed()? == DELTA,
                        (_, 1, _) | (5, 2, _) | (8, 4, _) => return None,
                        (_, _, 1 | 2) => {}
                        _ => walker.value(kind, 2)?,
                    }
                }
            }
            (2 | 3 | 5 | 7 | 8, _) => return None,
            (_, 1 | 2) => {}
            _ => walker.value(kind, 1)?,
        }
    }
    Some(if delta { Cost::Unknown } else { Cost::Bytes(size + values * VALUE_BYTES) })
}

/// Reads a length. Returns `None` if it is negative or exceeds 32 bits.
fn length(walker: &mut Walker<'_>) -> Option<u64> {
    u64::try_from(i32::try_from(walker.signed()?).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(bytes: &[u8]) -> Option<Cost> {
        cost(&mut Walker { bytes })
    }

    #[test]
    fn the_cost_of_a_page_follows_from_its_header() {
        // A data page with 3 plain values, 100 bytes decompressed from 50.
        let page = [0x15, 0, 0x15, 200, 1, 0x15, 100, 0x2c, 0x15, 6, 0x15, 0, 0, 0];
        assert_eq!(of(&page), Some(Cost::Bytes(100 + 3 * VALUE_BYTES)));
        let mut delta = page;
        delta[11] = 14;
        assert_eq!(of(&delta), Some(Cost::Unknown));
        for length in 0..page.len() {
            assert_eq!(of(&page[..length]), None);
        }
    }

    #[test]
    fn the_larger_of_two_sizes_counts() {
        // Field 2 says 8 bytes, then occurs again in its long form with 2^31 - 1.
        let twice = [0x15, 0, 0x15, 16, 0x05, 4, 0xfe, 0xff, 0xff, 0xff, 0x0f, 0];
        assert_eq!(of(&twice), Some(Cost::Bytes(i32::MAX as u64)));
        // A size of another Thrift type is an error, because the decoder would skip it.
        assert_eq!(of(&[0x15, 0, 0x13, 16, 0]), None);
        assert_eq!(of(&[0x15, 0, 0x15, 1, 0]), None);
    }

    #[test]
    fn the_limit_applies_to_each_batch() {
        let ledger = Ledger::default();
        // 2^28 bytes.
        let page = [0x25, 0x80, 0x80, 0x80, 0x80, 0x02, 0];
        for _ in 0..2 {
            ledger.begin();
            ledger.take(&page).expect("fits");
            ledger.take(&page).expect("fits");
        }
        assert_eq!(ledger.refused(), None);
        assert!(ledger.take(&page).is_err());
        assert!(ledger.refused().is_some_and(|got| got.contains("536870912 bytes")));
    }
}

//! Reading segment files.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use super::frame;
use super::index::{Index, Place};
use crate::endpoint::StoreError;

/// First line of a segment.
pub(super) const HEADER: &str = "iopo-answers 1\n";
/// Longest line. A longer one is damaged, so none is written. Escaped as JSON, the longest body that is read has up to 96 MiB.
pub(super) const LONGEST_LINE: u64 = 256 << 20;

/// Returns the file of a segment.
pub(super) fn path(dir: &Path, number: u32) -> PathBuf {
    dir.join(format!("answers-{number:05}.log"))
}

/// Returns the numbers of the segments in a folder, in order.
pub(super) fn numbers(dir: &Path) -> Result<Vec<u32>, StoreError> {
    let error = |source| StoreError::Io { action: "list", path: dir.to_owned(), source };
    let mut found = Vec::new();
    for entry in dir.read_dir().map_err(error)? {
        let name = entry.map_err(error)?.file_name();
        let name = name.to_string_lossy();
        let number = name.strip_prefix("answers-").and_then(|rest| rest.strip_suffix(".log"));
        found.extend(number.and_then(|number| number.parse::<u32>().ok()));
    }
    found.sort_unstable();
    Ok(found)
}

/// The state of a segment's end.
pub(super) struct End {
    /// Bytes up to the end of the last complete line.
    pub(super) complete: u64,
    /// Bytes after it: the beginning of a line that was being written.
    pub(super) torn: u64,
    /// Complete lines whose checksum does not match.
    pub(super) damaged: u64,
}

/// Reads a segment into the index.
pub(super) fn scan(path: &Path, number: u32, index: &mut Index) -> Result<End, StoreError> {
    let error = |source| StoreError::Io { action: "read", path: path.to_owned(), source };
    let mut reader = BufReader::with_capacity(1 << 20, File::open(path).map_err(error)?);
    let mut end = End { complete: 0, torn: 0, damaged: 0 };
    let mut line = Vec::new();
    loop {
        line.clear();
        let read =
            reader.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut line).map_err(error)?;
        if read == 0 {
            return Ok(end);
        }
        let length = read as u64;
        let Some(text) = line.strip_suffix(b"\n") else {
            // A line without an end: the rest of a longer line follows, or the file ends.
            end.torn += length;
            continue;
        };
        let (start, whole) = (end.complete, end.torn == 0);
        end.complete += end.torn + length;
        end.torn = 0;
        if start == 0 && whole {
            if line != HEADER.as_bytes() {
                let found = String::from_utf8_lossy(&text[..text.len().min(40)]).into_owned();
                let expected = HEADER.trim_end();
                return Err(StoreError::Version { path: path.to_owned(), found, expected });
            }
        } else if let Some((key, payload)) = frame::decode(text).filter(|_| whole) {
            let place = Place { segment: number, offset: start, length: length as u32 };
            index.insert(key, place, is_failure(payload));
        } else {
            end.damaged += 1;
        }
    }
}

/// Returns whether a payload records a failure. Records are written with the result first.
pub(super) fn is_failure(payload: &str) -> bool {
    payload.starts_with(r#"{"failure":"#)
}

//! Looks at a Parquet file's footer before the decoder does.
//!
//! The footer is Thrift: a few bytes can claim a list of two billion entries, and a decoder that reserves memory for
//! them aborts the process, which nothing can catch. So the lengths are walked first: a list may not claim more
//! entries than it has bytes left, and nesting is bounded.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use crate::SchemaError;

const MAGIC: &[u8; 4] = b"PAR1";
/// Length and magic at the end.
const TAIL: u64 = 8;
/// Our own footers take kilobytes.
const MAX_FOOTER: u64 = 64 << 20;
/// Thrift structs of a footer nest about six deep.
const MAX_DEPTH: usize = 24;
/// Each level of a schema takes at least one element, so this bounds the decoder's recursion too.
const MAX_SCHEMA_ELEMENTS: u64 = 1_000;
const MAX_ROW_GROUPS: u64 = 32_767;

/// Fails unless `file` begins and ends as Parquet does and its footer keeps to its own size.
pub(crate) fn check(file: &mut File, path: &Path) -> Result<(), SchemaError> {
    let not_parquet = |got: String| SchemaError::NotParquet { path: path.to_path_buf(), got };
    let io = || SchemaError::io(path, "read its beginning and end");
    let metadata = file.metadata().map_err(io())?;
    if metadata.is_dir() {
        return Err(not_parquet("a directory".to_owned()));
    }
    let length = metadata.len();
    let mut magic = [0; 4];
    if length >= 4 {
        file.read_exact(&mut magic).map_err(io())?;
    }
    if &magic != MAGIC {
        let got = if length == 0 {
            "an empty file".into()
        } else {
            "a file that does not begin as Parquet".into()
        };
        return Err(not_parquet(got));
    }
    if length < 4 + TAIL {
        return Err(not_parquet(format!("a file cut off after {length} bytes")));
    }
    let mut tail = [0; TAIL as usize];
    file.seek(SeekFrom::End(-(TAIL as i64))).map_err(io())?;
    file.read_exact(&mut tail).map_err(io())?;
    let [l0, l1, l2, l3, end @ ..] = tail;
    if &end != MAGIC {
        return Err(not_parquet(format!(
            "a file cut off after {length} bytes (its end is missing)"
        )));
    }
    let footer = u64::from(u32::from_le_bytes([l0, l1, l2, l3]));
    if footer > length - 4 - TAIL {
        return Err(not_parquet(format!("{length} bytes that claim a footer of {footer} bytes")));
    }
    if footer > MAX_FOOTER {
        return Err(not_parquet(format!(
            "a footer of {footer} bytes, at most {MAX_FOOTER} are read"
        )));
    }
    let mut bytes = vec![0; footer as usize];
    file.seek(SeekFrom::End(-((TAIL + footer) as i64))).map_err(io())?;
    file.read_exact(&mut bytes).map_err(io())?;
    file.rewind().map_err(io())?;
    let mut walker = Walker { bytes: &bytes };
    walker
        .structure(0, true)
        .ok_or_else(|| not_parquet("a footer whose lengths do not fit the file".to_owned()))
}

/// Steps over Thrift's compact protocol; `None` as soon as something does not fit.
struct Walker<'a> {
    bytes: &'a [u8],
}

impl Walker<'_> {
    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.bytes.split_first()?;
        self.bytes = rest;
        Some(*first)
    }

    fn skip(&mut self, count: u64) -> Option<()> {
        self.bytes = self.bytes.get(usize::try_from(count).ok()?..)?;
        Some(())
    }

    fn varint(&mut self) -> Option<u64> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }

    /// One struct, up to its stop byte; `top` is the file's metadata itself.
    fn structure(&mut self, depth: usize, top: bool) -> Option<()> {
        if depth > MAX_DEPTH {
            return None;
        }
        let mut id = 0_u64;
        loop {
            let header = self.byte()?;
            if header == 0 {
                return Some(());
            }
            id = match header >> 4 {
                0 => {
                    let zigzag = self.varint()?;
                    zigzag >> 1
                }
                delta => id + u64::from(delta),
            };
            let most = match (top, id) {
                (true, 2) => MAX_SCHEMA_ELEMENTS,
                (true, 4) => MAX_ROW_GROUPS,
                _ => u64::MAX,
            };
            match header & 0x0f {
                1 | 2 => {}
                9 | 10 => self.list(depth + 1, most)?,
                kind => self.value(kind, depth + 1)?,
            }
        }
    }

    fn list(&mut self, depth: usize, most: u64) -> Option<()> {
        let header = self.byte()?;
        let count = match header >> 4 {
            15 => self.varint()?,
            count => u64::from(count),
        };
        if count > most || count > self.bytes.len() as u64 {
            return None;
        }
        for _ in 0..count {
            match header & 0x0f {
                1 | 2 => self.skip(1)?,
                kind => self.value(kind, depth + 1)?,
            }
        }
        Some(())
    }

    fn value(&mut self, kind: u8, depth: usize) -> Option<()> {
        if depth > MAX_DEPTH {
            return None;
        }
        match kind {
            3 => self.skip(1),
            4..=6 => self.varint().map(|_| ()),
            7 => self.skip(8),
            8 => {
                let length = self.varint()?;
                self.skip(length)
            }
            9 | 10 => self.list(depth, u64::MAX),
            12 => self.structure(depth, false),
            13 => self.skip(16),
            // Maps do not occur in Parquet's metadata.
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_longer_than_the_footer_is_refused() {
        // Field 4 (row groups): a list of structs that claims 2^28 entries.
        let lying = [0x49, 0xfc, 0x80, 0x80, 0x80, 0x80, 0x01, 0x00];
        assert_eq!(Walker { bytes: &lying }.structure(0, true), None);
        let honest = [0x49, 0x1c, 0x00, 0x00];
        assert_eq!(Walker { bytes: &honest }.structure(0, true), Some(()));
    }

    #[test]
    fn deep_nesting_is_refused() {
        let nested = [0x1c; 4096];
        assert_eq!(Walker { bytes: &nested }.structure(0, true), None);
    }
}

//! Looks at a Parquet file's footer before the decoder does.
//!
//! The footer is Thrift: a few bytes can claim a list of two billion entries, and a decoder that reserves memory for
//! them aborts the process, which nothing can catch. So the lengths are walked first: a list may not claim more
//! entries than it has bytes left, and nesting is bounded.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use crate::SchemaError;
use crate::thrift::Walker;

const MAGIC: &[u8; 4] = b"PAR1";
/// Length and magic at the end.
const TAIL: u64 = 8;
/// Our own footers take kilobytes.
const MAX_FOOTER: u64 = 64 << 20;

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

//! Checks a Parquet file's footer before the decoder reads it.
//!
//! The footer is Thrift, in which a few bytes can claim a list of two billion entries. A decoder that reserves memory
//! for them aborts the process, and an abort cannot be caught. This check therefore walks the lengths first: it rejects
//! a list with more entries than bytes are left, and it limits the nesting.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use crate::SchemaError;
use crate::thrift::Walker;

const MAGIC: &[u8; 4] = b"PAR1";
/// Bytes at the end of a file: the footer's length and the magic number.
const TAIL: u64 = 8;
/// Largest footer that is read. The footers of iopo's files take kilobytes.
const MAX_FOOTER: u64 = 64 << 20;

/// Checks that `file` begins and ends like a Parquet file and that the lengths in its footer fit.
pub(crate) fn check(file: &mut File, path: &Path) -> Result<(), SchemaError> {
    let not_parquet = |got: String| SchemaError::NotParquet { path: path.to_path_buf(), got };
    let io = || SchemaError::io(path, "read its header and footer");
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
            "a file that does not start with `PAR1`".into()
        };
        return Err(not_parquet(got));
    }
    if length < 4 + TAIL {
        return Err(not_parquet(format!("a file of {length} bytes, too short for Parquet")));
    }
    let mut tail = [0; TAIL as usize];
    file.seek(SeekFrom::End(-(TAIL as i64))).map_err(io())?;
    file.read_exact(&mut tail).map_err(io())?;
    let [l0, l1, l2, l3, end @ ..] = tail;
    if &end != MAGIC {
        return Err(not_parquet(format!("a file of {length} bytes that does not end with `PAR1`")));
    }
    let footer = u64::from(u32::from_le_bytes([l0, l1, l2, l3]));
    if footer > length - 4 - TAIL {
        return Err(not_parquet(format!(
            "a file of {length} bytes that claims a footer of {footer} bytes"
        )));
    }
    if footer > MAX_FOOTER {
        return Err(not_parquet(format!(
            "a footer of {footer} bytes, more than the limit of {MAX_FOOTER}"
        )));
    }
    let mut bytes = vec![0; footer as usize];
    file.seek(SeekFrom::End(-((TAIL + footer) as i64))).map_err(io())?;
    file.read_exact(&mut bytes).map_err(io())?;
    file.rewind().map_err(io())?;
    let mut walker = Walker { bytes: &bytes };
    walker
        .structure(0, true)
        .ok_or_else(|| not_parquet("a footer with lengths that exceed its size".to_owned()))
}

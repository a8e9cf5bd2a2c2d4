//! Reads the prompts of a benchmark: text, or a Parquet file with the same fields as columns.

use std::io::Read;
use std::path::Path;

use iopo_schema::Foreign;

use crate::EvalError;

/// The first bytes of a Parquet file.
const PARQUET: &[u8] = b"PAR1";

/// The largest text of a Parquet file in bytes.
const MOST: usize = 256 << 20;

/// Reads a file of prompts as text. Rows of a Parquet file, such as those of datasets on the hub, become JSON lines.
///
/// # Errors
/// Returns an error if the file cannot be read, or a Parquet file is damaged or too large.
pub(crate) fn read_text(path: &Path) -> Result<String, EvalError> {
    let failed = |source| EvalError::Read { path: path.to_owned(), source };
    let mut start = Vec::new();
    let file = iopo_core::files::open(path).map_err(failed)?;
    file.take(PARQUET.len() as u64).read_to_end(&mut start).map_err(failed)?;
    if start == PARQUET {
        return Ok(Foreign::open(path)?.json_lines(MOST)?);
    }
    iopo_core::files::read_to_string(path).map_err(failed)
}

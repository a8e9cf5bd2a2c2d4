//! Reads small files of bounded size.

use std::path::Path;

use iopo_core::files;
use serde_json::Value;

use super::limits;
use crate::error::ModelError;

/// Reads a JSON file of bounded size.
pub(crate) fn read_json(path: &Path) -> Result<Value, ModelError> {
    let text = read_text(path, limits::CONFIG_BYTES)?;
    serde_json::from_str(&text)
        .map_err(|error| ModelError::config(path, "(the whole file)", "JSON", error.to_string()))
}

/// Reads a UTF-8 file of at most `limit` bytes.
pub(crate) fn read_text(path: &Path, limit: u64) -> Result<String, ModelError> {
    use std::io::Read;

    let file = files::open(path).map_err(|error| ModelError::io("open", path, error))?;
    let mut bytes = Vec::new();
    let read = file.take(limit + 1).read_to_end(&mut bytes);
    read.map_err(|error| ModelError::io("read", path, error))?;
    if files::is_git_lfs_pointer(&bytes) {
        return Err(ModelError::GitLfsPointer { path: path.to_owned() });
    }
    if bytes.len() as u64 > limit {
        let expected = format!("at most {limit} bytes");
        return Err(ModelError::config(path, "(the whole file)", expected, "more"));
    }
    String::from_utf8(bytes)
        .map_err(|error| ModelError::config(path, "(the whole file)", "UTF-8", error.to_string()))
}

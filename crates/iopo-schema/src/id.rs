//! Ids and hashes, computed from content alone.

use std::path::Path;

use iopo_core::{ContentHasher, hash};

use crate::SchemaError;

/// Returns the id of something that consists of `parts`: 32 hexadecimal digits of BLAKE3.
///
/// Each part is hashed after its length, so that `["ab", "c"]` and `["a", "bc"]` differ.
///
/// ```
/// use iopo_schema::content_id;
///
/// assert_eq!(content_id(&["seed", "prompt"]), content_id(&["seed", "prompt"]));
/// assert_ne!(content_id(&["ab", "c"]), content_id(&["a", "bc"]));
/// assert_eq!(content_id(&[]).len(), 32);
/// ```
pub fn content_id(parts: &[&str]) -> String {
    let mut hasher = ContentHasher::new();
    for part in parts {
        hasher.part(part);
    }
    let mut id = hasher.hex();
    id.truncate(32);
    id
}

/// Returns the BLAKE3 hash of a file's bytes as 64 hexadecimal digits. The file is read in small pieces.
///
/// # Errors
/// Returns [`SchemaError::Io`] if the file cannot be read.
pub fn file_hash(path: &Path) -> Result<String, SchemaError> {
    hash::file(path).map_err(SchemaError::io(path, "read the file"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_stable_across_releases() {
        assert_eq!(content_id(&["x1", "y1"]), "41770aebdeb86e9704feaff7d46711ee");
    }

    #[test]
    fn a_missing_file_is_an_error_that_names_it() {
        let error = file_hash(Path::new("no/such.file")).unwrap_err();
        assert!(error.to_string().starts_with("no/such.file: failed to read"), "{error}");
    }
}

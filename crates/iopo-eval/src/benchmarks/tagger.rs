//! The part-of-speech tagger's table for IFBench, as a file.

use std::path::Path;

use iopo_constraints::ifbench::Tagger;
use iopo_schema::file_hash;

use crate::EvalError;

/// Path of the table below the cache directory of the `iopo` command.
pub const FILE: &str = "ifbench/tagger.tsv";

/// A table with the hash of its file.
#[derive(Debug, Clone)]
pub struct TaggerTable {
    /// The table.
    pub tagger: Tagger,
    /// Hash of the file.
    pub hash: String,
}

impl TaggerTable {
    /// Reads the table; `None` if there is no such file.
    ///
    /// # Errors
    /// Returns an error if the file cannot be read or is not a table.
    pub fn read(path: &Path) -> Result<Option<Self>, EvalError> {
        if !path.exists() {
            return Ok(None);
        }
        let text = iopo_core::files::read_to_string(path)
            .map_err(|source| EvalError::Read { path: path.to_owned(), source })?;
        let tagger = Tagger::parse(&text).map_err(|source| EvalError::Instruction {
            place: path.display().to_string(),
            source: Box::new(source),
        })?;
        Ok(Some(Self { tagger, hash: file_hash(path)? }))
    }
}

#[cfg(test)]
mod tests {
    use super::TaggerTable;

    #[test]
    fn a_missing_table_is_none_and_a_damaged_one_an_error() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("tagger.tsv");
        assert!(TaggerTable::read(&path).expect("no file").is_none());
        std::fs::write(&path, "iopo-tagger 1\nNN\tVB\nthe\t0\n\nbias\t1:1\n").expect("written");
        assert!(!TaggerTable::read(&path).expect("a table").expect("a file").hash.is_empty());
        std::fs::write(&path, "iopo-tagger 2\n").expect("written");
        let error = TaggerTable::read(&path).expect_err("another format").to_string();
        assert!(error.contains("tagger.tsv"), "{error}");
    }
}

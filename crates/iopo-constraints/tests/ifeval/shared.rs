//! The files beside the repository, where they are.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde::Deserialize;

/// The folder, `None` where this checkout has none.
pub(crate) fn folder() -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/ifeval");
    path.is_dir().then_some(path)
}

/// The rows of a file, an object a line.
pub(crate) fn rows<T: for<'a> Deserialize<'a>>(path: &Path) -> Vec<T> {
    let text = fs::read_to_string(path).expect("a readable file");
    text.lines().map(|line| serde_json::from_str(line).expect("a row")).collect()
}

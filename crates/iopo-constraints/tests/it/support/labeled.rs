//! The published files of IFEval and IFBench and the labels of the published code, which are not part of the repository.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde::Deserialize;
use serde_json::{Map, Value};

/// A response that the published code has labeled, with one element per instruction in each list.
#[derive(Deserialize)]
pub(crate) struct Labeled {
    pub(crate) key: Value,
    pub(crate) instruction_id_list: Vec<String>,
    pub(crate) kwargs: Vec<Map<String, Value>>,
    pub(crate) response: String,
    pub(crate) follow_instruction_list_strict: Vec<bool>,
    pub(crate) follow_instruction_list_loose: Vec<bool>,
    /// The first variant that follows, -1 for none.
    pub(crate) loose_first_variant: Vec<i64>,
    #[serde(default)]
    pub(crate) langdetect_seed_dependent: Vec<bool>,
    #[serde(default)]
    pub(crate) random_letter: Vec<bool>,
}

/// The folder of a benchmark's files. Tests that need it pass when it is absent.
pub(crate) fn folder(benchmark: &str) -> Option<PathBuf> {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    let path = data.join(benchmark);
    path.is_dir().then_some(path)
}

/// The rows of a file with one JSON object per line.
pub(crate) fn rows<T: for<'a> Deserialize<'a>>(path: &Path) -> Vec<T> {
    let text = fs::read_to_string(path).expect("a readable file");
    text.lines().map(|line| serde_json::from_str(line).expect("a row")).collect()
}

/// The labeled files of the models, sorted by name.
pub(crate) fn models(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder.join("labelled")).expect("a folder");
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    paths
}

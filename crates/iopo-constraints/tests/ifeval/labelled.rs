//! The files with the published code's labels.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde::Deserialize;
use serde_json::{Map, Value};

/// A response that the published code has labelled; the lists run along the instructions.
#[derive(Deserialize)]
pub(crate) struct Labelled {
    pub(crate) key: u64,
    pub(crate) instruction_id_list: Vec<String>,
    pub(crate) kwargs: Vec<Map<String, Value>>,
    pub(crate) response: String,
    pub(crate) follow_instruction_list_strict: Vec<bool>,
    pub(crate) follow_instruction_list_loose: Vec<bool>,
    pub(crate) loose_first_variant: Vec<i64>,
    pub(crate) langdetect_seed_dependent: Vec<bool>,
    pub(crate) random_letter: Vec<bool>,
}

/// The labelled files of the models, by name.
pub(crate) fn models(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder.join("labelled")).expect("a folder");
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    paths
}

//! Instructions of IFBench and the table of the tagger.

use std::{fs, path::PathBuf};

use iopo_constraints::ifbench::{Instruction, Tagger};
use serde::Deserialize;
use serde_json::{Map, Value};

/// The table that `cargo xtask tagger` writes to iopo's cache, if it exists.
pub(crate) fn tagger() -> Option<Tagger> {
    let var = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let cache = var("IOPO_CACHE")
        .or_else(|| var("XDG_CACHE_HOME").map(|dir| dir.join("iopo")))
        .or_else(|| var("HOME").map(|dir| dir.join(".cache/iopo")))?;
    let text = fs::read_to_string(cache.join("ifbench/tagger.tsv")).ok()?;
    Some(Tagger::parse(&text).expect("a table of the tagger"))
}

/// A small table in which every first token is a verb.
pub(crate) fn verb_tagger() -> Tagger {
    Tagger::parse("iopo-tagger 1\nNN\tVB\nthe\t0\n\nbias\t1:1\n").expect("a table")
}

/// An instruction of each type, some of them in two forms. The fuzz target uses the same file.
pub(crate) fn instructions() -> Vec<Instruction> {
    #[derive(Deserialize)]
    struct Item {
        id: String,
        kwargs: Map<String, Value>,
    }
    let items: Vec<Item> =
        serde_json::from_str(include_str!("../../data/ifbench_instructions.json")).expect("a list");
    let made = |item: &Item| Instruction::from_parts(&item.id, &item.kwargs);
    items.iter().map(made).collect::<Result<_, _>>().expect("valid instructions")
}

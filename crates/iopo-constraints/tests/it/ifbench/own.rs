//! Paper mode agrees with the labels that `fixtures/ifbench/make_labels.py` computes with the published code.

use std::collections::BTreeSet;

use iopo_constraints::ifbench::{Checker, Instruction, Mode, Response};
use serde::Deserialize;
use serde_json::{Map, Value};

#[derive(Deserialize)]
struct File {
    texts: Vec<String>,
    labels: Vec<Labels>,
}

#[derive(Deserialize)]
struct Labels {
    id: String,
    kwargs: Map<String, Value>,
    /// For each text, the first variant that follows the instruction; -1 if none does.
    first_variants: Vec<i64>,
}

#[test]
fn labels_of_the_published_code_are_equal() {
    let file: File =
        serde_json::from_str(include_str!("../../data/ifbench_labels.json")).expect("labels");
    let mut differing = Vec::new();
    for Labels { id, kwargs, first_variants } in &file.labels {
        assert_eq!(first_variants.len(), file.texts.len());
        let instruction = Instruction::from_parts(id, kwargs).expect("a known type");
        let checker = Checker::new(&instruction, Mode::Paper, None).expect("supported");
        for (text, expected) in file.texts.iter().zip(first_variants) {
            let verdict = checker.verdict(&Response::new(text));
            let found = verdict.loose_variant.map_or(-1, |at| at as i64);
            if found != *expected {
                differing.push(format!("{id} {kwargs:?}: {found}, expected {expected}: {text:?}"));
            }
        }
    }
    assert!(differing.is_empty(), "{}", differing.join("\n"));
    let types: BTreeSet<_> = file.labels.iter().map(|labels| &labels.id).collect();
    assert_eq!(types.len(), 40);
}

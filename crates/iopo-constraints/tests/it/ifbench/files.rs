//! Accepted and rejected prompt files and instruction arguments.

use std::collections::BTreeMap;

use iopo_constraints::ifbench::{
    Checker, Instruction, InstructionError, InstructionKind, Mode, Percentage, PromptFile,
};
use serde_json::{Map, Value, json};

use crate::support::{
    ifbench::{instructions, verb_tagger},
    labeled::folder,
};

fn made(id: &str, kwargs: &Value) -> Result<Instruction, InstructionError> {
    Instruction::from_parts(id, kwargs.as_object().unwrap_or(&Map::new()))
}

#[test]
fn missing_foreign_and_mistyped_arguments_are_errors() {
    for (id, kwargs, part) in [
        ("count:numbers", json!({}), "missing parameter `N`"),
        ("count:numbers", json!({"N": null}), "missing parameter `N`"),
        ("count:numbers", json!({"N": 2.5}), "expected a whole number"),
        ("count:numbers", json!({"N": -1}), "expected a whole number"),
        ("count:numbers", json!({"N": u64::MAX}), "below 1000000000"),
        ("sentence:increment", json!({"small_n": 1_000_000_000}), "below 1000000000"),
        ("count:numbers", json!({"N": "2"}), "found \"2\""),
        ("count:numbers", json!({"N": 2, "small_n": 1}), "unknown parameter `small_n`"),
        ("count:punctuation", json!({"N": 2}), "unknown parameter `N`"),
        ("count:word_count_range", json!({"min_words": 1}), "missing parameter `max_words`"),
        ("ratio:stop_words", json!({"percentage": -0.5}), "expected a number that is not negative"),
        ("ratio:stop_words", json!({"percentage": "5"}), "expected a number that is not negative"),
        (
            "sentence:keyword",
            json!({"word": "tea", "N": 0}),
            "expected a whole number of at least 1",
        ),
        ("sentence:keyword", json!({"word": " ", "N": 1}), "expected a string that is not blank"),
        (
            "words:keywords_specific_position",
            json!({"keyword": "tea", "n": 1, "m": 0}),
            "expected a whole number of at least 1",
        ),
        ("format:list", json!({"sep": ""}), "expected a string that is not blank"),
    ] {
        let error = made(id, &kwargs).unwrap_err().to_string();
        assert!(error.contains(part) && error.contains(id), "{kwargs}: {error}");
    }
    let error = made("count:number", &json!({})).unwrap_err();
    assert!(error.to_string().contains("expected one of the 58 ids"), "{error}");
}

#[test]
fn nulls_count_as_absent_and_whole_floats_as_numbers() {
    let kwargs = json!({"N": 5.0, "small_n": null});
    assert_eq!(made("count:numbers", &kwargs), Ok(Instruction::Numbers { count: 5 }));
    let half = made("ratio:stop_words", &json!({"percentage": 12.5})).unwrap();
    let most = Percentage::new(12.5).expect("a share");
    assert_eq!(half, Instruction::StopWords { most });
}

#[test]
fn every_type_has_an_instruction_for_tests_and_is_in_order() {
    let kinds: Vec<_> = instructions().iter().map(Instruction::kind).collect();
    assert_eq!(InstructionKind::ALL.len(), 58);
    assert!(InstructionKind::ALL.iter().all(|kind| kinds.contains(kind)));
    assert!(InstructionKind::ALL.is_sorted_by_key(|kind| kind.id()));
    let mut groups = BTreeMap::new();
    for kind in InstructionKind::ALL {
        *groups.entry(kind.group()).or_insert(0) += 1;
    }
    let expected = [
        ("count", 9),
        ("custom", 11),
        ("format", 14),
        ("ratio", 5),
        ("repeat", 3),
        ("sentence", 3),
        ("words", 13),
    ];
    assert_eq!(groups.into_iter().collect::<Vec<_>>(), expected);
}

#[test]
fn the_type_that_needs_a_tagger_is_refused_without_one() {
    let verb = made("words:start_verb", &json!({})).unwrap();
    for mode in Mode::ALL {
        let error = Checker::new(&verb, mode, None).unwrap_err();
        assert!(error.to_string().contains("`words:start_verb` needs the table"), "{error}");
        assert!(error.hint().is_some_and(|hint| hint.contains("cargo xtask tagger")));
        let checker = Checker::new(&verb, mode, Some(&verb_tagger())).unwrap();
        assert!(checker.strict("Brew tea.") && !checker.strict("the tea"));
    }
}

#[test]
fn every_prompt_of_the_published_file_is_supported() {
    let Some(folder) = folder("ifbench") else { return };
    let text = std::fs::read_to_string(folder.join("input_data.jsonl")).unwrap();
    let file = PromptFile::parse(&text).unwrap();
    assert_eq!(file.prompts.len(), 300);
    assert_eq!(file.unsupported(None).into_iter().collect::<Vec<_>>(), [("words:start_verb", 6)]);
    assert!(file.unsupported(Some(&verb_tagger())).is_empty());
    let mut groups = BTreeMap::new();
    for one in file.prompts.iter().flat_map(|prompt| &prompt.instructions) {
        let kind = one.instruction.as_ref().expect("a known type").kind();
        *groups.entry(kind.group()).or_insert(0) += 1;
    }
    let expected = [
        ("count", 65),
        ("custom", 11),
        ("format", 98),
        ("ratio", 44),
        ("repeat", 9),
        ("sentence", 28),
        ("words", 89),
    ];
    assert_eq!(groups.into_iter().collect::<Vec<_>>(), expected);
}

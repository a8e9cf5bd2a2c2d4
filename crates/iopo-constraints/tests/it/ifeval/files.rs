//! Prompt files and arguments of instructions: which are accepted and which are rejected.

use std::{collections::BTreeSet, fs, path::Path};

use iopo_constraints::{
    Kind,
    ifeval::{Checker, Instruction, InstructionError, InstructionKind, Mode, PromptFile},
};
use serde_json::{Map, Value, json};

use crate::support::labeled::{folder, rows};

fn made(id: &str, kwargs: &Value) -> Result<Instruction, InstructionError> {
    Instruction::from_parts(id, kwargs.as_object().unwrap_or(&Map::new()))
}

#[test]
fn an_unknown_id_is_an_error() {
    let error = made("length_constraints:number_word", &json!({})).unwrap_err();
    assert!(matches!(error, InstructionError::UnknownInstruction { .. }), "{error}");
}

#[test]
fn missing_foreign_and_mistyped_arguments_are_errors() {
    let id = "length_constraints:number_words";
    for (kwargs, part) in [
        (json!({"num_words": 3}), "missing parameter `relation`"),
        (json!({"num_words": null, "relation": "at least"}), "missing parameter `num_words`"),
        (json!({"num_words": "3", "relation": "at least"}), "expected a whole number"),
        (json!({"num_words": -1, "relation": "at least"}), "expected a whole number"),
        (json!({"num_words": u64::MAX, "relation": "at least"}), "below 1000000000"),
        (json!({"num_words": 3, "relation": "at most"}), "found at most"),
        (json!({"num_words": 3, "relation": "at least", "n": 1}), "unknown parameter `n`"),
    ] {
        let error = made(id, &kwargs).unwrap_err().to_string();
        assert!(error.contains(part), "{kwargs}: {error}");
    }
    for (id, kwargs) in [
        ("keywords:existence", json!({"keywords": []})),
        (
            "keywords:letter_frequency",
            json!({"letter": "ab", "let_relation": "at least", "let_frequency": 1}),
        ),
        ("language:response_language", json!({"language": "German"})),
        (
            "length_constraints:nth_paragraph_first_word",
            json!({"num_paragraphs": 1, "nth_paragraph": 2, "first_word": "a"}),
        ),
    ] {
        assert!(made(id, &kwargs).is_err(), "{id}");
    }
}

#[test]
fn files_of_python_and_of_windows_are_read() {
    let line = |key: usize, kwargs: &str| {
        format!(
            "{{\"key\": {key}, \"prompt\": \"Write. \\ud83d\", \"instruction_id_list\": \
             [\"length_constraints:number_words\"], \"kwargs\": [{{{kwargs}}}], \"score\": NaN}}\r\n"
        )
    };
    let own = r#""relation": "at least", "num_words": 2"#;
    let text =
        format!("\u{feff}{}{}", line(1, own), line(2, &format!("{own}, \"first_word\": NaN")));
    let file = PromptFile::parse(&text).expect("two prompts");
    let keys: Vec<&str> = file.prompts.iter().map(|prompt| prompt.key.as_str()).collect();
    assert_eq!(keys, ["1", "2"]);
    assert_eq!(file.prompts[0].prompt, "Write. \u{fffd}");
    assert_eq!(file.prompts[0].instructions, file.prompts[1].instructions);
    let error = PromptFile::parse(&line(1, r#""relation": "at least", "num_words": NaN"#));
    assert!(error.unwrap_err().to_string().contains("line 1"));
}

#[test]
fn null_arguments_count_as_absent() {
    let kwargs = json!({"num_words": 3, "relation": "at least", "keywords": null});
    assert!(made("length_constraints:number_words", &kwargs).is_ok());
}

#[test]
fn hostile_patterns_are_rejected_in_paper_mode_and_literal_in_repaired_mode() {
    let pattern = "(a+)+$";
    let kwargs = json!({"keyword": pattern, "relation": "at least", "frequency": 1});
    let instruction = made("keywords:frequency", &kwargs).unwrap();
    let error = Checker::new(&instruction, Mode::Paper).unwrap_err();
    assert!(matches!(error, InstructionError::UnsupportedPattern { .. }), "{error}");
    assert!(Checker::new(&instruction, Mode::Repaired).unwrap().strict("so (a+)+$ it is"));
}

const PROMPTS: &str = r#"
{"key": 1, "prompt": "a", "instruction_id_list": ["punctuation:no_comma"], "kwargs": [{"N": null}]}
{"key": "2", "prompt": "b", "instruction_id_list": ["count:numbers", "startend:quotation"], "kwargs": [{"N": 3}, {}]}
{"key": "3", "prompt": "c", "instruction_id_list": ["count:numbers"], "kwargs": [{"N": 4}]}
"#;

#[test]
fn types_of_other_benchmarks_are_named_and_counted() {
    let file = PromptFile::parse(PROMPTS).unwrap();
    assert_eq!(file.prompts.len(), 3);
    assert_eq!(file.prompts[1].key, "2");
    assert_eq!(file.prompts[0].instructions[0].instruction, Some(Instruction::NoComma));
    assert!(file.prompts[0].instructions[0].kwargs.is_empty());
    assert_eq!(file.prompts[1].instructions[0].instruction, None);
    assert_eq!(file.unsupported().into_iter().collect::<Vec<_>>(), [("count:numbers", 2)]);
}

#[test]
fn invalid_lines_are_errors_with_their_number() {
    let good = PROMPTS.lines().nth(1).unwrap();
    for (bad, part) in [
        ("{".to_owned(), "line 2"),
        (good.to_owned(), "line 2 is not a prompt: key 1 already occurs in line 1"),
        (good.replace("[{\"N\": null}]", "[]").replace("1,", "9,"), "1 instruction with 0 kwargs"),
        (
            r#"{"key": 9, "prompt": "p", "instruction_id_list": [], "kwargs": []}"#.to_owned(),
            "found no instruction, expected at least one",
        ),
        (good.replace("null", "5").replace("1,", "9,"), "prompt 9 (line 2)"),
        (good.replace("1,", "[],"), "found [] as key, expected a number or a string"),
    ] {
        let error = PromptFile::parse(&format!("{good}\n{bad}")).unwrap_err().to_string();
        assert!(error.contains(part), "{bad}: {error}");
    }
}

#[test]
fn every_prompt_of_the_published_file_is_supported_in_both_modes() {
    let Some(folder) = folder("ifeval") else { return };
    let text = std::fs::read_to_string(folder.join("input_data.jsonl")).unwrap();
    let file = PromptFile::parse(&text).unwrap();
    assert_eq!((file.prompts.len(), file.unsupported().len()), (541, 0));
    let mut counts = std::collections::BTreeMap::new();
    for item in file.prompts.iter().flat_map(|prompt| &prompt.instructions) {
        let instruction = item.instruction.as_ref().expect("a known type");
        for mode in Mode::ALL {
            assert!(Checker::new(instruction, mode).is_ok(), "{instruction:?}");
        }
        *counts.entry(instruction.kind()).or_insert(0) += 1;
    }
    assert_eq!((counts.len(), counts.values().sum::<i32>()), (InstructionKind::ALL.len(), 834));
}

#[test]
fn a_type_is_unseen_if_every_kind_that_asks_for_it_is_held_out() {
    let held_out = BTreeSet::from([Kind::Postscript, Kind::MaxWords]);
    assert!(!InstructionKind::Postscript.is_seen(&held_out, &BTreeSet::new()));
    assert!(
        InstructionKind::NumberWords.is_seen(&held_out, &BTreeSet::new()),
        "`min_words` asks for it too"
    );
    let nothing = BTreeSet::new();
    assert!(InstructionKind::NoComma.is_seen(&nothing, &BTreeSet::new()));
    assert!(!InstructionKind::LetterFrequency.is_seen(&nothing, &BTreeSet::new()));
}

#[test]
fn no_prompt_is_among_the_tasks() {
    let Some(folder) = folder("ifeval") else { return };
    let file = PromptFile::parse(&fs::read_to_string(folder.join("input_data.jsonl")).unwrap());
    let tasks = Path::new(env!("CARGO_MANIFEST_DIR")).join("../iopo/data/tasks.jsonl");
    let plain = |text: &str| {
        let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
        words.map(str::to_lowercase).collect::<Vec<_>>().join(" ")
    };
    let tasks: Vec<String> = rows::<Value>(&tasks)
        .iter()
        .flat_map(|row| row.as_object().expect("an object").values())
        .filter_map(|value| value.as_str().map(plain))
        .filter(|text| text.split(' ').count() > 3)
        .collect();
    assert!(tasks.len() > 100);
    for prompt in file.unwrap().prompts {
        let text = plain(&prompt.prompt);
        for task in &tasks {
            assert!(!text.contains(task.as_str()) && !task.contains(&text), "{task}");
        }
    }
}

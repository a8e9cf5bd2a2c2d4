//! Token ids and labels, compared with the IOPO authors' released code. By default no prompt loses a token.

use std::{fs, path::Path};

use iopo_core::{FalseCells, PerSequence};
use iopo_llm::{Message, Role};
use iopo_model::{ChatTemplate, ModelFiles, Tokenizer};
use iopo_train::{
    EncodedGroup, Encoder, TruncationMode,
    encode::{DropReason, Encoded, infer_seqlen},
};
use serde_json::Value;

use crate::{common, smollm2};

const SEQUENCES: PerSequence<&str> =
    PerSequence { x1y1: "chosenv1", x1y2: "rejectedv1", x2y1: "rejectedv2", x2y2: "chosenv2" };
const IGNORED: i64 = -100;

fn golden(path: &str) -> Option<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path);
    let Ok(text) = fs::read_to_string(&path) else {
        skipped(&format!("{} is missing", path.display()));
        return None;
    };
    Some(serde_json::from_str(&text).expect("JSON"))
}

#[expect(clippy::print_stderr, reason = "a skipped test says so")]
fn skipped(why: &str) {
    eprintln!("skipped: {why}");
}

/// Returns SmolLM2's tokenizer and chat template, if its GGUF file is cached.
fn smollm2_texts() -> Option<(Tokenizer, ChatTemplate)> {
    let Some(path) = smollm2::file() else {
        skipped("no SmolLM2 GGUF file (set IOPO_SMOLLM2_GGUF, or run the pipeline once)");
        return None;
    };
    let (_, tokenizer, template) = ModelFiles::open(&path).expect("SmolLM2 opens");
    Some((tokenizer, template))
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a text")
}

fn number(value: &Value) -> usize {
    value.as_u64().expect("a count") as usize
}

fn list(value: &Value) -> &[Value] {
    value.as_array().expect("a list")
}

/// Returns both chats of an example, each with its system prompt.
fn chats(example: &Value, systems: &Value) -> [Vec<Message>; 2] {
    let turns = list(&example["prompt"]);
    let system = match (text(&example["system"]), example["template"].as_str()) {
        // This template has a default system prompt.
        ("", Some("qwen")) => text(&systems["qwen"]),
        (system, _) => system,
    };
    [&turns[..turns.len() / 2], &turns[turns.len() / 2..]].map(|turns| {
        let system = (!system.is_empty()).then(|| Message::system(system));
        let turn = |turn: &Value| Message {
            role: match text(&turn["role"]) {
                "user" => Role::User,
                "assistant" => Role::Assistant,
                other => panic!("role {other}"),
            },
            content: text(&turn["content"]).to_owned(),
        };
        system.into_iter().chain(turns.iter().map(turn)).collect()
    })
}

fn encode(example: &Value, golden: &Value, encoder: &Encoder<'_>) -> Encoded {
    let [x1, x2] = chats(example, &golden["default_system"]);
    let [y1, y2] = [0, 1].map(|at| text(&example["response"][at]["content"]));
    encoder.group("g", [&x1, &x2], [y1, y2], FalseCells::BOTH).expect("encodes")
}

fn equal(example: &Value, group: &EncodedGroup) {
    for (sequence, name) in SEQUENCES.iter() {
        let (prompt, response) = (group.prompt(sequence), group.response(sequence));
        let ids: Vec<i64> = prompt.iter().chain(response).map(|&id| i64::from(id)).collect();
        let mut labels = ids.clone();
        labels[..prompt.len()].fill(IGNORED);
        let expected = |field: &str| -> Vec<i64> {
            let values = list(&example["encoded"][*name][field]);
            values.iter().map(|value| value.as_i64().expect("an id")).collect()
        };
        assert_eq!(ids, expected("input_ids"), "{}, {name}", example["name"]);
        assert_eq!(labels, expected("labels"), "{}, {name}", example["name"]);
    }
}

/// Compares every example under both truncation modes and returns the number of truncated ones.
fn check(golden: &Value, tokenizer: &Tokenizer, template: &ChatTemplate) -> usize {
    let encoder = |limit, policy| Encoder::new(tokenizer, template, limit, policy).expect("eos");
    let mut cut = 0;
    for example in list(&golden["examples"]) {
        let limit = number(&example["cutoff_len"]);
        let Encoded::Group(official) =
            encode(example, golden, &encoder(limit, TruncationMode::Official))
        else {
            panic!("{}: dropped", example["name"]);
        };
        equal(example, &official);
        let before = &example["lengths_before"];
        let whole = |one: &str, two: &str| number(&before[one]).max(number(&before[two]));
        let (source, target) = (whole("prompt1", "prompt2"), whole("y1", "y2"));
        let (left, right) = infer_seqlen(source, target, limit);
        assert_eq!([left, right].map(Value::from)[..], list(&example["infer_seqlen"])[..]);
        cut += usize::from((left, right) != (source, target));

        // By default a group is complete or dropped.
        match encode(example, golden, &encoder(limit, TruncationMode::Drop)) {
            Encoded::Group(group) => {
                assert!(group.longest() <= limit);
                for (tokens, name) in [
                    (&group.x1, "prompt1"),
                    (&group.x2, "prompt2"),
                    (&group.y1, "y1"),
                    (&group.y2, "y2"),
                ] {
                    assert_eq!(tokens.len(), number(&before[name]), "{}", example["name"]);
                }
            }
            Encoded::Dropped(DropReason::TooLong) => {
                // Texts that contain a special token have other lengths in the reference.
                let longest = |x: &str, y: &str| number(&before[x]) + number(&before[y]);
                let pairs =
                    [("prompt1", "y1"), ("prompt1", "y2"), ("prompt2", "y2"), ("prompt2", "y1")];
                assert!(
                    pairs.into_iter().any(|(x, y)| longest(x, y) > limit),
                    "{}",
                    example["name"]
                );
            }
            Encoded::Dropped(reason) => {
                assert!(
                    matches!(reason, DropReason::SpecialToken | DropReason::EmptyResponse),
                    "{reason}"
                );
            }
        }
    }
    cut
}

fn table(golden: &Value) -> usize {
    let rows = list(&golden["infer_seqlen_table"]);
    for row in rows {
        let [source, target, cutoff] =
            ["source_len", "target_len", "cutoff_len"].map(|key| number(&row[key]));
        let found = infer_seqlen(source, target, cutoff);
        assert_eq!(found, (number(&row["result"][0]), number(&row["result"][1])), "{row}");
    }
    rows.len()
}

#[test]
fn generated_groups_follow_the_truncation_rule() {
    let golden = golden("fixtures/golden/encode_golden.json").expect("golden numbers");
    assert!(table(&golden) > 500);
    let folder = tempfile::tempdir().expect("a folder");
    let (tokenizer, template) = (common::tokenizer(folder.path()), common::template());
    assert!(check(&golden, &tokenizer, &template) >= 5);
}

#[test]
fn groups_are_encoded_like_the_released_code() {
    let Some(golden) = golden("../shared/golden/encode_golden.json") else { return };
    assert_eq!(table(&golden), 1092);
    if let Some((tokenizer, template)) = smollm2_texts() {
        assert!(check(&golden, &tokenizer, &template) >= 9);
    }
}

//! Runs every check on arbitrary text. The part before the first NUL is the keyword, the rest is the response.

#![no_main]

use std::sync::LazyLock;

use iopo_constraints::ifbench::{Checker, Instruction, Mode, Response, Tagger};
use libfuzzer_sys::fuzz_target;
use serde_json::{Value, json};

/// A table in which most first words are verbs. The real one is not part of the repository.
static TAGGER: LazyLock<Tagger> = LazyLock::new(|| {
    Tagger::parse("iopo-tagger 1\nNN\tVB\nthe\t0\n\nbias\t1:1\n").expect("a table")
});

/// Checkers for an instruction of each type, which the property tests use too.
static FIXED: LazyLock<Vec<Checker>> = LazyLock::new(|| {
    let all: Vec<Value> = serde_json::from_str(include_str!("../../tests/data/ifbench_instructions.json"))
        .expect("a list");
    let all = all.iter().map(|item| (item["id"].as_str().expect("an id"), &item["kwargs"]));
    all.flat_map(|(id, kwargs)| checkers(id, kwargs)).collect()
});

/// Checkers for an instruction in both modes; empty if its arguments are refused.
fn checkers(id: &str, kwargs: &Value) -> Vec<Checker> {
    let Some(Ok(instruction)) = kwargs.as_object().map(|kwargs| Instruction::from_parts(id, kwargs))
    else {
        return Vec::new();
    };
    Mode::ALL
        .into_iter()
        .map(|mode| Checker::new(&instruction, mode, Some(&TAGGER)).expect("supported"))
        .collect()
}

/// A number of any size: the first eight bytes.
fn number(data: &[u8]) -> u64 {
    data.first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes))
}

fuzz_target!(|data: &[u8]| {
    let text = String::from_utf8_lossy(data);
    let (keyword, text) = text.split_once('\0').unwrap_or(("tea", &text));
    let response = Response::new(text);
    let number = number(data);
    let varied = [
        ("count:numbers", json!({"N": number})),
        ("count:word_count_range", json!({"min_words": 1, "max_words": number})),
        ("count:words_japanese", json!({"N": number})),
        ("repeat:repeat_span", json!({"prompt_to_repeat": keyword, "n_start": 0, "n_end": number})),
        ("sentence:increment", json!({"small_n": number})),
        ("sentence:keyword", json!({"word": keyword, "N": number})),
        ("words:keywords_specific_position", json!({"keyword": keyword, "n": number, "m": number})),
        ("words:repeats", json!({"small_n": number})),
        (
            "count:keywords_multiple",
            json!({"keyword1": keyword, "keyword2": keyword, "keyword3": "tea", "keyword4": "a", "keyword5": "e"}),
        ),
        ("format:list", json!({"sep": keyword})),
        ("format:options", json!({"options": keyword})),
        ("ratio:overlap", json!({"reference_text": keyword, "percentage": 50})),
        ("repeat:repeat_change", json!({"prompt_to_repeat": keyword})),
        ("repeat:repeat_span", json!({"prompt_to_repeat": keyword, "n_start": 1, "n_end": 3})),
        ("sentence:keyword", json!({"word": keyword, "N": 1})),
        ("words:keywords_specific_position", json!({"keyword": keyword, "n": 1, "m": 1})),
        ("words:words_position", json!({"keyword": keyword})),
    ];
    let varied: Vec<Checker> = varied.iter().flat_map(|(id, kwargs)| checkers(id, kwargs)).collect();
    for checker in FIXED.iter().chain(&varied) {
        let verdict = checker.verdict(&response);
        assert!(verdict.loose || !verdict.strict, "{} in {}", checker.kind(), checker.mode());
    }
    // Tagger tables are untrusted text too.
    let _ = Tagger::parse(text);
});

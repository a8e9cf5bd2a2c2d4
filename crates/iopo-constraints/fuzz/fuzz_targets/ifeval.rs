//! Runs every check on arbitrary text. The part before the first NUL is the keyword, the rest is the response.

#![no_main]

use std::sync::LazyLock;

use iopo_constraints::ifeval::{Checker, Instruction, Mode, Response};
use libfuzzer_sys::fuzz_target;
use serde_json::{Value, json};

/// Checkers for an instruction of each type, which the property tests use too.
static FIXED: LazyLock<Vec<Checker>> = LazyLock::new(|| {
    let all: Vec<Value> =
        serde_json::from_str(include_str!("../../tests/data/instructions.json")).expect("a list");
    let all = all.iter().map(|item| (item["id"].as_str().expect("an id"), &item["kwargs"]));
    all.flat_map(|(id, kwargs)| checkers(id, kwargs)).collect()
});

/// Checkers for an instruction in the modes that support its arguments.
fn checkers(id: &str, kwargs: &Value) -> Vec<Checker> {
    let Some(Ok(instruction)) = kwargs.as_object().map(|kwargs| Instruction::from_parts(id, kwargs))
    else {
        return Vec::new();
    };
    Mode::ALL.into_iter().filter_map(|mode| Checker::new(&instruction, mode).ok()).collect()
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
        ("detectable_content:number_placeholders", json!({"num_placeholders": number})),
        ("keywords:frequency", json!({"keyword": keyword, "relation": "less than", "frequency": number})),
        ("length_constraints:number_paragraphs", json!({"num_paragraphs": number})),
        ("length_constraints:number_words", json!({"relation": "at least", "num_words": number})),
        ("combination:repeat_prompt", json!({"prompt_to_repeat": keyword})),
        ("detectable_content:postscript", json!({"postscript_marker": keyword})),
        ("detectable_format:multiple_sections", json!({"section_spliter": keyword, "num_sections": 1})),
        ("keywords:existence", json!({"keywords": [keyword]})),
        ("keywords:forbidden_words", json!({"forbidden_words": [keyword]})),
        ("keywords:frequency", json!({"keyword": keyword, "relation": "at least", "frequency": 1})),
        (
            "length_constraints:nth_paragraph_first_word",
            json!({"num_paragraphs": 2, "nth_paragraph": 2, "first_word": keyword}),
        ),
        ("startend:end_checker", json!({"end_phrase": keyword})),
    ];
    let varied: Vec<Checker> = varied.iter().flat_map(|(id, kwargs)| checkers(id, kwargs)).collect();
    for checker in FIXED.iter().chain(&varied) {
        let verdict = checker.verdict(&response);
        assert!(verdict.loose || !verdict.strict, "{} in {}", checker.kind(), checker.mode());
    }
});

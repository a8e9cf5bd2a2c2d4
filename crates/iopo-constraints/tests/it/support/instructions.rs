//! Texts at the limits of the checks, and one instruction of each type.

use iopo_constraints::ifeval::Instruction;
use proptest::prelude::*;
use serde_json::{Value, json};

/// Pieces of text that checks react to.
pub(crate) const PIECES: &[&str] = &[
    "Tea is warm. ",
    "DON'T ",
    "U.S. ",
    "e.g. ",
    "J. Smith ",
    "... ",
    ". . . ",
    "3.50 ",
    "?! ",
    "\"",
    "'",
    "“",
    "”",
    "``",
    "''",
    "--",
    "-",
    "*",
    "**",
    "***",
    "******",
    "* a",
    "- b",
    "\n",
    "\n\n",
    "\r\n",
    "\u{1c}",
    "\u{85}",
    "\u{a0}",
    "\u{200b}",
    "<<",
    ">>",
    "<<Tea>>",
    "[",
    "]",
    "[name]",
    "P.S.",
    "p. p. s",
    "Section 1",
    "SECTION 2 ",
    "```json\n",
    "```",
    "{\"a\": [1, NaN]}",
    "{",
    "}",
    "My answer is no.",
    ",",
    "，",
    "tea",
    "TEA",
    "_tea_",
    "xteax",
    "cannot ",
    "gonna ",
    "'tis ",
    "it's ",
    "हिन्दी",
    "日本語。",
    "ǅ",
    "İ",
    "ß",
    "ς",
    "ſ",
    "🙂",
    "e\u{301}",
    "#",
    "die Katze ist müde ",
    ";",
    ":",
    "(",
    ")",
    "&",
    "@",
    "%",
];

/// Everyday and hostile texts.
pub(crate) fn texts() -> impl Strategy<Value = String> {
    let pieces = prop::collection::vec(prop::sample::select(PIECES), 0..24);
    prop_oneof![
        6 => pieces.prop_map(|pieces| pieces.concat()),
        2 => any::<String>(),
        1 => "[ .?!*\"'\n-]{0,40}",
    ]
}

/// An instruction of each type, some of them in two forms.
pub(crate) fn instructions() -> Vec<Instruction> {
    let all: &[(&str, Value)] = &[
        (
            "change_case:capital_word_frequency",
            json!({"capital_relation": "at least", "capital_frequency": 2}),
        ),
        ("change_case:english_capital", json!({})),
        ("change_case:english_lowercase", json!({})),
        ("combination:repeat_prompt", json!({"prompt_to_repeat": "Tea is warm."})),
        ("combination:two_responses", json!({})),
        ("detectable_content:number_placeholders", json!({"num_placeholders": 1})),
        ("detectable_content:postscript", json!({"postscript_marker": "P.S."})),
        ("detectable_content:postscript", json!({"postscript_marker": "P.P.S"})),
        ("detectable_format:constrained_response", json!({})),
        ("detectable_format:json_format", json!({})),
        (
            "detectable_format:multiple_sections",
            json!({"section_spliter": "Section", "num_sections": 1}),
        ),
        ("detectable_format:number_bullet_lists", json!({"num_bullets": 2})),
        ("detectable_format:number_highlighted_sections", json!({"num_highlights": 1})),
        ("detectable_format:title", json!({})),
        ("keywords:existence", json!({"keywords": ["tea", "warm"]})),
        ("keywords:forbidden_words", json!({"forbidden_words": ["tea", "a - b"]})),
        ("keywords:frequency", json!({"keyword": "tea", "relation": "less than", "frequency": 2})),
        ("keywords:frequency", json!({"keyword": "t.a?", "relation": "at least", "frequency": 1})),
        (
            "keywords:letter_frequency",
            json!({"letter": "#", "let_relation": "at least", "let_frequency": 1}),
        ),
        ("language:response_language", json!({"language": "de"})),
        (
            "length_constraints:nth_paragraph_first_word",
            json!({"num_paragraphs": 2, "nth_paragraph": 2, "first_word": "tea"}),
        ),
        ("length_constraints:number_paragraphs", json!({"num_paragraphs": 2})),
        (
            "length_constraints:number_sentences",
            json!({"relation": "at least", "num_sentences": 2}),
        ),
        ("length_constraints:number_words", json!({"relation": "less than", "num_words": 9})),
        ("punctuation:no_comma", json!({})),
        ("startend:end_checker", json!({"end_phrase": "Tea"})),
        ("startend:quotation", json!({})),
    ];
    let made = |(id, kwargs): &(&str, Value)| {
        Instruction::from_parts(id, kwargs.as_object().expect("an object")).expect("an instruction")
    };
    all.iter().map(made).collect()
}

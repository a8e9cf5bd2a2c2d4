//! Texts at the limits of the checks, and one instruction of each type.

use iopo_constraints::ifeval::Instruction;
use proptest::prelude::*;
use serde::Deserialize;
use serde_json::{Map, Value};

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

/// An instruction of each type, some of them in two forms. The fuzz target uses the same file.
pub(crate) fn instructions() -> Vec<Instruction> {
    #[derive(Deserialize)]
    struct Item {
        id: String,
        kwargs: Map<String, Value>,
    }
    let items: Vec<Item> =
        serde_json::from_str(include_str!("../../data/instructions.json")).expect("a list");
    let made = |item: &Item| Instruction::from_parts(&item.id, &item.kwargs);
    items.iter().map(made).collect::<Result<_, _>>().expect("valid instructions")
}

//! Properties that hold for all texts: no panic, strict implies loose, blank responses follow nothing, linear time.

use std::sync::LazyLock;

use iopo_constraints::ifbench::{Checker, Instruction, Mode, Response, primitives};
use proptest::prelude::*;
use serde_json::{Map, Value};

use crate::support::{
    ifbench::{instructions, verb_tagger},
    instructions::{PIECES, texts},
};

/// Pieces of text that only checks of IFBench react to.
const MORE: &[&str] = &[
    "Question 1: ",
    "A) tea",
    "Zimbabwe\n",
    "1800-02-29, ",
    "ID,Country,City,Year,Count\n",
    "\"a\"\"b\",c\r\n",
    "\t",
    " \n\n",
    "<i>tea</i> ",
    "<em>",
    "<i>\n\n",
    "<em>.</em>\n\n",
    "# <i>\n",
    "My Answer: ",
    "level ",
    "well-known-a-b ",
    "お茶 ",
    "((((( ) ",
    "]}",
    "‽ ?!",
    "a' b",
    "™",
    "🇩🇪",
    "1\u{fe0f}\u{20e3}",
];

static CHECKERS: LazyLock<Vec<Checker>> = LazyLock::new(|| {
    let (all, tagger) = (instructions(), verb_tagger());
    let both =
        all.iter().flat_map(|one| Mode::ALL.map(|mode| Checker::new(one, mode, Some(&tagger))));
    both.collect::<Result<_, _>>().expect("supported")
});

fn all_texts() -> impl Strategy<Value = String> {
    let pieces = prop::collection::vec(prop::sample::select([PIECES, MORE].concat()), 0..24);
    prop_oneof![
        3 => texts(),
        3 => pieces.prop_map(|pieces| pieces.concat()),
        1 => "[ \n\t\"'(){}\\[\\]*<>/iem,.-]{0,40}",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn strict_implies_loose(text in all_texts()) {
        let response = Response::new(&text);
        for checker in &*CHECKERS {
            let verdict = checker.verdict(&response);
            prop_assert!(verdict.loose || !verdict.strict, "{}", checker.kind());
            prop_assert_eq!(verdict.strict, verdict.loose_variant == Some(0));
            prop_assert_eq!(verdict.strict, checker.strict(&text));
            prop_assert_eq!(verdict.mode, checker.mode());
        }
    }

    #[test]
    fn blank_responses_follow_nothing(text in "[ \n\t\u{1c}\u{a0}]{0,12}") {
        let response = Response::new(&text);
        prop_assert!(CHECKERS.iter().all(|checker| !checker.verdict(&response).loose));
    }

    /// Removes lines while it visits them, as the published code does, in quadratic time.
    #[test]
    fn indented_lines_are_those_of_the_plain_algorithm(text in "[ab \n\t]{0,40}") {
        let mut lines: Vec<&str> = text.split('\n').collect();
        let mut at = 0;
        while at < lines.len() {
            let line = lines[at];
            if line.trim().is_empty() {
                let first = lines.iter().position(|other| *other == line).expect("itself");
                lines.remove(first);
            }
            at += 1;
        }
        prop_assert_eq!(primitives::indented_lines(&text), lines);
    }
}

/// An instruction with each of its numbers replaced.
fn with_numbers(one: &Value, number: u64) -> Map<String, Value> {
    let kwargs = one["kwargs"].as_object().cloned().unwrap_or_default();
    let change = |value: Value| if value.is_number() { number.into() } else { value };
    kwargs.into_iter().map(|(name, value)| (name, change(value))).collect()
}

#[test]
fn numbers_of_any_size_are_checked_or_refused() {
    let all: Vec<Value> =
        serde_json::from_str(include_str!("../../data/ifbench_instructions.json")).expect("a list");
    let (tagger, text) = (verb_tagger(), "Tea is hot. Tea 1 2 is hot! Tea お茶?\n* tea");
    let mut refused = 0;
    for one in &all {
        let id = one["id"].as_str().expect("an id");
        for number in [0, 1, 999_999_999, 1_000_000_000, u64::MAX - 1, u64::MAX] {
            match Instruction::from_parts(id, &with_numbers(one, number)) {
                Ok(instruction) => {
                    for mode in Mode::ALL {
                        let checker = Checker::new(&instruction, mode, Some(&tagger));
                        checker.expect("supported").verdict(&Response::new(text));
                    }
                }
                Err(error) => {
                    assert!(number == 0 || number >= 1_000_000_000, "{id}: {error}");
                    refused += usize::from(number == u64::MAX);
                }
            }
        }
    }
    assert!(refused > 10, "{refused}");
}

/// Checks 10 MiB of mixed pieces, then each piece repeated. A quadratic check would take hours.
#[test]
fn long_responses_finish() {
    let long = |piece: &str, bytes: usize| piece.repeat(bytes / piece.len());
    let pieces = [PIECES, MORE].concat();
    let mixed = long(&pieces.concat(), 10 << 20);
    for checker in &*CHECKERS {
        checker.strict(&mixed);
    }
    for piece in pieces {
        let text = long(piece, 1 << 17);
        for checker in &*CHECKERS {
            checker.verdict(&Response::new(&text));
        }
    }
}

//! Checks every example in the table of repaired errors in `docs/ifeval.md`.

use std::collections::BTreeSet;

use iopo_constraints::ifeval::{Checker, Instruction, InstructionKind, Mode, Response};

const PAGE: &str = include_str!("../../../../../docs/ifeval.md");

/// One line of the table.
struct Example {
    instruction: Instruction,
    response: String,
    loose: bool,
    /// The decisions of the two modes.
    expected: [bool; 2],
}

fn examples() -> Vec<Example> {
    let (_, repaired) =
        PAGE.split_once("\n## What is repaired\n").expect("the section of repaired errors");
    repaired.lines().filter(|line| line.starts_with("| `")).map(example).collect()
}

fn example(line: &str) -> Example {
    let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(str::trim).collect();
    let [id, oddity, kwargs, response, paper, repaired] = cells[..] else {
        panic!("expected six cells: {line}");
    };
    let code = |cell: &str| {
        let inner = cell.strip_prefix('`').and_then(|rest| rest.strip_suffix('`'));
        inner.expect("a cell in backticks").to_owned()
    };
    let decided = |cell: &str| match cell.trim_end_matches(" |") {
        "pass" => true,
        "fail" => false,
        other => panic!("expected pass or fail, found {other}"),
    };
    let kwargs = serde_json::from_str(&code(kwargs)).expect("a JSON object");
    Example {
        instruction: Instruction::from_parts(&code(id), &kwargs).expect("an instruction"),
        response: serde_json::from_str(&code(response)).expect("a JSON string"),
        loose: oddity.ends_with("(loose)"),
        expected: [decided(paper), decided(repaired)],
    }
}

#[test]
fn the_modes_differ_as_documented() {
    let mut wrong = Vec::new();
    for Example { instruction, response, loose, expected } in examples() {
        let found = Mode::ALL.map(|mode| {
            let verdict =
                Checker::new(&instruction, mode).unwrap().verdict(&Response::new(&response));
            assert_eq!(verdict.mode, mode);
            if loose { verdict.loose } else { verdict.strict }
        });
        assert_ne!(expected[0], expected[1], "an oddity without difference: {response}");
        if found != expected {
            wrong.push(format!("{instruction:?} on {response:?}: found {found:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_type_except_letters_has_an_example() {
    let kinds: BTreeSet<_> = examples().iter().map(|example| example.instruction.kind()).collect();
    let left: Vec<_> = InstructionKind::ALL.iter().filter(|kind| !kinds.contains(kind)).collect();
    assert_eq!(left, [&InstructionKind::LetterFrequency]);
}

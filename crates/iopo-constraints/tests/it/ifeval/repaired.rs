//! Checks every example in the table of repaired errors in `docs/ifeval.md`.

use std::collections::BTreeSet;

use iopo_constraints::ifeval::{Checker, Instruction, InstructionKind, Mode, Response};

use crate::support::examples::examples;

const PAGE: &str = include_str!("../../../../../docs/ifeval.md");

#[test]
fn the_modes_differ_as_documented() {
    let mut wrong = Vec::new();
    for example in examples(PAGE) {
        let instruction = Instruction::from_parts(&example.id, &example.kwargs).expect("valid");
        let found = Mode::ALL.map(|mode| {
            let verdict = Checker::new(&instruction, mode)
                .unwrap()
                .verdict(&Response::new(&example.response));
            assert_eq!(verdict.mode, mode);
            if example.loose { verdict.loose } else { verdict.strict }
        });
        let expected = example.expected;
        assert_ne!(expected[0], expected[1], "an oddity without difference: {}", example.response);
        if found != expected {
            wrong.push(format!("{instruction:?} on {:?}: found {found:?}", example.response));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_type_except_letters_has_an_example() {
    let ids: BTreeSet<_> = examples(PAGE).into_iter().map(|example| example.id).collect();
    let left: Vec<_> =
        InstructionKind::ALL.iter().filter(|kind| !ids.contains(kind.id())).collect();
    assert_eq!(left, [&InstructionKind::LetterFrequency]);
}

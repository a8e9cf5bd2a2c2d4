//! Checks every example in the table of repaired errors in `docs/ifbench.md`.

use std::collections::BTreeSet;

use iopo_constraints::ifbench::{Checker, Instruction, InstructionKind, Mode, Response};
use serde_json::json;

use crate::support::{examples::examples, ifbench::verb_tagger};

const PAGE: &str = include_str!("../../../../../docs/ifbench.md");

#[test]
fn the_modes_differ_as_documented() {
    let mut wrong = Vec::new();
    for example in examples(PAGE) {
        let instruction = Instruction::from_parts(&example.id, &example.kwargs).expect("valid");
        let found = Mode::ALL.map(|mode| {
            let verdict = Checker::new(&instruction, mode, None)
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
fn every_type_that_is_repaired_has_an_example() {
    let ids: BTreeSet<_> = examples(PAGE).into_iter().map(|example| example.id).collect();
    let left: Vec<_> =
        InstructionKind::ALL.iter().filter(|kind| !ids.contains(kind.id())).collect();
    // The page names the types that behave the same in both modes. The tagger's type is tested separately.
    let (_, same) = PAGE.rsplit_once("\n\n").expect("the last paragraph");
    for kind in left {
        let named = same.contains(&format!("`{}`", kind.id()));
        assert!(named || *kind == InstructionKind::StartVerb, "{kind}");
    }
}

#[test]
fn a_verb_is_found_behind_marks_and_in_lower_case() {
    let verb = Instruction::from_parts("words:start_verb", json!({}).as_object().unwrap()).unwrap();
    let tagger =
        iopo_constraints::ifbench::Tagger::parse("iopo-tagger 1\nNN\tVB\nbrew\t1\n\nbias\t0:1\n")
            .unwrap();
    let strict = |mode, text| Checker::new(&verb, mode, Some(&tagger)).unwrap().strict(text);
    assert!(strict(Mode::Paper, "brew tea") && !strict(Mode::Paper, "Brew tea"));
    assert!(strict(Mode::Repaired, "**“Brew** tea") && !strict(Mode::Repaired, "Tea brew"));
    assert!(Checker::new(&verb, Mode::Paper, Some(&verb_tagger())).unwrap().strict("Tea"));
}

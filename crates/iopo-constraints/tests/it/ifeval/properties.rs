//! Properties of all texts: no panic, strict implies loose, blank responses follow nothing, linear work.

use iopo_constraints::ifeval::{Checker, Instruction, InstructionKind, Mode, Response, primitives};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use crate::support::instructions::{PIECES, instructions, texts};

fn checkers() -> Vec<Checker> {
    let all = instructions();
    let both = all.iter().flat_map(|one| Mode::ALL.map(|mode| Checker::new(one, mode)));
    both.collect::<Result<_, _>>().expect("plain patterns")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn strict_implies_loose(text in texts()) {
        let response = Response::new(&text);
        for checker in checkers() {
            let verdict = checker.verdict(&response);
            prop_assert!(verdict.loose || !verdict.strict);
            prop_assert_eq!(verdict.strict, verdict.loose_variant == Some(0));
            prop_assert_eq!(verdict.strict, checker.strict(&text));
            prop_assert_eq!(verdict.mode, checker.mode());
        }
    }

    #[test]
    fn sentences_words_and_tokens_never_panic(text in texts()) {
        let tokens = primitives::tokens(&text);
        prop_assert!(tokens.iter().all(|token| !token.is_empty()));
        let capitals = tokens.iter().filter(|token| primitives::is_upper(token)).count();
        prop_assert_eq!(primitives::capital_word_count(&text), capitals);
        prop_assert!(primitives::sentence_count(&text) <= text.len().max(1));
        prop_assert!(primitives::word_count(&text) <= text.len());
    }

    #[test]
    fn blank_responses_follow_nothing(text in "[ \n\t\u{1c}\u{a0}]{0,12}") {
        let response = Response::new(&text);
        prop_assert!(checkers().iter().all(|checker| !checker.verdict(&response).loose));
    }

    #[test]
    fn any_keyword_is_searched_for_or_rejected(keyword in texts(), text in texts()) {
        for (kind, name) in [
            (InstructionKind::KeywordsExistence, "keywords"),
            (InstructionKind::ForbiddenWords, "forbidden_words"),
        ] {
            let kwargs = Map::from_iter([(name.to_owned(), Value::from(vec![keyword.clone()]))]);
            let instruction = Instruction::from_parts(kind.id(), &kwargs);
            prop_assert_eq!(instruction.is_err(), keyword.trim().is_empty());
            for mode in Mode::ALL {
                let checker = instruction.as_ref().ok().map(|one| Checker::new(one, mode));
                if let Some(Ok(checker)) = checker {
                    checker.verdict(&Response::new(&text));
                }
            }
        }
    }
}

/// Checks 10 MiB of mixed pieces, then each piece repeated. A quadratic check would take hours.
#[test]
fn long_responses_finish() {
    let checkers = checkers();
    let long = |piece: &str, bytes: usize| piece.repeat(bytes / piece.len());
    let mixed = long(&PIECES.concat(), 10 << 20);
    for checker in &checkers {
        checker.strict(&mixed);
    }
    for piece in PIECES {
        let text = long(piece, 1 << 18);
        for checker in &checkers {
            checker.verdict(&Response::new(&text));
        }
    }
}

/// Searches for accepted expressions on which a backtracking engine would not finish.
#[test]
fn hostile_expressions_finish() {
    let text = "a".repeat(1 << 20);
    let mut accepted = 0;
    for source in [
        format!("a{}b", ".".repeat(98)),
        format!("{}b", "a?".repeat(49)),
        "(a|aa)+b".to_owned(),
        "(a+)+b".to_owned(),
        ".*.*.*b".to_owned(),
    ] {
        let many = json!({ "keyword": source, "relation": "at least", "frequency": 1 });
        for (kind, kwargs) in [
            (InstructionKind::KeywordsExistence, json!({ "keywords": [source] })),
            (InstructionKind::KeywordFrequency, many),
        ] {
            let kwargs = kwargs.as_object().expect("an object");
            let instruction = Instruction::from_parts(kind.id(), kwargs).expect("parameters");
            if let Ok(checker) = Checker::new(&instruction, Mode::Paper) {
                assert!(!checker.verdict(&Response::new(&text)).loose, "{source}");
                accepted += 1;
            }
        }
    }
    assert!(accepted >= 5, "{accepted}");
}

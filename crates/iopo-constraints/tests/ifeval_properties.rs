//! What holds of every text: no panic, loose where strict, nothing for blank responses, linear work.

#[path = "ifeval/texts.rs"]
mod texts;

use std::time::{Duration, Instant};

use iopo_constraints::ifeval::{Checker, Instruction, InstructionKind, Mode, Response, primitives};
use proptest::prelude::*;
use serde_json::{Map, Value};

use texts::{PIECES, instructions, texts};

fn checkers() -> Vec<Checker> {
    let all = instructions();
    let both = all.iter().flat_map(|one| Mode::ALL.map(|mode| Checker::new(one, mode)));
    both.collect::<Result<_, _>>().expect("plain patterns")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn loose_follows_from_strict(text in texts()) {
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
    fn any_keyword_is_searched_for_or_refused(keyword in texts(), text in texts()) {
        for (kind, name) in [
            (InstructionKind::KeywordsExistence, "keywords"),
            (InstructionKind::ForbiddenWords, "forbidden_words"),
        ] {
            let kwargs = Map::from_iter([(name.to_owned(), Value::from(vec![keyword.clone()]))]);
            let instruction = Instruction::from_parts(kind.id(), &kwargs).expect("a list of one");
            for mode in Mode::ALL {
                if let Ok(checker) = Checker::new(&instruction, mode) {
                    checker.verdict(&Response::new(&text));
                }
            }
        }
    }
}

/// Ten megabytes of all pieces for each check, then each piece over and over.
///
/// A check whose work grew with the square would take hours, not seconds.
#[test]
fn long_responses_end_in_seconds() {
    let checkers = checkers();
    let long = |piece: &str, bytes: usize| piece.repeat(bytes / piece.len());
    let mixed = long(&PIECES.concat(), 10 << 20);
    for checker in &checkers {
        let start = Instant::now();
        checker.strict(&mixed);
        let taken = start.elapsed();
        assert!(
            taken < Duration::from_secs(20),
            "{:?} {}: {taken:?}",
            checker.mode(),
            checker.kind()
        );
    }
    for piece in PIECES {
        let text = long(piece, 1 << 18);
        for checker in &checkers {
            let start = Instant::now();
            checker.strict(&text);
            let taken = start.elapsed();
            let what = format!("{:?} {} on {piece:?}: {taken:?}", checker.mode(), checker.kind());
            assert!(taken < Duration::from_secs(3), "{what}");
        }
    }
}

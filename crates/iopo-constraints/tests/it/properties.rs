//! Properties of every kind on everyday and hostile texts.

use iopo_constraints::families::{
    Case, Characters, Code, Composition, Document, Fields, Keywords, Layout, Length, Letters,
    Lists, Portions, Situation, Size, Unit, Words,
};
use iopo_constraints::{Constraint, Kind};
use proptest::prelude::*;

use crate::support::constraints::{constraints, draws, texts};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn the_check_confirms_back_translation(text in texts()) {
        for kind in Kind::ALL {
            let found = kind.back_translate(&text);
            prop_assert!(found.len() <= 6);
            for constraint in found {
                prop_assert_eq!(constraint.kind(), *kind);
                prop_assert!(constraint.check(&text).satisfied, "{:?}", constraint);
                prop_assert!(constraint.validate().is_ok(), "{:?}", constraint);
            }
        }
    }

    #[test]
    fn arbitrary_parameters_never_panic(
        id in prop::sample::select(Kind::ALL), n: i64, word in any::<String>(),
    ) {
        for params in [
            serde_json::json!({ "n": n }),
            serde_json::json!({ "n": n, "word": word }),
            serde_json::json!({ "word": word }),
            serde_json::json!({ "phrase": word }),
            serde_json::json!({ "name": word }),
            serde_json::json!({ "role": word }),
            serde_json::json!({ "key": word }),
            serde_json::json!({ "letters": n, "n": n }),
            serde_json::json!({ "low": n, "high": n.saturating_add(3) }),
        ] {
            if let Ok(constraint) = Constraint::from_parts(id.id(), &params.to_string()) {
                for phrasing in 0..constraint.phrasings() {
                    prop_assert!(!constraint.render(phrasing).is_empty());
                }
                for revision in constraint.revisions() {
                    prop_assert!(revision.excludes(&constraint));
                }
                let _ = (constraint.check(&word), constraint.edit(&word));
            }
        }
    }
}

/// Constraints with these numbers, in range or not. Code can create them without a check.
fn unchecked(n: usize, other: usize) -> [Constraint; 43] {
    [
        Length::MaxWords { n }.into(),
        Length::MinWords { n }.into(),
        Length::WordRange { low: n, high: other }.into(),
        Length::ExactSentences { n }.into(),
        Length::MaxSentences { n }.into(),
        Length::MinSentences { n }.into(),
        Length::ExactParagraphs { n }.into(),
        Length::MaxSentenceWords { n }.into(),
        Length::LongSentence { n }.into(),
        Layout::Headings { n }.into(),
        Layout::Bold { n }.into(),
        Layout::DividedParts { n }.into(),
        Layout::Sections { n }.into(),
        Lists::ExactBullets { n }.into(),
        Lists::MinBullets { n }.into(),
        Lists::ExactNumbered { n }.into(),
        Lists::MinNumbered { n }.into(),
        Lists::NoLists.into(),
        Lists::Steps { n }.into(),
        Case::MinCapitalWords { n }.into(),
        Case::MaxCapitalWords { n }.into(),
        Words::WordFrequency { word: "tea".to_owned(), n }.into(),
        Situation::ShortWords { letters: n }.into(),
        Situation::LongWords { letters: other, n }.into(),
        Situation::Placeholders { n }.into(),
        Characters::MaxChars { n }.into(),
        Characters::MinChars { n }.into(),
        Characters::CharRange { low: n, high: other }.into(),
        Code::MaxCodeLines { n }.into(),
        Code::MinCodeLines { n }.into(),
        Document::MinItems { n }.into(),
        Fields::Decimals { n }.into(),
        Keywords::ExactFrequency { word: "tea".to_owned(), n }.into(),
        Keywords::WordAtPosition { word: "tea".to_owned(), sentence: n, position: other }.into(),
        Letters::MinLetters { n }.into(),
        Letters::MaxLetters { n }.into(),
        Letters::MinLowercaseWords { n }.into(),
        Letters::MaxLowercaseWords { n }.into(),
        Composition::EvenParts { parts: n, sentences: other, words: n }.into(),
        Portions::UnitRange { unit: Unit::Title, size: Size::Words, low: n, high: other }.into(),
        Portions::EntryRange { label: "x".to_owned(), size: Size::Words, low: n, high: other }
            .into(),
        Portions::PartRange { name: "x".to_owned(), size: Size::Words, low: n, high: other }.into(),
        Portions::PartCount { unit: Unit::Step, low: n, high: other }.into(),
    ]
}

/// Numbers of any size, often near the ends of the type.
fn numbers() -> impl Strategy<Value = usize> {
    prop_oneof![0..40_usize, any::<usize>(), (0..40_usize).prop_map(|below| usize::MAX - below)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_constraint_that_was_not_validated_never_panics(
        n in numbers(), other in numbers(), text in texts(),
    ) {
        for constraint in unchecked(n, other) {
            for revision in constraint.revisions() {
                prop_assert!(revision.validate().is_ok(), "{:?}", revision);
            }
            let _ = (constraint.validate(), constraint.check(&text), constraint.edit(&text));
        }
    }
}

// Each case checks hundreds of constraints.
proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn an_edited_response_passes(text in texts(), other in texts(), seed: u64) {
        for constraint in constraints(seed, &other) {
            if let Some(edited) = constraint.edit(&text) {
                prop_assert!(constraint.check(&edited).satisfied, "{:?}", constraint);
                // Editing twice changes nothing.
                prop_assert_eq!(constraint.edit(&edited), Some(edited.clone()));
            }
        }
    }

    #[test]
    fn no_response_satisfies_a_constraint_and_its_revision(
        text in texts(), other in texts(), seed: u64,
    ) {
        for constraint in constraints(seed, &other) {
            for subject in [&text, &other] {
                if constraint.check(subject).satisfied {
                    for revision in constraint.revisions() {
                        let both = revision.check(subject).satisfied;
                        prop_assert!(!both, "{:?} and {:?}", constraint, revision);
                    }
                }
            }
        }
    }

    #[test]
    fn exclusive_constraints_never_hold_together(text in texts(), seed: u64) {
        let holding: Vec<Constraint> = constraints(seed, &text)
            .into_iter()
            .filter(|constraint| constraint.check(&text).satisfied)
            .collect();
        for a in &holding {
            for b in &holding {
                prop_assert!(!a.excludes(b), "{a:?} and {b:?} both hold");
            }
        }
    }

    #[test]
    fn parts_round_trip(text in texts(), seed: u64) {
        for constraint in constraints(seed, &text) {
            let params = constraint.params_json();
            let back = Constraint::from_parts(constraint.kind().id(), &params);
            prop_assert_eq!(back.as_ref(), Ok(&constraint), "{}", params);
            let json = serde_json::to_string(&constraint).unwrap();
            prop_assert_eq!(serde_json::from_str::<Constraint>(&json).unwrap(), constraint);
        }
    }

    #[test]
    fn phrases_are_sentences(seed: u64, text in texts()) {
        for constraint in constraints(seed, &text) {
            prop_assert!(constraint.phrasings() >= 3);
            let all: Vec<String> =
                (0..constraint.phrasings()).map(|at| constraint.render(at)).collect();
            for (at, phrase) in all.iter().enumerate() {
                prop_assert!(phrase.starts_with(|c: char| c.is_ascii_uppercase()), "{phrase}");
                prop_assert!(phrase.ends_with(['.', '"']) && !phrase.contains('\n'), "{phrase}");
                prop_assert!(!phrase.contains("  "), "{phrase}");
                prop_assert!(!all[..at].contains(phrase), "a repeated phrase: {phrase}");
            }
            prop_assert_eq!(constraint.render(all.len()), all[0].clone());
        }
    }
}

// Each case checks pairs of hundreds of constraints.
proptest! {
    #![proptest_config(ProptestConfig::with_cases(6))]

    #[test]
    fn conflict_and_exclusion_are_symmetric(text in texts(), seed: u64) {
        let all = constraints(seed, &text);
        for a in &all {
            prop_assert!(a.conflicts_with(a) && !a.excludes(a), "{a:?}");
            for b in all.iter().step_by(3) {
                prop_assert_eq!(a.conflicts_with(b), b.conflicts_with(a), "{:?} {:?}", a, b);
                prop_assert_eq!(a.excludes(b), b.excludes(a), "{:?} {:?}", a, b);
                prop_assert!(!a.excludes(b) || a.conflicts_with(b));
            }
        }
    }
}

#[test]
fn every_draw_is_valid_and_can_be_revised() {
    for seed in 0..200 {
        for constraint in draws(seed, "Explain how green tea is made.") {
            assert!(constraint.validate().is_ok(), "{constraint:?}");
            assert!(!constraint.revisions().is_empty(), "{constraint:?}");
        }
    }
}

#[test]
fn draws_have_their_kind_for_any_task() {
    for task in ["", "茶について", "Explain tea.", "!!!", "the of and"] {
        for (kind, constraint) in Kind::ALL.iter().zip(draws(7, task)) {
            assert_eq!(constraint.kind(), *kind);
            assert!(constraint.validate().is_ok(), "{constraint:?}");
        }
    }
}

/// Quadratic work on these texts would take minutes.
#[test]
fn checks_finish_on_large_repetitive_texts() {
    let all = draws(3, "Explain tea.");
    for unit in [
        "a", " ", "\n", ".", "! ", "*", "**a", "[", "(", "- a\n", "A. ", "\"", "`", "{", "#",
        "1. ", "\u{301}", "'", "a'", "茶", "|", "|-|\n", "a: b\n", "<<", "。", "...", "\" ",
    ] {
        let text = unit.repeat(60_000 / unit.len());
        for constraint in &all {
            let _ = constraint.check(&text);
            let _ = constraint.edit(&text);
        }
        for kind in Kind::ALL {
            let _ = kind.back_translate(&text);
        }
    }
}

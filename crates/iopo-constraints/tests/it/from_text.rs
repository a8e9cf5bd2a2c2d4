//! Texts that map to a constraint, texts that nearly do, and the share of a published file.

use std::fs;

use iopo_constraints::{Constraint, Kind, from_text};
use serde_json::Value;

use crate::support::constraints::draws;
use crate::support::labeled;

mod mapped;
mod near;

#[test]
fn texts_map_to_the_constraint_that_they_state() {
    assert!(mapped::CHINESE.len() >= 120 && mapped::ENGLISH.len() >= 120);
    for (text, id, params) in mapped::CHINESE.iter().chain(mapped::ENGLISH) {
        let expected = Constraint::from_parts(id, params).expect(text);
        assert_eq!(from_text(text).as_ref(), Some(&expected), "{text}");
    }
}

#[test]
fn near_misses_map_to_nothing() {
    assert!(near::CHINESE.len() >= 120 && near::ENGLISH.len() >= 120);
    for text in near::CHINESE.iter().chain(near::ENGLISH) {
        assert_eq!(from_text(text), None, "{text}");
    }
}

#[test]
fn hostile_texts_map_to_nothing() {
    let long = "回答不超过100字".repeat(1000);
    for text in [
        "",
        " ",
        "。",
        "1.",
        "不超过999999999999999999999字",
        "“”",
        "包含“”",
        "Use at most 0 words.",
        &long,
    ] {
        assert_eq!(from_text(text), None, "{text:.20}");
    }
}

#[test]
fn chinese_sentences_map_back() {
    let mut kinds = 0;
    for seed in 0..20 {
        for constraint in draws(seed, "Write about green tea.") {
            let Some(first) = constraint.render_chinese(0) else { continue };
            kinds += usize::from(seed == 0);
            for phrasing in 0..3 {
                let sentence = constraint.render_chinese(phrasing).expect("a sentence");
                // A list or a count without a number, and words and parts of another language.
                let partial = matches!(
                    constraint.kind(),
                    Kind::IncludeWord
                        | Kind::ExcludeWord
                        | Kind::StartsWith
                        | Kind::EndsWith
                        | Kind::NamedParts
                        | Kind::MinItems
                );
                if !partial {
                    assert_eq!(from_text(&sentence).as_ref(), Some(&constraint), "{sentence}");
                }
            }
            assert!(first.ends_with('。'));
        }
    }
    assert!(kinds >= 25, "{kinds} kinds have Chinese sentences");
}

/// The least share of the constraints of TRACE's evaluation file that code decides.
const LEAST_SHARE: f64 = 0.10;

#[test]
fn code_decides_a_tenth_of_the_published_constraints() {
    let Some(folder) = labeled::folder("trace") else {
        eprintln!("skipped: the evaluation file of TRACE is absent");
        return;
    };
    let text = fs::read_to_string(folder.join("trace_evaluation.jsonl")).expect("a readable file");
    let (mut total, mut mapped) = (0, 0);
    for line in text.lines() {
        let item: Value = serde_json::from_str(line).expect("an item");
        for text in item["constraints_splits"].as_array().expect("constraints") {
            total += 1;
            mapped += usize::from(from_text(text.as_str().expect("a text")).is_some());
        }
    }
    assert_eq!(total, 5087);
    let share = f64::from(mapped_as(mapped)) / f64::from(mapped_as(total));
    assert!(share >= LEAST_SHARE, "{mapped} of {total} constraints");
    // The rest needs a judge: a grammar that maps far more maps texts that it does not understand.
    assert!(share <= 0.13, "{mapped} of {total} constraints");
}

fn mapped_as(count: usize) -> u32 {
    u32::try_from(count).expect("a small count")
}

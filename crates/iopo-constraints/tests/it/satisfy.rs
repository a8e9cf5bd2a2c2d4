//! Edits for several constraints, and edits of whole answers.

use std::collections::BTreeMap;

use iopo_constraints::{Constraint, Kind, satisfy};
use proptest::prelude::*;
use serde::Deserialize;

use crate::support::constraints::{constraint, draws, texts};

#[derive(Deserialize)]
struct Answer {
    task: String,
    answer: String,
}

fn answers() -> Vec<Answer> {
    serde_json::from_str(include_str!("../../data/answers.json")).expect("answers")
}

fn holds(constraints: &[Constraint], text: &str) -> bool {
    constraints.iter().all(|constraint| constraint.check(text).satisfied)
}

/// The words of a text, ignoring case.
fn words(text: &str) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    let parts = text.split(|c: char| !c.is_alphanumeric() && c != '\'');
    for word in parts.map(|word| word.trim_matches('\'')).filter(|word| !word.is_empty()) {
        *counts.entry(word.to_lowercase()).or_insert(0) += 1;
    }
    counts
}

#[test]
fn the_order_of_the_edits_is_found() {
    let response = "The tea is warm. Many people like it.";
    // The question mark of an added question must come before the closing, and capitals after both.
    let constraints = [
        constraint("all_uppercase", "{}"),
        constraint("ends_with", r#"{"phrase":"That is all."}"#),
        constraint("question", "{}"),
    ];
    let edited = satisfy(response, &constraints).expect("an order");
    assert!(holds(&constraints, &edited), "{edited}");
    assert!(
        edited.starts_with("THE TEA IS WARM. MANY PEOPLE LIKE IT.")
            && edited.ends_with("THAT IS ALL.")
    );
    // Control: the edits in the order of the constraints do not suffice.
    let mut text = response.to_owned();
    for constraint in &constraints {
        text = constraint.edit(&text).expect("an edit");
    }
    assert!(!holds(&constraints, &text), "{text}");
}

#[test]
fn constraints_that_exclude_each_other_have_no_text() {
    let both = [constraint("all_uppercase", "{}"), constraint("all_lowercase", "{}")];
    assert_eq!(satisfy("Tea is warm.", &both), None);
    assert_eq!(satisfy("Tea is warm.", &[constraint("min_words", r#"{"n":50}"#)]), None);
    assert_eq!(satisfy("", &[constraint("no_commas", "{}")]), None);
}

#[test]
fn a_response_that_passes_and_an_instruction_without_constraints_change_nothing() {
    let response = " Tea. \n";
    assert_eq!(satisfy(response, &[constraint("no_commas", "{}")]).as_deref(), Some(response));
    assert_eq!(satisfy(response, &[]).as_deref(), Some(response));
}

#[test]
fn three_constraints_hold_for_many_answers() {
    let (mut made, mut all) = (0, 0);
    for (at, Answer { task, answer }) in answers().iter().enumerate() {
        for seed in 0..6 {
            let mut drawn = draws(100 * at as u64 + seed, task);
            drawn.retain(|constraint| constraint.kind().is_drawn());
            let mut picked: Vec<Constraint> = Vec::new();
            for step in 1..=Kind::ALL.len() {
                let next = &drawn[(17 * step + 7 * seed as usize) % drawn.len()];
                // People ask for most of the other kinds where the answer has them already, so they have few edits.
                if picked.len() < 3 && next.kind().is_drawn() && next.fits_with(&picked) {
                    picked.push(next.clone());
                }
            }
            all += 1;
            if let Some(edited) = satisfy(answer, &picked) {
                assert!(holds(&picked, &edited), "{picked:?}\n{edited}");
                made += 1;
            }
        }
    }
    assert!(made * 3 > all && made < all, "{made} of {all}");
}

#[test]
fn a_new_layout_keeps_every_word_of_the_answer() {
    let layouts = [
        "table",
        "headings",
        "divided_parts",
        "sections",
        "json_object",
        "parentheses",
        "quotation",
        "all_uppercase",
        "wrapped_in_quotes",
        "min_capital_words",
        "like_item",
        "bold",
    ];
    for Answer { task, answer } in answers() {
        for constraint in draws(3, &task) {
            let id = constraint.kind().id();
            if !layouts.contains(&id) || constraint.check(&answer).satisfied {
                continue;
            }
            let Some(edited) = constraint.edit(&answer) else { continue };
            let plain = edited.replace("\\n", "\n");
            let found = words(&plain);
            for (word, count) in words(&answer) {
                // The numbers of list items are layout.
                let number = word.chars().all(|c| c.is_ascii_digit());
                assert!(
                    number || found.get(&word).copied().unwrap_or(0) >= count,
                    "{id}: {word}\n{edited}"
                );
            }
        }
    }
}

#[test]
fn one_edit_of_each_kind_on_three_answers() {
    let answers = answers();
    let mut shown = String::new();
    for kind in Kind::ALL.iter().filter(|kind| kind.is_drawn()) {
        for Answer { task, answer } in answers.iter().step_by(answers.len() / 3).take(3) {
            let mut drawn = (0..8).filter_map(|seed| {
                draws(seed, task).into_iter().find(|drawn| drawn.kind() == *kind)
            });
            let edit = drawn.find_map(|drawn| {
                let edited = drawn.edit(answer).filter(|_| !drawn.check(answer).satisfied)?;
                Some((drawn.render(0), edited))
            });
            if let Some((asked, edited)) = edit {
                shown += &["## ", kind.id(), ": ", &asked, "\n", &edited, "\n\n"].concat();
                break;
            }
        }
    }
    insta::assert_snapshot!(shown);
}

#[test]
fn other_languages_are_not_mixed_with_english() {
    let chinese = "绿茶是一种很受欢迎的饮料。它含有许多对身体有益的成分。很多人每天早上都喝一杯，因为它能让人清醒。";
    let french = "Le thé vert est une boisson très appréciée. Il contient beaucoup d'antioxydants. De nombreuses personnes en boivent chaque matin.";
    // Phrases that the instruction asks for literally.
    let asked = ["signed_as", "dear_reader"];
    for text in [chinese, french] {
        for constraint in draws(5, "Explain green tea.") {
            let Some(edited) = constraint.edit(text) else { continue };
            let known = words(text);
            let new: Vec<String> =
                words(&edited).into_keys().filter(|w| !known.contains_key(w)).collect();
            assert!(
                new.is_empty() || asked.contains(&constraint.kind().id()),
                "{constraint:?}: {edited}"
            );
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn all_constraints_hold_in_an_edited_text(text in texts(), seed: u64, first in 0..60_usize) {
        let drawn = draws(seed, "Write about green tea and healthy milk.");
        for start in (first..first + 60).step_by(7) {
            let picked: Vec<Constraint> =
                (0..3).map(|at| drawn[(start + 11 * at) % drawn.len()].clone()).collect();
            if let Some(edited) = satisfy(&text, &picked) {
                prop_assert!(holds(&picked, &edited), "{:?}", picked);
                prop_assert_eq!(satisfy(&edited, &picked), Some(edited));
            }
        }
    }
}

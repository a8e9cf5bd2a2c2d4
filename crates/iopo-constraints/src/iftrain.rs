//! The training constraints of IFTrain (Pyatkin et al., 2025, arXiv 2507.02833) that this crate has kinds for.
//!
//! IFTrain has 29 constraints beside those of IFEval. The 19 in [`KINDS`] can be trained on: people could ask for them,
//! responses can satisfy them, and code decides them without tables. They are read as their sentences say, with words as
//! readers see them and with exact counts; the published checks differ in places. The other 10 are satisfied by accident,
//! replace the task, or ask for the same as a type of IFEval.

use serde_json::{Map, Value, json};

use crate::{constraint::Constraint, error::ConstraintError, kind::Kind};

/// The ids of the 19 constraints, with the kind that asks for the same thing.
pub const KINDS: &[(&str, Kind)] = &[
    ("count:count_increment_word", Kind::OnceAndTwice),
    ("count:counting_composition", Kind::EvenParts),
    ("count:lowercase_counting", Kind::MaxLowercaseWords),
    ("detectable_format:bigram_wrapping", Kind::WrappedPairs),
    ("detectable_format:square_brackets", Kind::BracketedWords),
    ("first_word:first_word_answer", Kind::FirstWord),
    ("first_word:first_word_sent", Kind::SentenceStarts),
    ("keywords:exclude_word_harder", Kind::ExcludeWord),
    ("keywords:keyword_specific_position", Kind::WordAtPosition),
    ("keywords:no_adjacent_consecutive", Kind::NoConsecutiveInitials),
    ("keywords:start_end", Kind::SameEnds),
    ("keywords:word_count_different_numbers", Kind::ExactFrequency),
    ("keywords:word_once", Kind::WordOnce),
    ("last_word:last_word_answer", Kind::LastWord),
    ("last_word:last_word_sent", Kind::SentenceEnds),
    ("letters:letter_counting", Kind::MinLetters),
    ("paragraphs:paragraphs2", Kind::ExactParagraphs),
    ("punctuation:punctuation_dot", Kind::NoPeriods),
    ("punctuation:punctuation_exclamation", Kind::NoExclamations),
];

/// Kinds that exclude one of [`KINDS`], for preference groups that revise a constraint.
pub const OPPOSITES: &[Kind] = &[Kind::MaxLetters, Kind::MinLowercaseWords, Kind::NoSameEnds];

/// Returns the constraint that an instruction of IFTrain states. Null arguments count as missing.
///
/// `keywords:word_count_different_numbers` asks for an exact number, although the published check compares with
/// `relation`. An exact number of 1 is the kind `word_once`.
///
/// # Errors
/// Returns an error if the id is not among [`KINDS`], or if an argument is missing or out of range. The published code
/// draws missing numbers and zeros at random.
///
/// ```
/// use iopo_constraints::{Kind, iftrain};
/// use serde_json::json;
///
/// let kwargs = json!({"N": 30, "relation": "less than"}).as_object().cloned().unwrap_or_default();
/// let constraint = iftrain::constraint("letters:letter_counting", &kwargs)?;
/// assert_eq!(constraint.render(0), "Use at most 29 letters.");
/// # Ok::<(), iopo_constraints::ConstraintError>(())
/// ```
pub fn constraint(id: &str, kwargs: &Map<String, Value>) -> Result<Constraint, ConstraintError> {
    let Some((_, kind)) = KINDS.iter().find(|(known, _)| *known == id) else {
        return Err(ConstraintError::UnknownKind {
            id: id.chars().take(60).collect(),
            known: KINDS.len(),
        });
    };
    let text = |name: &str| match kwargs.get(name) {
        Some(Value::Array(words)) => words.first().and_then(Value::as_str),
        found => found.and_then(Value::as_str),
    };
    let word = |name: &str| text(name).map(str::trim);
    let number = |name: &str| kwargs.get(name).and_then(whole);
    let (kind, params) = match *kind {
        Kind::OnceAndTwice => {
            (*kind, json!({ "first": word("keyword1"), "second": word("keyword2") }))
        }
        Kind::EvenParts => (
            *kind,
            json!({ "parts": 3, "sentences": number("n_sent"), "words": number("n_words") }),
        ),
        Kind::MaxLowercaseWords => (*kind, json!({ "n": number("N") })),
        Kind::FirstWord | Kind::SentenceStarts => (*kind, json!({ "word": word("first_word") })),
        Kind::LastWord | Kind::SentenceEnds => (*kind, json!({ "word": word("last_word") })),
        Kind::ExcludeWord | Kind::WordOnce => (*kind, json!({ "word": word("keyword") })),
        Kind::WordAtPosition => (
            *kind,
            json!({ "word": word("keyword"), "sentence": number("n"), "position": number("m") }),
        ),
        Kind::ExactFrequency => match number("frequency") {
            Some(1) => (Kind::WordOnce, json!({ "word": word("keyword") })),
            n => (*kind, json!({ "word": word("keyword"), "n": n })),
        },
        Kind::MinLetters => match text("relation") {
            Some("less than") => {
                (Kind::MaxLetters, json!({ "n": number("N").and_then(|n| n.checked_sub(1)) }))
            }
            Some("at least") => (*kind, json!({ "n": number("N") })),
            relation => (*kind, json!({ "n": number("N"), "relation": relation })),
        },
        Kind::ExactParagraphs => (*kind, json!({ "n": 2 })),
        _ => (*kind, json!({})),
    };
    Constraint::from_parts(kind.id(), &params.to_string())
}

/// A whole number, also as `5.0`.
fn whole(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| {
        let number = value.as_f64().filter(|n| n.fract() == 0.0 && (0.0..1e9).contains(n))?;
        format!("{number:.0}").parse().ok()
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn of(id: &str, kwargs: &Value) -> Result<Constraint, ConstraintError> {
        constraint(id, kwargs.as_object().expect("an object"))
    }

    #[test]
    fn nineteen_constraints_have_a_kind_each() {
        let kinds: BTreeSet<Kind> = KINDS.iter().map(|(_, kind)| *kind).collect();
        assert_eq!((KINDS.len(), kinds.len()), (19, 19));
        assert!(KINDS.is_sorted_by_key(|(id, _)| *id));
        assert!(OPPOSITES.iter().all(|kind| !kinds.contains(kind)));
    }

    #[test]
    fn arguments_are_read_and_refused() {
        let word = of("first_word:first_word_sent", &json!({"first_word": ["Tea", "Milk"]}));
        assert_eq!(word.expect("a word").render(0), "Start every sentence with the word \"Tea\".");
        let once = json!({"keyword": "tea", "frequency": 1.0, "relation": "at least"});
        let once = of("keywords:word_count_different_numbers", &once).expect("once");
        assert_eq!(once.kind(), Kind::WordOnce);
        for (id, kwargs) in [
            ("keywords:palindrome", json!({})),
            ("count:lowercase_counting", json!({"N": 0})),
            ("count:lowercase_counting", json!({"N": null})),
            ("letters:letter_counting", json!({"N": 5, "relation": "about"})),
            ("letters:letter_counting", json!({"N": 5})),
            ("keywords:word_once", json!({"keyword": "two words"})),
            ("keywords:keyword_specific_position", json!({"keyword": "tea", "n": 1, "m": 0})),
        ] {
            assert!(of(id, &kwargs).is_err(), "{id} {kwargs}");
        }
    }
}

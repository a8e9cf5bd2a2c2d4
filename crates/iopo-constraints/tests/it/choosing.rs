//! Choice of constraints for responses, as in synthesis and pairing.

use std::collections::BTreeSet;

use iopo_constraints::{Constraint, ConstraintType, Kind, compatible, contrast, draw_compatible};
use rand::SeedableRng as _;
use rand_chacha::ChaCha8Rng;

use crate::support::constraints::constraint as of;

const PROSE: &str = "Green tea is a healthy drink that comes from China. It doesn't cost much, and \
    you can make it at home in 3 minutes! I drink it every morning.";
const LIST: &str = "Here are some benefits of green tea:\n\n1. **Antioxidants**: Green tea contains \
    catechins (a sort of antioxidant).\n2. **Focus**: The caffeine helps people concentrate.\n3. \
    **Calm**: It is known as the \"calm\" drink.\n\nWould these benefits convince anyone?";

#[test]
fn many_kinds_of_most_types_separate_two_everyday_responses() {
    for (holder, breaker) in [(PROSE, LIST), (LIST, PROSE)] {
        let found = contrast(Kind::ALL, holder, breaker);
        for constraint in &found {
            assert!(constraint.check(holder).satisfied && !constraint.check(breaker).satisfied);
        }
        let kinds: BTreeSet<Kind> = found.iter().map(Constraint::kind).collect();
        let types: BTreeSet<ConstraintType> = kinds.iter().map(|k| k.constraint_type()).collect();
        assert!(kinds.len() >= 15, "{kinds:?}");
        assert!(types.len() >= 4, "{types:?}");
    }
}

#[test]
fn contrast_uses_only_the_given_kinds() {
    let kinds = [Kind::ExcludeWord, Kind::IncludeWord];
    let found = contrast(&kinds, PROSE, LIST);
    assert!(found.iter().all(|constraint| kinds.contains(&constraint.kind())));
    assert!(found.contains(&of("exclude_word", r#"{"word":"benefits"}"#)), "{found:?}");
}

#[test]
fn compatible_sets_have_no_conflicts_and_depend_only_on_the_seed() {
    let all: Vec<Constraint> =
        Kind::ALL.iter().flat_map(|kind| kind.back_translate(LIST)).collect();
    for seed in 0..50 {
        let pick = || compatible(&all, 5, &mut ChaCha8Rng::seed_from_u64(seed));
        let picked = pick();
        assert_eq!(picked.len(), 5);
        assert_eq!(picked, pick());
        for (at, a) in picked.iter().enumerate() {
            assert!(picked[..at].iter().all(|b| !a.conflicts_with(b)), "{picked:?}");
        }
    }
    assert!(compatible(&[], 3, &mut ChaCha8Rng::seed_from_u64(0)).is_empty());
}

#[test]
fn parameters_are_round_and_tight() {
    let words = "tea ".repeat(52);
    assert_eq!(
        Kind::MaxWords.back_translate(&words),
        [of("max_words", r#"{"n":60}"#), of("max_words", r#"{"n":70}"#)]
    );
    assert_eq!(
        Kind::MinWords.back_translate(&words),
        [of("min_words", r#"{"n":50}"#), of("min_words", r#"{"n":40}"#)]
    );
}

#[test]
fn contradictions_are_detected() {
    for (a, b) in [
        (of("max_words", r#"{"n":40}"#), of("min_words", r#"{"n":50}"#)),
        (of("single_line", "{}"), of("min_bullets", r#"{"n":2}"#)),
        (of("no_lists", "{}"), of("exact_numbered", r#"{"n":3}"#)),
        (of("no_digits", "{}"), of("exact_numbered", r#"{"n":3}"#)),
        (of("json_object", "{}"), of("ends_with_question", "{}")),
        (of("plain_text", "{}"), of("headings", r#"{"n":1}"#)),
        (of("no_commas", "{}"), of("dear_reader", r#"{"name":"Sam"}"#)),
        (of("short_words", r#"{"letters":8}"#), of("long_words", r#"{"letters":10,"n":1}"#)),
        (of("exclude_word", r#"{"word":"Tea"}"#), of("opening_word", r#"{"word":"tea"}"#)),
        (of("not_opening", r#"{"phrase":"Dear"}"#), of("dear_reader", r#"{"name":"Sam"}"#)),
        (of("like_item", r#"{"marker":"dash"}"#), of("like_item", r#"{"marker":"star"}"#)),
    ] {
        assert!(a.excludes(&b) && b.excludes(&a), "{a:?} {b:?}");
    }
    for (a, b) in [
        (of("max_words", r#"{"n":60}"#), of("min_words", r#"{"n":50}"#)),
        (of("no_commas", "{}"), of("include_word", r#"{"word":"tea"}"#)),
        (of("exact_bullets", r#"{"n":3}"#), of("all_lowercase", "{}")),
    ] {
        assert!(!a.conflicts_with(&b), "{a:?} {b:?}");
    }
    let implied = of("word_frequency", r#"{"word":"tea","n":2}"#);
    assert!(implied.conflicts_with(&of("include_word", r#"{"word":"tea"}"#)));
}

#[test]
fn the_kinds_cover_all_five_types() {
    assert!(Kind::ALL.len() >= 28);
    let types: BTreeSet<ConstraintType> = Kind::ALL.iter().map(|k| k.constraint_type()).collect();
    assert_eq!(types.len(), 5);
    assert!(Kind::ALL.iter().all(|kind| kind.is_drawn() == (kind.weight() > 0.0)));
    assert!(Kind::ALL.iter().all(|kind| kind.weight() >= 0.0));
}

#[test]
fn numbers_agree_with_their_nouns() {
    assert_eq!(of("max_words", r#"{"n":1}"#).render(0), "Use at most 1 word.");
    assert_eq!(of("exact_sentences", r#"{"n":1}"#).render(0), "Answer in exactly 1 sentence.");
    assert_eq!(
        of("bold", r#"{"n":1}"#).render(1),
        "Highlight at least 1 word or phrase in **bold**."
    );
    assert_eq!(
        of("bold", r#"{"n":2}"#).render(1),
        "Highlight at least 2 words or phrases in **bold**."
    );
}

/// Test prompts and data sets of earlier runs can be made again only as long as these draws stay the same.
#[test]
fn new_kinds_do_not_change_the_draws_of_the_default_ones() {
    let kinds: Vec<Kind> = Kind::ALL.iter().copied().filter(|kind| kind.is_drawn()).collect();
    let mut drawn = String::new();
    for task in ["Explain how green tea is made.", "Write a letter to a friend."] {
        for seed in 0..16 {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            for constraint in draw_compatible(task, &kinds, 4, &mut rng) {
                let phrasing = constraint.draw_phrasing(&mut rng);
                drawn += &[&constraint.render(phrasing), "\n"].concat();
            }
        }
    }
    insta::assert_snapshot!(drawn);
}

//! Manners: hints that make the answers to one task differ in ways that code can check.
//!
//! A manner asks for a behaviour, and some of these behaviours are kinds of constraints. A kind that is held out must
//! not be solicited that way either: the answers are what the model learns from, and a list of numbered steps in every
//! tenth of them is training on `min_numbered`, instruction or not. So each default manner says which kinds it elicits
//! ([`DefaultManner::elicits`]), and one that elicits a held-out kind is left out before any is drawn ([`open`]).
//!
//! Only the solicitation goes. An answer that the model gave of its own accord stays even where it exhibits a held-out
//! kind, a distinctive one (a table, a postscript) too: that is how the model answers anyway, dropping it would bend
//! the answers away from the model's own, and no instruction ever names the kind. A manner that the configuration adds
//! is text without such a tag and is always used; whoever adds one sees to it.

use std::collections::BTreeSet;

use iopo_constraints::Kind;
use rand::RngExt;

use iopo_core::random::keyed;

/// A manner that is asked for by default.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DefaultManner {
    /// The hint, as it stands in the prompt.
    pub text: &'static str,
    /// The kinds of constraints that it asks for, in other words or in passing.
    pub elicits: &'static [Kind],
}

/// The manners that are asked for by default. They never become part of an instruction.
pub const DEFAULT_MANNERS: [DefaultManner; 18] = {
    use Kind as K;
    const fn manner(text: &'static str, elicits: &'static [Kind]) -> DefaultManner {
        DefaultManner { text, elicits }
    }
    [
        manner(
            "Answer in one short paragraph.",
            &[
                K::ExactParagraphs,
                K::SingleLine,
                K::NoLists,
                K::MaxWords,
                K::WordRange,
                K::MaxSentences,
            ],
        ),
        manner("Use bullet points.", &[K::MinBullets, K::ExactBullets, K::LikeItem]),
        manner(
            "Answer in a lively tone with a question at the end.",
            &[K::EndsWithQuestion, K::Question, K::Exclamation],
        ),
        manner("Start with a title.", &[K::Headings, K::AngleTitle]),
        manner("Be brief.", &[K::MaxWords, K::WordRange, K::MaxSentences, K::SingleLine]),
        manner("Write numbered steps.", &[K::MinNumbered, K::ExactNumbered, K::Steps, K::LikeItem]),
        manner(
            "Write in a formal tone.",
            &[
                K::NoContractions,
                K::NoSecondPerson,
                K::NoFirstPerson,
                K::NoExclamations,
                K::LongWords,
            ],
        ),
        manner(
            "Explain it in detail, in several paragraphs.",
            &[K::ExactParagraphs, K::MinWords, K::WordRange, K::MinSentences, K::LongWords],
        ),
        manner(
            "Answer in two or three plain sentences.",
            &[
                K::ExactSentences,
                K::MaxSentences,
                K::MinSentences,
                K::MaxWords,
                K::WordRange,
                K::PlainText,
                K::NoLists,
                K::SingleLine,
            ],
        ),
        manner(
            "Use headings for the parts of the answer.",
            &[K::Headings, K::Sections, K::DividedParts],
        ),
        manner("Highlight the key words in bold.", &[K::Bold]),
        manner("Give concrete examples and numbers.", &[K::MentionNumber]),
        manner(
            "Write as if to a friend, with exclamation marks.",
            &[K::Exclamation, K::SecondPerson, K::Contractions, K::DearReader, K::SignedAs],
        ),
        manner("End with a one-line summary.", &[K::EndsWith]),
        manner("Answer in simple words for a child.", &[K::ShortWords, K::MaxSentenceWords]),
        manner("Put the answer into a small table.", &[K::Table]),
        manner("Add a short note, beginning with P.S., at the end.", &[K::Postscript]),
        manner("Speak directly to the reader as \"you\".", &[K::SecondPerson]),
    ]
};

/// The manners that elicit none of the kinds that are held out, in their order.
///
/// A default manner is known by its text; any other elicits nothing that this crate knows of.
pub fn open(manners: &[String], held_out: &BTreeSet<Kind>) -> Vec<String> {
    let closed = |manner: &&String| {
        let known = DEFAULT_MANNERS.iter().find(|known| known.text == manner.trim());
        known.is_some_and(|known| known.elicits.iter().any(|kind| held_out.contains(kind)))
    };
    manners.iter().filter(|manner| !closed(manner)).cloned().collect()
}

/// The manner of one sample: none for the first `plain` samples, then the list in an order that
/// is drawn anew for every task, so that no manner comes twice before all came once.
pub fn manner_of<'a>(
    manners: &'a [String],
    plain: usize,
    seed: u64,
    task_id: &str,
    sample: usize,
) -> Option<&'a str> {
    let turn = sample.checked_sub(plain)?;
    if manners.is_empty() {
        return None;
    }
    let mut order: Vec<usize> = (0..manners.len()).collect();
    let mut rng = keyed(seed, &["manner", task_id]);
    for last in (1..order.len()).rev() {
        order.swap(last, rng.random_range(0..=last));
    }
    Some(&manners[order[turn % order.len()]])
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use iopo_constraints::Kind;

    use super::{DEFAULT_MANNERS, manner_of, open};

    fn all() -> Vec<String> {
        DEFAULT_MANNERS.iter().map(|manner| manner.text.to_owned()).collect()
    }

    #[test]
    fn a_manner_that_elicits_a_held_out_kind_is_never_asked_for() {
        let held_out: BTreeSet<Kind> = [
            Kind::ExactParagraphs,
            Kind::OpeningWord,
            Kind::EndsWithQuestion,
            Kind::NoSecondPerson,
            Kind::MinNumbered,
            Kind::Postscript,
        ]
        .into();
        let left = open(&all(), &held_out);
        let gone: Vec<String> = all().into_iter().filter(|text| !left.contains(text)).collect();
        assert_eq!(
            gone,
            [
                "Answer in one short paragraph.",
                "Answer in a lively tone with a question at the end.",
                "Write numbered steps.",
                "Write in a formal tone.",
                "Explain it in detail, in several paragraphs.",
                "Add a short note, beginning with P.S., at the end.",
            ]
        );
        let drawn = (0..200).filter_map(|i| manner_of(&left, 0, 7, "a", i));
        assert!(drawn.into_iter().all(|manner| !gone.iter().any(|text| text == manner)));
        assert_eq!(open(&all(), &BTreeSet::new()), all(), "nothing is held out, nothing goes");
    }

    #[test]
    fn each_kind_closes_just_the_manners_that_elicit_it() {
        for &kind in Kind::ALL {
            let left = open(&all(), &[kind].into());
            for manner in DEFAULT_MANNERS {
                let elicited = manner.elicits.contains(&kind);
                assert_eq!(left.iter().any(|text| text == manner.text), !elicited, "{kind:?}");
            }
        }
        assert!(DEFAULT_MANNERS.iter().all(|manner| !manner.elicits.is_empty()));
    }

    #[test]
    fn a_manner_of_the_configuration_is_left_alone() {
        let own = vec!["Rhyme.".to_owned(), "  Write numbered steps. ".to_owned()];
        assert_eq!(open(&own, &[Kind::MinNumbered].into()), ["Rhyme."], "spaces hide nothing");
        assert_eq!(open(&own, &[Kind::Table].into()), own);
    }

    #[test]
    fn the_first_samples_are_plain_and_the_others_all_differ() {
        let manners = all();
        assert_eq!(manner_of(&manners, 2, 7, "a", 1), None);
        let drawn: BTreeSet<_> =
            (2..2 + manners.len()).map(|i| manner_of(&manners, 2, 7, "a", i)).collect();
        assert_eq!(drawn.len(), manners.len());
        assert!(!drawn.contains(&None));
    }

    #[test]
    fn seeds_get_different_orders_and_the_same_one_each_time() {
        let manners = all();
        let order = |id: &str| -> Vec<_> {
            (0..manners.len()).map(|i| manner_of(&manners, 0, 7, id, i)).collect()
        };
        assert_eq!(order("a"), order("a"));
        assert_ne!(order("a"), order("b"));
    }
}

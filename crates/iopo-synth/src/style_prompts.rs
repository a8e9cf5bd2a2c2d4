//! Style prompts: hints that make the responses to one task differ in ways that code can check.
//!
//! A style prompt asks for a behavior, and some behaviors are constraint kinds. A held-out kind must not be elicited
//! this way, because the model learns from the responses. Each default style prompt therefore lists the kinds that it
//! elicits ([`StylePrompt::elicits`]), and [`open`] drops those that elicit a held-out kind before any is drawn.
//!
//! Responses that show a held-out kind without being asked are kept: they are how the model answers anyway, and no
//! instruction names the kind. A style prompt from the configuration carries no such list and is always used.

use std::collections::BTreeSet;

use iopo_constraints::Kind;
use rand::RngExt;

use iopo_core::random::keyed;

/// A default style prompt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StylePrompt {
    /// The sentence added to the prompt.
    pub text: &'static str,
    /// The constraint kinds that it asks for, directly or in passing.
    pub elicits: &'static [Kind],
}

/// The default style prompts. They never become part of an instruction.
pub const DEFAULT_STYLE_PROMPTS: [StylePrompt; 18] = {
    use Kind as K;
    const fn style_prompt(text: &'static str, elicits: &'static [Kind]) -> StylePrompt {
        StylePrompt { text, elicits }
    }
    [
        style_prompt(
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
        style_prompt("Use bullet points.", &[K::MinBullets, K::ExactBullets, K::LikeItem]),
        style_prompt(
            "Answer in a lively tone with a question at the end.",
            &[K::EndsWithQuestion, K::Question, K::Exclamation],
        ),
        style_prompt("Start with a title.", &[K::Headings, K::AngleTitle]),
        style_prompt("Be brief.", &[K::MaxWords, K::WordRange, K::MaxSentences, K::SingleLine]),
        style_prompt(
            "Write numbered steps.",
            &[K::MinNumbered, K::ExactNumbered, K::Steps, K::LikeItem],
        ),
        style_prompt(
            "Write in a formal tone.",
            &[
                K::NoContractions,
                K::NoSecondPerson,
                K::NoFirstPerson,
                K::NoExclamations,
                K::LongWords,
            ],
        ),
        style_prompt(
            "Explain it in detail, in several paragraphs.",
            &[K::ExactParagraphs, K::MinWords, K::WordRange, K::MinSentences, K::LongWords],
        ),
        style_prompt(
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
        style_prompt(
            "Use headings for the parts of the answer.",
            &[K::Headings, K::Sections, K::DividedParts],
        ),
        style_prompt("Highlight the key words in bold.", &[K::Bold]),
        style_prompt("Give concrete examples and numbers.", &[K::MentionNumber]),
        style_prompt(
            "Write as if to a friend, with exclamation marks.",
            &[K::Exclamation, K::SecondPerson, K::Contractions, K::DearReader, K::SignedAs],
        ),
        style_prompt("End with a one-line summary.", &[K::EndsWith]),
        style_prompt("Answer in simple words for a child.", &[K::ShortWords, K::MaxSentenceWords]),
        style_prompt("Put the answer into a small table.", &[K::Table]),
        style_prompt("Add a short note, beginning with P.S., at the end.", &[K::Postscript]),
        style_prompt("Speak directly to the reader as \"you\".", &[K::SecondPerson]),
    ]
};

/// Returns the style prompts that elicit no held-out kind, in order.
///
/// Default style prompts are recognized by their text; all others are kept.
pub fn open(style_prompts: &[String], held_out: &BTreeSet<Kind>) -> Vec<String> {
    let closed = |style_prompt: &&String| {
        let known = DEFAULT_STYLE_PROMPTS.iter().find(|known| known.text == style_prompt.trim());
        known.is_some_and(|known| known.elicits.iter().any(|kind| held_out.contains(kind)))
    };
    style_prompts.iter().filter(|style_prompt| !closed(style_prompt)).cloned().collect()
}

/// Returns the style prompt of one sample: `None` for the first `plain` samples. The other samples take the list in an
/// order drawn for each task, so that every style prompt is used before one repeats.
pub fn style_prompt_of<'a>(
    style_prompts: &'a [String],
    plain: usize,
    seed: u64,
    task_id: &str,
    sample: usize,
) -> Option<&'a str> {
    let turn = sample.checked_sub(plain)?;
    if style_prompts.is_empty() {
        return None;
    }
    let mut order: Vec<usize> = (0..style_prompts.len()).collect();
    let mut rng = keyed(seed, &["manner", task_id]);
    for last in (1..order.len()).rev() {
        order.swap(last, rng.random_range(0..=last));
    }
    Some(&style_prompts[order[turn % order.len()]])
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use iopo_constraints::Kind;

    use super::{DEFAULT_STYLE_PROMPTS, open, style_prompt_of};

    fn all() -> Vec<String> {
        DEFAULT_STYLE_PROMPTS.iter().map(|style_prompt| style_prompt.text.to_owned()).collect()
    }

    #[test]
    fn a_style_prompt_that_elicits_a_held_out_kind_is_never_drawn() {
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
        let drawn = (0..200).filter_map(|i| style_prompt_of(&left, 0, 7, "a", i));
        assert!(
            drawn.into_iter().all(|style_prompt| !gone.iter().any(|text| text == style_prompt))
        );
        assert_eq!(open(&all(), &BTreeSet::new()), all(), "nothing is held out, nothing goes");
    }

    #[test]
    fn a_held_out_kind_drops_exactly_the_style_prompts_that_elicit_it() {
        for &kind in Kind::ALL {
            let left = open(&all(), &[kind].into());
            for style_prompt in DEFAULT_STYLE_PROMPTS {
                let elicited = style_prompt.elicits.contains(&kind);
                assert_eq!(
                    left.iter().any(|text| text == style_prompt.text),
                    !elicited,
                    "{kind:?}"
                );
            }
        }
        assert!(DEFAULT_STYLE_PROMPTS.iter().all(|style_prompt| !style_prompt.elicits.is_empty()));
    }

    #[test]
    fn a_style_prompt_of_the_configuration_is_left_alone() {
        let own = vec!["Rhyme.".to_owned(), "  Write numbered steps. ".to_owned()];
        assert_eq!(open(&own, &[Kind::MinNumbered].into()), ["Rhyme."], "spaces hide nothing");
        assert_eq!(open(&own, &[Kind::Table].into()), own);
    }

    #[test]
    fn the_first_samples_are_plain_and_the_others_all_differ() {
        let style_prompts = all();
        assert_eq!(style_prompt_of(&style_prompts, 2, 7, "a", 1), None);
        let drawn: BTreeSet<_> = (2..2 + style_prompts.len())
            .map(|i| style_prompt_of(&style_prompts, 2, 7, "a", i))
            .collect();
        assert_eq!(drawn.len(), style_prompts.len());
        assert!(!drawn.contains(&None));
    }

    #[test]
    fn seeds_get_different_orders_and_the_same_one_each_time() {
        let style_prompts = all();
        let order = |id: &str| -> Vec<_> {
            (0..style_prompts.len()).map(|i| style_prompt_of(&style_prompts, 0, 7, id, i)).collect()
        };
        assert_eq!(order("a"), order("a"));
        assert_ne!(order("a"), order("b"));
    }
}

//! Selection of the style prompt of each sample.
//!
//! A style prompt can elicit a constraint kind ([`StylePrompt::kinds`]). A held-out kind must not be elicited, because
//! the model learns from the responses. [`open`] therefore drops the style prompts that elicit a held-out kind before
//! any is drawn.
//!
//! Responses that show a held-out kind without a style prompt for it are kept, because no instruction names the kind.
//! Style prompts that the configuration adds are always used.

use std::collections::BTreeSet;

use iopo_constraints::{Kind, StylePrompt};
use iopo_core::random::keyed;
use rand::RngExt;

/// Returns the style prompts that elicit no held-out kind, in order.
///
/// [`StylePrompt`]s are recognized by their text. All others are kept.
pub fn open(style_prompts: &[String], held_out: &BTreeSet<Kind>) -> Vec<String> {
    let closed = |style_prompt: &&String| {
        let known = StylePrompt::ALL.iter().find(|known| known.text() == style_prompt.trim());
        known.is_some_and(|known| known.kinds().any(|kind| held_out.contains(&kind)))
    };
    style_prompts.iter().filter(|style_prompt| !closed(style_prompt)).cloned().collect()
}

/// Returns the style prompt of one sample, or `None` for the first `plain` samples.
///
/// The other samples use the style prompts in an order drawn for each task, so that each is used once before any
/// repeats.
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

    use iopo_constraints::{Kind, StylePrompt};

    use super::{open, style_prompt_of};

    fn all() -> Vec<String> {
        StylePrompt::ALL.iter().map(ToString::to_string).collect()
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
        assert_eq!(
            open(&all(), &BTreeSet::new()),
            all(),
            "without held-out kinds, all style prompts are used"
        );
    }

    #[test]
    fn a_held_out_kind_drops_exactly_the_style_prompts_that_elicit_it() {
        for &kind in Kind::ALL {
            let left = open(&all(), &[kind].into());
            for style_prompt in StylePrompt::ALL {
                let elicited = style_prompt.kinds().any(|elicited| elicited == kind);
                let kept = left.iter().any(|text| text == style_prompt.text());
                assert_eq!(kept, !elicited, "{kind}: {style_prompt}");
            }
        }
    }

    #[test]
    fn a_style_prompt_that_the_configuration_adds_is_kept() {
        let own = vec!["Rhyme.".to_owned(), "  Write numbered steps. ".to_owned()];
        assert_eq!(
            open(&own, &[Kind::MinNumbered].into()),
            ["Rhyme."],
            "surrounding spaces are ignored"
        );
        assert_eq!(open(&own, &[Kind::Table].into()), own);
    }

    #[test]
    fn each_style_prompt_is_used_once_after_the_plain_samples() {
        let style_prompts = all();
        assert_eq!(style_prompt_of(&style_prompts, 2, 7, "a", 1), None);
        let drawn: BTreeSet<_> = (2..2 + style_prompts.len())
            .map(|i| style_prompt_of(&style_prompts, 2, 7, "a", i))
            .collect();
        assert_eq!(drawn.len(), style_prompts.len());
        assert!(!drawn.contains(&None));
    }

    #[test]
    fn the_order_depends_on_the_task_only() {
        let style_prompts = all();
        let order = |id: &str| -> Vec<_> {
            (0..style_prompts.len()).map(|i| style_prompt_of(&style_prompts, 0, 7, id, i)).collect()
        };
        assert_eq!(order("a"), order("a"));
        assert_ne!(order("a"), order("b"));
    }
}

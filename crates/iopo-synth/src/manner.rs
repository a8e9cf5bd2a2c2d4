//! Manners: hints that make the answers to one task differ in ways that code can check.

use rand::RngExt;

use crate::random::keyed;

/// The manners that are asked for by default. They never become part of an instruction.
pub const DEFAULT_MANNERS: [&str; 18] = [
    "Answer in one short paragraph.",
    "Use bullet points.",
    "Answer in a lively tone with a question at the end.",
    "Start with a title.",
    "Be brief.",
    "Write numbered steps.",
    "Write in a formal tone.",
    "Explain it in detail, in several paragraphs.",
    "Answer in two or three plain sentences.",
    "Use headings for the parts of the answer.",
    "Highlight the key words in bold.",
    "Give concrete examples and numbers.",
    "Write as if to a friend, with exclamation marks.",
    "End with a one-line summary.",
    "Answer in simple words for a child.",
    "Put the answer into a small table.",
    "Add a short note, beginning with P.S., at the end.",
    "Speak directly to the reader as \"you\".",
];

/// The manner of one sample: none for the first `plain` samples, then the list in an order that
/// is drawn anew for every seed task, so that no manner comes twice before all came once.
pub fn manner_of<'a>(
    manners: &'a [String],
    plain: usize,
    seed: u64,
    seed_id: &str,
    sample: usize,
) -> Option<&'a str> {
    let turn = sample.checked_sub(plain)?;
    if manners.is_empty() {
        return None;
    }
    let mut order: Vec<usize> = (0..manners.len()).collect();
    let mut rng = keyed(seed, &["manner", seed_id]);
    for last in (1..order.len()).rev() {
        order.swap(last, rng.random_range(0..=last));
    }
    Some(&manners[order[turn % order.len()]])
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{DEFAULT_MANNERS, manner_of};

    #[test]
    fn the_first_samples_are_plain_and_the_others_all_differ() {
        let manners: Vec<String> = DEFAULT_MANNERS.iter().map(ToString::to_string).collect();
        assert_eq!(manner_of(&manners, 2, 7, "a", 1), None);
        let drawn: BTreeSet<_> =
            (2..2 + manners.len()).map(|i| manner_of(&manners, 2, 7, "a", i)).collect();
        assert_eq!(drawn.len(), manners.len());
        assert!(!drawn.contains(&None));
    }

    #[test]
    fn seeds_get_different_orders_and_the_same_one_each_time() {
        let manners: Vec<String> = DEFAULT_MANNERS.iter().map(ToString::to_string).collect();
        let order = |id: &str| -> Vec<_> {
            (0..manners.len()).map(|i| manner_of(&manners, 0, 7, id, i)).collect()
        };
        assert_eq!(order("a"), order("a"));
        assert_ne!(order("a"), order("b"));
    }
}

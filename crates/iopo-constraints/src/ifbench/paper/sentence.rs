//! Properties of each sentence and of neighboring sentences.

use super::{
    super::text::{sentences, trim_start},
    words::word_count,
};
use crate::ifeval::{
    python::{fold, is_word, lower, split},
    search::Needle,
};

/// Whether a sentence contains a keyword between word boundaries, ignoring case. Sentences count from 1.
pub(super) fn has_keyword(text: &str, keyword: &Needle, sentence: usize) -> bool {
    let Some(sentence) = sentences(text).nth(sentence - 1) else { return false };
    let folded = fold(sentence);
    let boundary = |at: usize| {
        let before = folded[..at].chars().next_back().is_some_and(is_word);
        before != folded[at..].chars().next().is_some_and(is_word)
    };
    keyword.places(&folded).any(|start| boundary(start) && boundary(keyword.end(start)))
}

/// Whether each sentence has `step` words more than the one before.
pub(super) fn grows_by(text: &str, step: usize) -> bool {
    let mut last = None;
    sentences(text).map(word_count).all(|count| {
        let before = last.replace(count);
        before.is_none_or(|before| count == before + step)
    })
}

/// Whether each sentence has more alliteration than the one before.
pub(super) fn alliteration_grows(text: &str) -> bool {
    let mut last = None;
    sentences(text).map(alliteration).all(|score| {
        let before = last.replace(score);
        before.is_none_or(|before| score > before)
    })
}

/// The number of words in runs of words with the same first character.
fn alliteration(sentence: &str) -> usize {
    let sentence = lower(sentence);
    let mut firsts = split(&sentence).filter_map(|word| trim_start(word).chars().next());
    let Some(mut last) = firsts.next() else { return 0 };
    let (mut score, mut runs) = (0, false);
    for first in firsts {
        let same = first == last;
        score += match (same, runs) {
            (true, false) => 2,
            (true, true) => 1,
            (false, _) => 0,
        };
        (last, runs) = (first, same);
    }
    score
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keywords_are_found_between_boundaries() {
        let found = |text, word| has_keyword(text, &Needle::new(&fold(word)), 2);
        assert!(
            found("One. A CAT!", "cat") && !found("One. Cats.", "cat") && !found("Cat.", "cat")
        );
        assert!(found("One. C++x", "C++") && !found("One. C++ is", "C++"));
    }

    #[test]
    fn all_runs_of_alliteration_count() {
        for (sentence, score) in
            [("Big bears and big boys", 4), ("big bad boys", 3), ("tea", 0), ("“a “b c", 2)]
        {
            assert_eq!(alliteration(sentence), score, "{sentence}");
        }
        assert!(alliteration_grows("Tea is hot. Big bears go. Big bad boys go."));
        assert!(!alliteration_grows("Big bears go. Big boys go."));
        assert!(grows_by("One. Two is. Three is well-known.", 1) && !grows_by("One. Two.", 1));
    }
}

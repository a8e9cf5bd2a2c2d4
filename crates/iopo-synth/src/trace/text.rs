//! Comparisons of texts in English and Chinese.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use iopo_core::random::keyed_u64;
use iopo_core::text::{is_unspaced, tokens};
use iopo_judge::Language;

use crate::text::script_share;

/// A text with a larger share of Chinese letters is Chinese.
const CHINESE_SHARE: f64 = 0.3;

/// Returns the language of a text; `None` for a text without letters.
pub(crate) fn language_of(text: &str) -> Option<Language> {
    let chinese = script_share(text, "zh") >= CHINESE_SHARE;
    let language = if chinese { Language::Chinese } else { Language::English };
    text.chars().any(char::is_alphabetic).then_some(language)
}

/// Whether a text is in a language. A text without letters is in every language.
pub(crate) fn speaks(text: &str, language: Language) -> bool {
    language_of(text).is_none_or(|found| found == language)
}

/// The content of a text: words of at least four letters, numbers, and pairs of characters of scripts without spaces.
fn content(text: &str) -> BTreeSet<String> {
    let tokens = tokens(text);
    let single = |token: &String| token.chars().next().is_some_and(is_unspaced);
    let long = |token: &&String| {
        !single(token) && (token.chars().count() >= 4 || token.chars().all(char::is_numeric))
    };
    let pairs = tokens.windows(2).filter(|pair| pair.iter().all(single)).map(<[String]>::concat);
    tokens.iter().filter(long).cloned().chain(pairs).collect()
}

/// Returns the share of the content of `text` that `others` have; 1 for a text without content.
pub(crate) fn recall<'a>(text: &str, others: impl IntoIterator<Item = &'a str>) -> f64 {
    let wanted = content(text);
    let found: BTreeSet<String> = others.into_iter().flat_map(content).collect();
    if wanted.is_empty() {
        return 1.0;
    }
    wanted.intersection(&found).count() as f64 / wanted.len() as f64
}

/// Returns the runs of 8 words, or of 12 characters in Chinese.
pub(crate) fn runs(text: &str, language: Language) -> BTreeSet<String> {
    let length = if language == Language::Chinese { 12 } else { 8 };
    tokens(text).windows(length).map(|run| run.join(" ")).collect()
}

/// The hashes of the 3-grams of a text, sorted. Reading a text once makes many comparisons cheap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Grams(Vec<u64>);

impl Grams {
    pub(crate) fn new(text: &str) -> Self {
        let tokens = tokens(text);
        let runs = tokens.windows(tokens.len().clamp(1, 3));
        let mut hashes: Vec<u64> =
            runs.map(|run| keyed_u64(0, &["gram", &run.join(" ")])).collect();
        hashes.sort_unstable();
        hashes.dedup();
        Self(hashes)
    }

    /// Returns the Jaccard similarity; 0 for two texts without words.
    pub(crate) fn similarity(&self, other: &Self) -> f64 {
        let (mut one, mut two) = (self.0.as_slice(), other.0.as_slice());
        let mut shared = 0;
        while let ([first, rest @ ..], [second, others @ ..]) = (one, two) {
            match first.cmp(second) {
                Ordering::Less => one = rest,
                Ordering::Greater => two = others,
                Ordering::Equal => {
                    shared += 1;
                    (one, two) = (rest, others);
                }
            }
        }
        shared as f64 / (self.0.len() + other.0.len() - shared).max(1) as f64
    }

    /// Whether the similarity exceeds a limit. Texts of very different lengths need no comparison.
    fn exceeds(&self, other: &Self, limit: f64) -> bool {
        let (shorter, longer) = (self.0.len().min(other.0.len()), self.0.len().max(other.0.len()));
        shorter as f64 > limit * longer as f64 && self.similarity(other) > limit
    }
}

/// Returns the Jaccard similarity of the 3-grams of two texts.
pub(crate) fn similarity(one: &str, other: &str) -> f64 {
    Grams::new(one).similarity(&Grams::new(other))
}

/// The distinct texts of one seed after another. A text is compared with those of its own seed only.
#[derive(Debug, Default)]
pub(crate) struct Distinct {
    seed: usize,
    texts: Vec<Grams>,
}

impl Distinct {
    /// Adds a text of a seed, unless it resembles an earlier one of the same seed. The texts of a seed follow each other.
    pub(crate) fn insert(&mut self, seed: usize, text: &str, limit: f64) -> bool {
        if self.seed != seed {
            (self.seed, self.texts) = (seed, Vec::new());
        }
        let grams = Grams::new(text);
        if self.texts.iter().any(|other| other.exceeds(&grams, limit)) {
            return false;
        }
        self.texts.push(grams);
        true
    }
}

/// The letters and digits of a text in lower case.
pub(crate) fn normal(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// Removes a list number from the start of a constraint, because the prompt numbers constraints.
pub(crate) fn without_number(text: &str) -> &str {
    let text = text.trim();
    let inner = text.strip_prefix(['(', '（']).unwrap_or(text);
    let rest = inner.trim_start_matches(|c: char| c.is_ascii_digit());
    let digits = inner.len() - rest.len();
    match rest.strip_prefix([')', '）', '.', '、', ':', '：']) {
        Some(rest)
            if (1..=2).contains(&digits) && !rest.starts_with(|c: char| c.is_ascii_digit()) =>
        {
            rest.trim_start()
        }
        Some(_) | None => text,
    }
}

/// Cuts a text to at most `limit` characters.
pub(crate) fn shorten(text: &str, limit: usize) -> String {
    text.trim().chars().take(limit).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_language_is_that_of_the_letters() {
        assert_eq!(language_of("写一首诗 poem"), Some(Language::Chinese));
        assert_eq!(language_of("Translate 茶 into English."), Some(Language::English));
        assert_eq!(language_of("12 + 3"), None);
        assert!(speaks("12", Language::Chinese) && !speaks("tea", Language::Chinese));
    }

    #[test]
    fn content_is_compared_in_both_languages() {
        assert!(recall("Describe a rainy street", ["describe the STREET, when rainy"]) > 0.99);
        assert!(recall("描写雨中的街道", ["街道在雨中"]) < 0.6);
        assert!(recall("Describe a street", ["Sing a song"]) < 0.1);
    }

    #[test]
    fn numbers_in_front_are_removed_and_decimals_kept() {
        assert_eq!(without_number(" 1. Be brief."), "Be brief.");
        assert_eq!(without_number("（2）简短"), "简短");
        assert_eq!(without_number("3.5 cm wide"), "3.5 cm wide");
        assert_eq!(without_number("2024. A year"), "2024. A year");
    }

    #[test]
    fn repeated_runs_and_near_duplicates_are_found() {
        let text = "one two three four five six seven eight nine";
        assert_eq!(runs(text, Language::English).len(), 2);
        assert!(similarity(text, "One, two three four five six seven eight nine!") > 0.99);
        assert!(similarity(text, "nine eight seven six five four") < 0.1);
    }
    #[test]
    fn texts_are_compared_with_those_of_their_seed() {
        /// The words of a text number `at`; neighbours share most of them.
        fn text(at: usize) -> String {
            (at..at + 60).map(|word| format!("word{word}")).collect::<Vec<_>>().join(" ")
        }
        let sets = |text: &str| -> BTreeSet<String> {
            tokens(text).windows(3).map(|run| run.join(" ")).collect()
        };
        for limit in [0.0, 0.5, 0.9, 1.0] {
            let mut found = Distinct::default();
            let mut kept: Vec<(usize, String)> = Vec::new();
            for seed in 0..3 {
                for at in [0, 0, 3, 40, 1, 100, 7] {
                    let text = text(at);
                    let repeats = kept.iter().filter(|other| other.0 == seed).any(|(_, other)| {
                        let (one, other) = (sets(&text), sets(other));
                        let shared = one.intersection(&other).count();
                        shared as f64 / one.union(&other).count() as f64 > limit
                    });
                    assert_eq!(found.insert(seed, &text, limit), !repeats, "{limit} {seed} {at}");
                    if !repeats {
                        kept.push((seed, text));
                    }
                }
            }
            assert!(kept.len() > 3 && kept.len() < 22, "{limit}: {}", kept.len());
        }
        // Texts without words repeat nothing.
        let mut found = Distinct::default();
        assert!(found.insert(0, "", 0.9) && found.insert(0, "…", 0.9));
    }

    #[test]
    fn a_part_with_many_responses_is_compared_in_linear_time() {
        let mut found = Distinct::default();
        let (seeds, samples) = (20_000, 3);
        let text = |sample: usize| format!("one two three {sample} {sample}");
        let made = (0..seeds * samples).map(|at| (at / samples, text(at % samples)));
        let kept = made.filter(|(seed, text)| found.insert(*seed, text, 0.9)).count();
        assert_eq!(kept, seeds * samples);
        assert_eq!(found.texts.len(), samples, "only the texts of the last seed are kept");
    }
}

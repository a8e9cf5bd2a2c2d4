//! The dimensions of constraints in prompts and answers.

use std::collections::BTreeSet;

use iopo_constraints::Dimension;
use iopo_judge::Language;

/// The names and descriptions of the 26 dimensions, in the order of [`Dimension::ALL`].
const TABLE: &str = include_str!("../../data/trace/dimensions.tsv");

/// Returns the name and the description of a dimension.
pub(crate) fn describe(dimension: Dimension, language: Language) -> (&'static str, &'static str) {
    let line = TABLE.lines().find(|line| line.split('\t').next() == Some(dimension.english()));
    let mut fields = line.unwrap_or_default().split('\t');
    if language == Language::Chinese {
        fields.nth(1);
    }
    (fields.next().unwrap_or_default(), fields.next().unwrap_or_default())
}

/// Lists dimensions with their descriptions, one a line.
pub(crate) fn list(dimensions: &[Dimension], language: Language) -> String {
    let separator = if language == Language::Chinese { "：" } else { ": " };
    let line = |dimension: &Dimension| {
        let (name, text) = describe(*dimension, language);
        format!("- {name}{separator}{text}")
    };
    dimensions.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// Reads the name of a dimension in either language.
pub(crate) fn named(text: &str) -> Option<Dimension> {
    let key = key(text);
    Dimension::ALL.into_iter().find(|dimension| names(*dimension).contains(&key))
}

/// Returns the dimension whose name resembles a text most, if one does.
pub(crate) fn nearest(text: &str) -> Option<Dimension> {
    let wanted = bigrams(&key(text));
    let likeness = |dimension: Dimension| {
        let of = |name: &String| {
            let own = bigrams(name);
            let shared = wanted.intersection(&own).count();
            2.0 * shared as f64 / (wanted.len() + own.len()).max(1) as f64
        };
        names(dimension).iter().map(of).fold(0.0, f64::max)
    };
    let best = Dimension::ALL.into_iter().max_by(|a, b| likeness(*a).total_cmp(&likeness(*b)))?;
    (likeness(best) >= 0.6).then_some(best)
}

fn names(dimension: Dimension) -> [String; 2] {
    [Language::English, Language::Chinese].map(|language| key(describe(dimension, language).0))
}

/// The letters and digits of a name in lower case, without the word for "constraint".
fn key(text: &str) -> String {
    let text = text.to_lowercase().replace("约束", "").replace("constraint", "");
    text.chars().filter(|c| c.is_alphanumeric()).collect()
}

fn bigrams(text: &str) -> BTreeSet<(char, char)> {
    text.chars().zip(text.chars().skip(1)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_dimension_is_described_in_both_languages() {
        for (dimension, label) in Dimension::ALL.into_iter().zip(iopo_judge::trace::DIMENSIONS) {
            for language in [Language::English, Language::Chinese] {
                let (name, text) = describe(dimension, language);
                assert!(!name.is_empty() && !text.is_empty());
                assert_eq!(named(name), Some(dimension));
            }
            assert_eq!(named(label), Some(dimension), "{label}");
        }
    }

    #[test]
    fn a_similar_name_is_mapped_and_another_is_not() {
        assert_eq!(named("Tone & style"), None);
        assert_eq!(nearest("Tone & style"), Some(Dimension::ToneAndStyle));
        assert_eq!(nearest("numerics"), Some(Dimension::Numerical));
        assert_eq!(nearest("quantum"), None);
    }
}

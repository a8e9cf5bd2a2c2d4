//! The topic of a sentence: a noun phrase of its own words, for headings and keys.

use super::{capitalize, nouns};
use crate::{lines, text};

const MOST_WORDS: usize = 5;

/// The topic of a sentence: the noun that it starts with. `None` if none is certain.
pub(crate) fn topic(sentence: &str) -> Option<String> {
    nouns::lead(sentence).map(|range| capitalize(&sentence[range].replace('’', "'")))
}

/// A different topic for each text. `None` if one has none.
pub(crate) fn topics(texts: &[String]) -> Option<Vec<String>> {
    let mut found: Vec<String> = Vec::new();
    for text in texts {
        let sentences = text::sentences(text).into_iter();
        let mut all = sentences.filter_map(|range| topic(&text[range]));
        let topic =
            all.find(|topic| !found.iter().any(|known| text::fold(known) == text::fold(topic)))?;
        found.push(topic);
    }
    Some(found)
}

/// The label of a point such as "**Label**: rest" or "Label: rest", and the rest.
pub(crate) fn labeled(point: &str) -> Option<(String, String)> {
    let plain = point.replace("**", "");
    let (label, rest) = plain.split_once(": ")?;
    lines::key_value(&plain)?;
    let good = (1..=MOST_WORDS).contains(&text::word_count(label));
    good.then(|| (label.to_owned(), rest.trim().to_owned()))
}

/// A label and a detail for each point: the label that the point has, or its topic.
pub(crate) fn pairs(points: &[String]) -> Option<Vec<(String, String)>> {
    let found: Option<Vec<(String, String)>> = points.iter().map(|point| labeled(point)).collect();
    let found = found.or_else(|| {
        let plain = points.iter().map(|point| point.replace("**", ""));
        Some(topics(points)?.into_iter().zip(plain).collect())
    })?;
    let distinct = |(at, (label, _)): (usize, &(String, String))| {
        found[..at].iter().all(|(known, _)| known != label)
    };
    found.iter().enumerate().all(distinct).then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topics_are_noun_phrases_of_the_sentence() {
        for (sentence, expected) in [
            ("The market square of Oldbrook was a car park.", Some("Market square of Oldbrook")),
            ("Finally, the vegetables can be used in the kitchen.", Some("Vegetables")),
            ("Regular exercise improves your mood because it is fun.", Some("Regular exercise")),
            ("Many people visit the castle.", None),
            ("In the heart of town, a team won.", None),
            ("Stop for tea.", None),
            ("Lots of water boils.", None),
            ("Tea wakes you up.", None),
            ("", None),
            ("42.", None),
            ("茶很好喝。", None),
        ] {
            assert_eq!(topic(sentence).as_deref(), expected, "{sentence}");
        }
    }

    #[test]
    fn labels_are_kept_and_topics_are_distinct() {
        let points = ["**Tea**: a warm drink".to_owned(), "**Milk**: a cold one".to_owned()];
        assert_eq!(
            pairs(&points).expect("labels")[1],
            ("Milk".to_owned(), "a cold one".to_owned())
        );
        let twice = ["**Tea**: hot".to_owned(), "**Tea**: cold".to_owned()];
        assert_eq!(pairs(&twice), None);
        let same = ["Tea is hot.".to_owned(), "Tea is a drink. The garden has it.".to_owned()];
        assert_eq!(topics(&same).expect("a second topic"), ["Tea", "Garden"]);
        assert_eq!(topics(&[same[0].clone(), same[0].clone()]), None);
    }
}

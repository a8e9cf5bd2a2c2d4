//! Parameters: their ranges, round values, and random choices.

use std::fmt::Display;

use rand::{Rng, RngExt as _, seq::IndexedRandom as _};
use serde_json::Value;

use crate::{han, text};

/// A parameter that is out of range.
#[derive(Debug)]
pub(crate) struct OutOfRange {
    pub(crate) name: &'static str,
    pub(crate) expected: String,
    pub(crate) found: String,
}

pub(crate) fn reject<T>(
    name: &'static str,
    expected: String,
    found: impl Display,
) -> Result<T, OutOfRange> {
    let found: String = found.to_string().chars().take(60).collect();
    Err(OutOfRange { name, expected, found: format!("`{found}`") })
}

/// Rejects a number outside two bounds, both included.
pub(crate) fn number(
    name: &'static str,
    n: usize,
    low: usize,
    high: usize,
) -> Result<(), OutOfRange> {
    if (low..=high).contains(&n) {
        Ok(())
    } else {
        reject(name, format!("a number from {low} to {high}"), n)
    }
}

/// Rejects anything except one word of 2 to 24 letters, or 2 to 24 letters and digits with Chinese characters among them.
pub(crate) fn word(name: &'static str, word: &str) -> Result<(), OutOfRange> {
    word_from(2, name, word)
}

/// Like [`word`], but a single letter such as "A" is a word too.
pub(crate) fn any_word(name: &'static str, word: &str) -> Result<(), OutOfRange> {
    word_from(1, name, word)
}

fn word_from(least: usize, name: &'static str, word: &str) -> Result<(), OutOfRange> {
    let letters = word.chars().take(25).count();
    let alone = || {
        let mut keys = text::keys(word);
        keys.next().is_some_and(|key| key == text::fold(word)) && keys.next().is_none()
    };
    let chinese = || han::has(word) && word.chars().all(char::is_alphanumeric);
    let latin = || word.chars().all(char::is_alphabetic) && alone();
    if (least..=24).contains(&letters) && (chinese() || latin()) {
        Ok(())
    } else {
        reject(name, format!("one word of {least} to 24 letters"), word)
    }
}

/// Rejects anything except one word of 1 to 24 letters of a language that writes spaces between words.
pub(crate) fn spaced_word(name: &'static str, word: &str) -> Result<(), OutOfRange> {
    if han::has(word) {
        return reject(name, "a word without Chinese characters".to_owned(), word);
    }
    any_word(name, word)
}

/// Rejects anything except a phrase on one line. It starts with a letter or digit and ends with one or with `,.!?:`.
pub(crate) fn phrase(name: &'static str, phrase: &str) -> Result<(), OutOfRange> {
    let short = phrase.chars().take(81).count() <= 80;
    let start = phrase.chars().next().is_some_and(char::is_alphanumeric);
    let end = phrase.chars().next_back();
    let marks = if han::has(phrase) { ",.!?:，。！？：…" } else { ",.!?:" };
    let end = end.is_some_and(|c| c.is_alphanumeric() || marks.contains(c));
    let odd = |c: char| c.is_control() || (c.is_whitespace() && c != ' ');
    if short && start && end && !phrase.contains("  ") && !phrase.chars().any(odd) {
        Ok(())
    } else {
        let expected = "a phrase of 1 to 80 characters with single spaces that starts with a \
                        letter or digit and ends with one or with , . ! ? :";
        reject(name, expected.to_owned(), phrase)
    }
}

/// Rejects anything except 1 to 80 characters on one line without spaces at the ends.
pub(crate) fn label(name: &'static str, label: &str) -> Result<(), OutOfRange> {
    let short = label.chars().take(81).count() <= 80;
    let plain = !label.is_empty() && label.trim() == label && !label.contains("  ");
    if short && plain && !label.chars().any(|c| c.is_control() || (c.is_whitespace() && c != ' ')) {
        Ok(())
    } else {
        let expected = "1 to 80 characters on one line, with single spaces between words";
        reject(name, expected.to_owned(), label)
    }
}

/// Rejects anything except 1 to 12 distinct labels.
pub(crate) fn labels(name: &'static str, labels: &[String]) -> Result<(), OutOfRange> {
    if !(1..=12).contains(&labels.len()) {
        return reject(name, "1 to 12 values".to_owned(), labels.len());
    }
    for (at, one) in labels.iter().enumerate() {
        label(name, one)?;
        if labels[..at].contains(one) {
            return reject(name, "distinct values".to_owned(), one);
        }
    }
    Ok(())
}

/// Quoted values with commas and "and": "a", "b" and "c".
pub(crate) fn quoted_list(values: &[String]) -> String {
    let quoted: Vec<String> = values.iter().map(|value| format!("\"{value}\"")).collect();
    match quoted.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        _ => quoted.concat(),
    }
}

/// Rejects anything except a name or role of letters, spaces, hyphens, apostrophes and periods, with a letter at each
/// end.
pub(crate) fn name(field: &'static str, name: &str) -> Result<(), OutOfRange> {
    let short = name.chars().take(41).count() <= 40;
    let letter = |c: Option<char>| c.is_some_and(char::is_alphabetic);
    let plain = name.chars().all(|c| c.is_alphabetic() || " -'’.".contains(c));
    let plain = plain && !name.contains("  ");
    if short && plain && letter(name.chars().next()) && letter(name.chars().next_back()) {
        Ok(())
    } else {
        let expected = "a name of 1 to 40 characters: letters, spaces, hyphens, apostrophes and \
                        periods, with a letter at each end";
        reject(field, expected.to_owned(), name)
    }
}

/// Rejects an upper bound that is not above the lower one.
pub(crate) fn ordered(name: &'static str, low: usize, high: usize) -> Result<(), OutOfRange> {
    if low < high { Ok(()) } else { reject(name, format!("more than the lower bound {low}"), high) }
}

/// Rejects two equal words.
pub(crate) fn distinct(name: &'static str, first: &str, second: &str) -> Result<(), OutOfRange> {
    if text::fold(first) == text::fold(second) {
        reject(name, "a word that differs from the first".to_owned(), second)
    } else {
        Ok(())
    }
}

/// Turns whole floats into integers, at every level: columns of integers with gaps become floats in pandas.
pub(crate) fn make_whole(value: &mut Value) {
    /// Below this, every whole number is exact as a float.
    const EXACT: f64 = (1_u64 << 53) as f64;
    match value {
        Value::Number(number) if number.is_f64() => {
            let float = number.as_f64().filter(|float| float.fract() == 0.0 && float.abs() < EXACT);
            if let Some(float) = float {
                *value = (float as i64).into();
            }
        }
        Value::Array(items) => items.iter_mut().for_each(make_whole),
        Value::Object(map) => map.values_mut().for_each(make_whole),
        _ => {}
    }
}

/// A number with its noun: "1 word", "2 words".
pub(crate) fn quantity(n: usize, noun: &str) -> String {
    if n == 1 { format!("1 {noun}") } else { format!("{n} {noun}s") }
}

/// A quoted phrase at the end of a sentence. The sentence gets a period only if the phrase has no final mark.
pub(crate) fn quoted_end(phrase: &str) -> String {
    let stop = if phrase.ends_with(['.', '!', '?']) { "" } else { "." };
    format!("\"{phrase}\"{stop}")
}

/// The distance between round numbers near `n`.
fn step(n: usize) -> usize {
    match n {
        0..20 => 5,
        20..100 => 10,
        100..200 => 20,
        200..400 => 50,
        _ => 100,
    }
}

/// The smallest round number that is at least `n`, or the largest number.
pub(crate) fn round_up(n: usize) -> usize {
    let up = n.div_ceil(step(n)).saturating_mul(step(n));
    up.max(5)
}

/// The largest round number that is at most `n`, 0 below 5.
pub(crate) fn round_down(n: usize) -> usize {
    n / step(n) * step(n)
}

/// A random value of a list, `default` if the list is empty.
pub(crate) fn one_of<T: Copy>(values: &[T], default: T, rng: &mut dyn Rng) -> T {
    values.choose(rng).copied().unwrap_or(default)
}

/// A random number between two bounds, both included.
pub(crate) fn between(low: usize, high: usize, rng: &mut dyn Rng) -> usize {
    rng.random_range(low..=high.max(low))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounding_gives_numbers_that_people_use() {
        assert_eq!((round_up(52), round_down(52)), (60, 50));
        assert_eq!((round_up(3), round_down(3)), (5, 0));
        assert_eq!((round_up(137), round_down(137)), (140, 120));
        for n in 0..2000 {
            assert!(round_up(n) >= n && round_down(n) <= n);
        }
    }

    #[test]
    fn hostile_words_and_phrases_are_rejected() {
        for bad in ["", " ", "a", "two words", "tea,", "茶", "茶，茶", &"x".repeat(100_000)] {
            assert!(word("word", bad).is_err(), "{bad:.20}");
        }
        for bad in
            ["", " tea", "\"tea", "tea\nmilk", "tea\u{0}milk", "tea  milk", &"x".repeat(100_000)]
        {
            assert!(phrase("phrase", bad).is_err(), "{bad:.20}");
        }
        assert!(word("word", "Tea").is_ok() && word("word", "café").is_ok());
        assert!(word("word", "绿茶").is_ok() && phrase("phrase", "总之，").is_ok());
        assert!(phrase("phrase", "In short,").is_ok() && name("name", "Dr. Mary O'Neil").is_ok());
    }
}

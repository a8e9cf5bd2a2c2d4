//! Similarity of texts by their letters and digits.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use regex::Regex;

static ENUMERATOR: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^\s*(?:[(\[]\s*(?:\d{1,3}|[一二三四五六七八九十]{1,3})\s*[)\]]|(?:\d{1,3}|[一二三四五六七八九十]{1,3})\s*[.,:)\]])")
        .unwrap_or_else(|error| unreachable!("a constant pattern: {error}"))
});

/// The letters and digits of a text in lower case, without a number at its start.
pub(super) struct Echo {
    number: Option<String>,
    key: Vec<char>,
    bigrams: BTreeMap<(char, char), usize>,
}

impl Echo {
    pub(super) fn new(text: &str) -> Self {
        let enumerator = ENUMERATOR.find(text);
        let start = enumerator.map_or(0, |found| found.end());
        let number = enumerator.map(|found| found.as_str().chars().filter(|c| c.is_numeric()));
        let number = number.map(String::from_iter).filter(|number| !number.is_empty());
        let key: Vec<char> = text[start..]
            .chars()
            .filter(|c| c.is_alphanumeric())
            .flat_map(char::to_lowercase)
            .collect();
        let mut bigrams = BTreeMap::new();
        for pair in key.windows(2) {
            *bigrams.entry((pair[0], pair[1])).or_default() += 1;
        }
        Self { number, key, bigrams }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.key.is_empty()
    }

    /// Whether the text consists of this number only.
    pub(super) fn is_number(&self, number: usize) -> bool {
        let number = number.to_string();
        match &self.number {
            Some(found) if self.key.is_empty() => *found == number,
            Some(_) | None => number.chars().eq(self.key.iter().copied()),
        }
    }

    /// Whether the text has neither letters nor digits.
    pub(super) fn is_blank(&self) -> bool {
        self.key.is_empty() && self.number.is_none()
    }

    pub(super) fn same_key(&self, other: &Self) -> bool {
        self.key == other.key
    }

    /// Dice coefficient of the pairs of neighboring characters.
    pub(super) fn similarity(&self, other: &Self) -> f64 {
        if self.key == other.key {
            return 1.0;
        }
        let pairs = |echo: &Self| echo.key.len().saturating_sub(1);
        let all = pairs(self) + pairs(other);
        if all == 0 {
            return 0.0;
        }
        let (few, many) = if self.bigrams.len() < other.bigrams.len() {
            (&self.bigrams, &other.bigrams)
        } else {
            (&other.bigrams, &self.bigrams)
        };
        let shared: usize =
            few.iter().map(|(pair, &count)| count.min(many.get(pair).copied().unwrap_or(0))).sum();
        2.0 * shared as f64 / all as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_marks_do_not_matter() {
        let close = |left: &str, right: &str, expected: f64| {
            let [left, right] = [left, right].map(|text| Echo::new(&crate::text::normalize(text)));
            (left.similarity(&right) - expected).abs() < 1e-12
        };
        for text in ["3. has FIVE points", "(3) Has five, points", "十、has five points"] {
            assert!(close(text, "Has five points.", 1.0), "{text}");
        }
        assert!(close("abc", "abd", 0.5) && !close("abc", "abd", 1.0) && close("a", "b", 0.0));
        assert!(Echo::new("12.").is_number(12) && Echo::new("12").is_number(12));
        assert!(!Echo::new("2.").is_number(1) && !Echo::new("2.").is_blank());
        assert!(Echo::new("- ").is_blank());
    }
}

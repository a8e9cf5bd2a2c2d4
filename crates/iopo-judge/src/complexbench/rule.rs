//! Rules about a part of a response.

use std::fmt;

/// A rule of a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    text: String,
    pub(super) checks: Option<Vec<Check>>,
}

impl Rule {
    /// Parses a rule. A rule without a known meaning is kept as an unknown rule.
    pub fn new(text: &str) -> Self {
        let lines: Option<Vec<Check>> = text.trim().lines().map(Check::parse).collect();
        Self { text: text.trim().to_owned(), checks: lines.filter(|checks| is_combination(checks)) }
    }

    /// Whether the meaning of the rule is known.
    pub fn is_known(&self) -> bool {
        self.checks.is_some()
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The check of one line of a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Test {
    Keyword,
    KeywordNumber,
    Forbidden,
    Number,
    Length,
    LengthWords,
    StartsWith,
    StartsWithList,
    EndsWith,
    NotStartsWith,
    NotEndsWith,
    Punctuation,
    Match,
    Json,
}

/// A line of a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Check {
    pub(super) test: Test,
    /// Whether the rule belongs to the newer family, whose names start with `model_`.
    pub(super) model: bool,
    /// Whether the line checks every object, not only the first one.
    pub(super) each: bool,
    /// The text after the colon.
    pub(super) value: String,
}

impl Check {
    fn parse(line: &str) -> Option<Self> {
        let (head, value) = line.split_once(':')?;
        let head = head.trim();
        let (model, name) = match head.strip_prefix("model_") {
            Some(name) => (true, name),
            None => (false, head),
        };
        let (each, name) = match name.strip_suffix("_each") {
            Some(name) => (true, name),
            None => (false, name),
        };
        let test = match (name, model, each) {
            ("keyword", true, _) | ("keyword", false, false) => Test::Keyword,
            ("keyword_num", true, _) => Test::KeywordNumber,
            ("forbidden_word", true, _) | ("forbidden_word", false, false) => Test::Forbidden,
            ("number", true, true) => Test::Number,
            ("length", true, _) | ("length", false, false) => Test::Length,
            ("length_word", true, _) | ("length_word", false, false) => Test::LengthWords,
            ("startswith", true, _) | ("startswith", false, false) => Test::StartsWith,
            ("starts_with_list", true, true) => Test::StartsWithList,
            ("endswith", true, _) | ("endswith", false, false) => Test::EndsWith,
            ("not_startswith", true, _) => Test::NotStartsWith,
            ("not_endswith", true, _) | ("not endswith", false, false) => Test::NotEndsWith,
            ("constraint_punc", true, _) | ("constraint_punc", false, false) => Test::Punctuation,
            ("match", false, false) => Test::Match,
            ("Json", false, false) => Test::Json,
            _ => return None,
        };
        Some(Self { test, model, each, value: value.to_owned() })
    }

    /// The text between the brackets.
    pub(super) fn inside(&self) -> &str {
        let start = self.value.find('[').map_or(0, |at| at + 1);
        let end = self.value.rfind(']').unwrap_or(self.value.len());
        self.value.get(start..end).unwrap_or_default()
    }

    /// The parameters between the brackets.
    pub(super) fn list(&self) -> Vec<String> {
        self.inside().split(',').map(|one| one.trim().to_owned()).collect()
    }
}

/// Whether there is a single line, or a known pair of lines.
fn is_combination(checks: &[Check]) -> bool {
    match checks {
        [_] => true,
        [first, second] => {
            let pairs = match (first.test, second.test) {
                (Test::KeywordNumber, Test::Forbidden) => first.model,
                (Test::StartsWith, Test::EndsWith) => true,
                (Test::Keyword, Test::Forbidden) => !first.model,
                _ => false,
            };
            pairs && first.model == second.model
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_published_rules_are_known() {
        for rule in [
            "model_keyword_each:[a]",
            "model_keyword_num_each:[1,1,a]\nmodel_forbidden_word_each:[b]",
            "startswith:a\nendswith:b",
            "not endswith:a",
            "length:[1,10]\n",
            "Json:[\"a\"]",
        ] {
            assert!(Rule::new(rule).is_known(), "{rule}");
        }
        for rule in [
            "",
            "color:[1]",
            "model_match:a",
            "length_each:[1,2]",
            "keyword",
            "length:[1,2]\nlength:[1,2]",
        ] {
            assert!(!Rule::new(rule).is_known(), "{rule}");
        }
    }
}

//! Keywords as regular expressions, as in the published code.
//!
//! Nearly all keywords are plain texts. Expressions are accepted if Python and the `regex` crate agree on them and if
//! their matches can be found or counted in linear time.

use regex::{Regex, RegexBuilder};

use super::{
    error::{InstructionError, excerpt},
    instruction::InstructionKind,
    python::{fold, is_word},
    search::Needle,
};

/// The maximum length of an expression in characters. Counted matches may have four times as many bytes.
const LONGEST: usize = 100;

/// The use of the matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Decide whether there is a match.
    Find,
    /// Count the matches.
    Count,
    /// Decide whether there is a match between word boundaries.
    FindWord,
}

/// Something to search for, ignoring case.
#[derive(Debug, Clone)]
pub(super) enum Pattern {
    /// A folded text.
    Literal(Needle),
    /// A regular expression of folded letters, for folded texts.
    Expression(Box<Regex>),
}

impl Pattern {
    /// Compiles a pattern of an instruction. A pattern that cannot be decided exactly is an error.
    pub(super) fn new(
        kind: InstructionKind,
        source: &str,
        purpose: Purpose,
    ) -> Result<Self, InstructionError> {
        let reject = |reason: &str| Self::unsupported(kind, source, reason);
        if source.is_empty() {
            return Err(reject("the text is empty"));
        }
        if is_literal(source) {
            return Ok(Self::Literal(Needle::new(&fold(source))));
        }
        if purpose == Purpose::FindWord {
            return Err(reject("found an expression among whole words, expected plain text"));
        }
        expression(&fold(source), purpose).map(Self::Expression).map_err(reject)
    }

    /// The error for an unsupported pattern.
    pub(super) fn unsupported(
        kind: InstructionKind,
        source: &str,
        reason: &str,
    ) -> InstructionError {
        InstructionError::UnsupportedPattern {
            id: kind.id(),
            pattern: excerpt(source),
            reason: reason.to_owned(),
        }
    }

    /// Whether a text matches.
    pub(super) fn occurs(&self, text: &Searched) -> bool {
        match self {
            Self::Literal(needle) => needle.places(&text.folded).next().is_some(),
            Self::Expression(regex) => regex.is_match(&text.folded),
        }
    }

    /// The number of matches in a text, without overlap.
    pub(super) fn count(&self, text: &Searched) -> usize {
        match self {
            Self::Literal(needle) => needle.count(&text.folded),
            Self::Expression(regex) => regex.find_iter(&text.folded).count(),
        }
    }

    /// Whether a text matches between word boundaries (`\b`).
    pub(super) fn occurs_as_word(&self, text: &Searched) -> bool {
        let Self::Literal(needle) = self else { return self.occurs(text) };
        let folded = text.folded.as_str();
        let boundary = |at: usize| {
            let before = folded[..at].chars().next_back().is_some_and(is_word);
            before != folded[at..].chars().next().is_some_and(is_word)
        };
        needle.places(folded).any(|start| boundary(start) && boundary(needle.end(start)))
    }
}

/// A text to search in, folded once for all patterns.
pub(super) struct Searched {
    folded: String,
}

impl Searched {
    pub(super) fn new(text: &str) -> Self {
        Self { folded: fold(text) }
    }
}

/// Whether no character of a text is special in an expression.
pub(super) fn is_literal(source: &str) -> bool {
    !source.contains(['\\', '.', '+', '*', '?', '(', ')', '|', '[', ']', '{', '}', '^', '$'])
}

/// Compiles an expression if it can be searched for in linear time.
pub(super) fn expression(source: &str, purpose: Purpose) -> Result<Box<Regex>, &'static str> {
    if source.chars().count() > LONGEST {
        return Err("the expression has more than 100 characters");
    }
    portable(source)?;
    let unreadable = "not a regular expression; escape literal characters with `\\`";
    let hir = regex_syntax::parse(source).map_err(|_| unreadable)?;
    if hir.properties().minimum_len() == Some(0) {
        return Err("the expression matches the empty text");
    }
    if purpose == Purpose::Count && hir.properties().maximum_len().is_none_or(|l| l > LONGEST * 4) {
        return Err("the length of matches is unbounded, so they cannot be counted in linear time");
    }
    RegexBuilder::new(source).size_limit(1 << 18).build().map(Box::new).map_err(|_| unreadable)
}

/// Rejects syntax that Python and the `regex` crate interpret differently.
fn portable(source: &str) -> Result<(), &'static str> {
    let mut chars = source.chars().peekable();
    let mut repeated = false;
    while let Some(c) = chars.next() {
        let next = chars.peek().copied();
        match c {
            // `\<` and `\>` are word boundaries in the `regex` crate.
            '\\' if next.is_none_or(|c| !c.is_ascii_punctuation() || matches!(c, '<' | '>')) => {
                return Err(
                    "found a class, an assertion or a reference; `\\` is supported only before punctuation",
                );
            }
            '\\' => {
                chars.next();
                repeated = false;
                continue;
            }
            '[' | '{' | '^' | '$' => {
                return Err("found one of `[ { ^ $`, which are supported only after `\\`");
            }
            '(' if next == Some('?') => return Err("found a group with `(?`"),
            '*' | '+' if repeated => return Err("found a repeated repetition"),
            _ => {}
        }
        repeated = matches!(c, '*' | '+' | '?');
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(source: &str, purpose: Purpose) -> Result<Pattern, InstructionError> {
        Pattern::new(InstructionKind::KeywordFrequency, source, purpose)
    }

    #[test]
    fn plain_texts_are_found_in_any_case_and_within_words() {
        let found = pattern("art", Purpose::Count).unwrap();
        let text = Searched::new;
        assert_eq!(found.count(&text("Art, PARTY, a r t")), 2);
        assert!(found.occurs(&text("Earth")) && !found.occurs(&text("aRrt")));
    }

    #[test]
    fn whole_words_are_found_at_overlapping_positions() {
        let word = pattern("a a", Purpose::FindWord).unwrap();
        let text = Searched::new;
        assert!(word.occurs_as_word(&text("xa a a")) && !word.occurs_as_word(&text("xa ax")));
        let word = pattern("jock", Purpose::FindWord).unwrap();
        for (said, hit) in
            [("JOCK's", true), ("(jock-ed)", true), ("_jock_", false), ("éjock jock1", false)]
        {
            assert_eq!(word.occurs_as_word(&text(said)), hit, "{said}");
        }
    }

    #[test]
    fn expressions_are_compiled() {
        let found = pattern("colou?r", Purpose::Count).unwrap();
        assert_eq!(found.count(&Searched::new("Color, colour, colr")), 2);
        let found = pattern("U.S.", Purpose::Count).unwrap();
        assert_eq!(found.count(&Searched::new("u.s. uXsX")), 2);
        // As in Python, a dotless i matches an i and a final sigma matches a sigma.
        for source in ["in", "i.?n", "İn"] {
            assert!(pattern(source, Purpose::Find).unwrap().occurs(&Searched::new("altın")));
        }
        assert!(pattern("ΟΣ?", Purpose::Find).unwrap().occurs(&Searched::new("οδός, ος")));
    }

    #[test]
    fn ambiguous_and_slow_expressions_are_rejected() {
        for source in ["", "a**", "C++", "(?:a)", r"\bx", "[ab]", "a{2}", "x?", "(", "^a", r"\<a"] {
            assert!(pattern(source, Purpose::Find).is_err(), "{source}");
        }
        assert!(pattern("a.*b", Purpose::Find).is_ok());
        assert!(pattern("a.*b", Purpose::Count).is_err());
        assert!(pattern("a.b", Purpose::FindWord).is_err());
        assert!(pattern(&"(a|b)".repeat(21), Purpose::Find).is_err());
    }
}

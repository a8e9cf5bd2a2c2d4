//! Keywords as the published code searches for them: as regular expressions.
//!
//! Nearly all are plain texts. Of the others, those are accepted that mean the same to Python and
//! to the `regex` crate and whose matches can be found, or counted, in linear time.

use regex::{Regex, RegexBuilder};

use super::{
    error::{IfevalError, excerpt},
    kind::InstructionKind,
    python::{fold, is_word},
    search::Needle,
};

/// Longer expressions are refused, as are longer matches to be counted.
const LONGEST: usize = 100;

/// What is done with the matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Whether there is one.
    Find,
    /// How many there are.
    Count,
    /// Whether one stands between word boundaries.
    FindWord,
}

/// Something to be found, letter case aside.
#[derive(Debug, Clone)]
pub(super) enum Pattern {
    /// A text, folded.
    Literal(Needle),
    /// A regular expression of folded letters, for folded texts.
    Expression(Box<Regex>),
}

impl Pattern {
    /// Reads a pattern of an instruction; a doubtful one is an error.
    pub(super) fn new(
        kind: InstructionKind,
        source: &str,
        purpose: Purpose,
    ) -> Result<Self, IfevalError> {
        let refuse = |reason: &str| Self::refused(kind, source, reason);
        if source.is_empty() {
            return Err(refuse("expected some text, found none"));
        }
        if is_literal(source) {
            return Ok(Self::Literal(Needle::new(&fold(source))));
        }
        if purpose == Purpose::FindWord {
            return Err(refuse("word boundaries around an expression; write a plain text"));
        }
        expression(&fold(source), purpose).map(Self::Expression).map_err(refuse)
    }

    /// The error that says why not.
    pub(super) fn refused(kind: InstructionKind, source: &str, reason: &str) -> IfevalError {
        IfevalError::PatternRefused {
            id: kind.id(),
            pattern: excerpt(source),
            reason: reason.to_owned(),
        }
    }

    /// Whether a text holds it.
    pub(super) fn occurs(&self, text: &Searched) -> bool {
        match self {
            Self::Literal(needle) => needle.places(&text.folded).next().is_some(),
            Self::Expression(regex) => regex.is_match(&text.folded),
        }
    }

    /// How often a text holds it, without overlap.
    pub(super) fn count(&self, text: &Searched) -> usize {
        match self {
            Self::Literal(needle) => needle.count(&text.folded),
            Self::Expression(regex) => regex.find_iter(&text.folded).count(),
        }
    }

    /// Whether a text holds it between `\b` and `\b`.
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

/// A text to be searched, folded once for all patterns.
pub(super) struct Searched {
    folded: String,
}

impl Searched {
    pub(super) fn new(text: &str) -> Self {
        Self { folded: fold(text) }
    }
}

/// Whether no character of a text means anything in an expression.
pub(super) fn is_literal(source: &str) -> bool {
    !source.contains(['\\', '.', '+', '*', '?', '(', ')', '|', '[', ']', '{', '}', '^', '$'])
}

/// An expression that can be searched for in linear time, or why not.
pub(super) fn expression(source: &str, purpose: Purpose) -> Result<Box<Regex>, &'static str> {
    if source.chars().count() > LONGEST {
        return Err("expected at most 100 characters in an expression");
    }
    portable(source)?;
    let unreadable = "expected a regular expression; escape what is meant literally";
    let hir = regex_syntax::parse(source).map_err(|_| unreadable)?;
    if hir.properties().minimum_len() == Some(0) {
        return Err("it matches the empty text, that is everywhere");
    }
    if purpose == Purpose::Count && hir.properties().maximum_len().is_none_or(|l| l > LONGEST * 4) {
        return Err("its matches have no bounded length, so they cannot be counted in linear time");
    }
    RegexBuilder::new(source).size_limit(1 << 18).build().map(Box::new).map_err(|_| unreadable)
}

/// Refuses what Python reads in another way than the `regex` crate.
fn portable(source: &str) -> Result<(), &'static str> {
    let mut chars = source.chars().peekable();
    let mut repeated = false;
    while let Some(c) = chars.next() {
        let next = chars.peek().copied();
        match c {
            // `\<` and `\>` are borders of words to the `regex` crate.
            '\\' if next.is_none_or(|c| !c.is_ascii_punctuation() || matches!(c, '<' | '>')) => {
                return Err("found a class, an assertion or a reference; only `\\` before a mark");
            }
            '\\' => {
                chars.next();
                repeated = false;
                continue;
            }
            '[' | '{' | '^' | '$' => return Err("found one of `[ { ^ $`; escape it"),
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

    fn pattern(source: &str, purpose: Purpose) -> Result<Pattern, IfevalError> {
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
    fn a_word_stands_between_boundaries_even_where_places_overlap() {
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
    fn expressions_are_read_as_such() {
        let found = pattern("colou?r", Purpose::Count).unwrap();
        assert_eq!(found.count(&Searched::new("Color, colour, colr")), 2);
        let found = pattern("U.S.", Purpose::Count).unwrap();
        assert_eq!(found.count(&Searched::new("u.s. uXsX")), 2);
        // As in Python: a dotless i is an i, and a final sigma a sigma, in texts and in expressions.
        for source in ["in", "i.?n", "İn"] {
            assert!(pattern(source, Purpose::Find).unwrap().occurs(&Searched::new("altın")));
        }
        assert!(pattern("ΟΣ?", Purpose::Find).unwrap().occurs(&Searched::new("οδός, ος")));
    }

    #[test]
    fn what_cannot_be_decided_alike_or_in_time_is_refused() {
        for source in ["", "a**", "C++", "(?:a)", r"\bx", "[ab]", "a{2}", "x?", "(", "^a", r"\<a"] {
            assert!(pattern(source, Purpose::Find).is_err(), "{source}");
        }
        assert!(pattern("a.*b", Purpose::Find).is_ok());
        assert!(pattern("a.*b", Purpose::Count).is_err());
        assert!(pattern("a.b", Purpose::FindWord).is_err());
        assert!(pattern(&"(a|b)".repeat(21), Purpose::Find).is_err());
    }
}

//! Reads a normal text from front to back.

use super::{normal::Normal, number};

/// A position in a text. Copies are cheap, so that a grammar can try and go back.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cursor<'a> {
    normal: &'a Normal,
    rest: &'a str,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(normal: &'a Normal) -> Self {
        Self { normal, rest: &normal.text }
    }

    /// Whether nothing is left.
    pub(super) fn is_done(&self) -> bool {
        self.rest.trim().is_empty()
    }

    /// Consumes the longest of the alternatives that the rest starts with. Latin words end at a word boundary.
    pub(super) fn eat(&mut self, alternatives: &[&str]) -> Option<usize> {
        let rest = self.rest.trim_start();
        let fits = |word: &str| {
            let Some(after) = rest.strip_prefix(word) else { return false };
            let latin = |c: char| c.is_ascii_alphanumeric();
            !(word.ends_with(latin) && after.starts_with(latin))
        };
        let (index, word) = alternatives
            .iter()
            .enumerate()
            .filter(|(_, word)| fits(word))
            .max_by_key(|(_, word)| word.len())?;
        self.rest = &rest[word.len()..];
        Some(index)
    }

    /// Consumes one of the alternatives if there is one.
    pub(super) fn skip(&mut self, alternatives: &[&str]) -> &mut Self {
        let _ = self.eat(alternatives);
        self
    }

    /// Consumes a number.
    pub(super) fn number(&mut self) -> Option<usize> {
        let rest = self.rest.trim_start();
        let (number, len) = number::leading(rest)?;
        self.rest = &rest[len..];
        Some(number)
    }

    /// Consumes a quotation.
    pub(super) fn quotation(&mut self) -> Option<&'a str> {
        let rest = self.rest.trim_start();
        let mark = rest.chars().next()?;
        let quoted = self.normal.quotation(mark)?;
        self.rest = &rest[mark.len_utf8()..];
        Some(quoted)
    }
}

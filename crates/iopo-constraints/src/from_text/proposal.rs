//! A proposed kind with its parameters, and the comparison with the text that it was read from.

use serde_json::{Map, Value};

use super::{normal::Normal, number};
use crate::constraint::Constraint;

/// A kind with parameters that a text seems to state.
#[derive(Debug)]
pub(super) struct Proposal {
    id: &'static str,
    params: Map<String, Value>,
    /// The numbers that the text states.
    numbers: Vec<usize>,
}

impl Proposal {
    /// A kind without parameters.
    pub(super) fn plain(id: &'static str) -> Self {
        Self { id, params: Map::new(), numbers: Vec::new() }
    }

    /// A kind with a number.
    pub(super) fn counted(id: &'static str, n: usize) -> Self {
        Self::plain(id).with_number("n", n)
    }

    /// A kind with a range.
    pub(super) fn range(id: &'static str, low: usize, high: usize) -> Self {
        Self::plain(id).with_number("low", low).with_number("high", high)
    }

    /// Adds a string parameter.
    pub(super) fn with_string(mut self, name: &str, string: &str) -> Self {
        self.params.insert(name.to_owned(), string.into());
        self
    }

    /// Adds a number that the text states.
    pub(super) fn with_number(mut self, name: &str, n: usize) -> Self {
        self.params.insert(name.to_owned(), n.into());
        self.numbers.push(n);
        self
    }

    /// The constraint, if its parameters are in range.
    pub(super) fn constraint(&self) -> Option<Constraint> {
        let params = Value::Object(self.params.clone()).to_string();
        Constraint::from_parts(self.id, &params).ok()
    }

    /// Whether the numbers in digits and the quotations of the text are those of the proposal.
    pub(super) fn is_said_back(&self, normal: &Normal) -> bool {
        let strings: Vec<&str> = self.params.values().filter_map(Value::as_str).collect();
        let quoted = normal.quotations.iter().all(|quoted| strings.contains(&quoted.as_str()));
        quoted
            && digits(&normal.text)
                .is_some_and(|found| found.iter().all(|n| self.numbers.contains(n)))
    }
}

/// All numbers in digits; `None` if one is not a count.
fn digits(text: &str) -> Option<Vec<usize>> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find(|c: char| c.is_ascii_digit()) {
        let (number, len) = number::leading(&rest[at..])?;
        found.push(number);
        rest = &rest[at + len..];
    }
    Some(found)
}

//! Typed access to the keyword arguments of an instruction.

use serde_json::{Map, Value};

use super::{
    error::{IfevalError, excerpt},
    instruction::InstructionKind,
    language,
    python::{lower, strip},
    relation::Relation,
};

/// The arguments of one instruction. Each method reads one argument; [`Params::finish`] rejects those never read.
pub(super) struct Params<'a> {
    kind: InstructionKind,
    kwargs: &'a Map<String, Value>,
    taken: Vec<&'static str>,
}

impl<'a> Params<'a> {
    pub(super) fn new(kind: InstructionKind, kwargs: &'a Map<String, Value>) -> Self {
        Self { kind, kwargs, taken: Vec::new() }
    }

    /// A value that is present and not null. One copy of the dataset fills absent arguments with null.
    fn value(&mut self, name: &'static str) -> Result<&'a Value, IfevalError> {
        self.taken.push(name);
        self.kwargs
            .get(name)
            .filter(|value| !value.is_null())
            .ok_or(IfevalError::MissingParameter { id: self.kind.id(), name })
    }

    fn bad(&self, name: &'static str, expected: &'static str, found: &str) -> IfevalError {
        let found = excerpt(found);
        IfevalError::BadParameter { id: self.kind.id(), name, expected, found }
    }

    /// A whole number that is at least `least`. `3.0` is accepted.
    pub(super) fn count(&mut self, name: &'static str, least: usize) -> Result<usize, IfevalError> {
        let value = self.value(name)?;
        let whole = value.as_u64().or_else(|| {
            let float = value.as_f64()?;
            (float.fract() == 0.0 && (0.0..1e9).contains(&float)).then_some(float as u64)
        });
        let expected = if least == 0 { "a whole number" } else { "a whole number of at least 1" };
        whole
            .and_then(|number| usize::try_from(number).ok())
            .filter(|number| *number >= least)
            .ok_or_else(|| self.bad(name, expected, &value.to_string()))
    }

    /// A whole number from 1 to that of the argument `limit`.
    pub(super) fn count_up_to(
        &mut self,
        name: &'static str,
        limit: &'static str,
    ) -> Result<usize, IfevalError> {
        let (limit, number) = (self.count(limit, 1)?, self.count(name, 1)?);
        if number <= limit {
            return Ok(number);
        }
        Err(self.bad(name, "at most the number of paragraphs", &number.to_string()))
    }

    /// A string that is not blank.
    pub(super) fn text(&mut self, name: &'static str) -> Result<String, IfevalError> {
        let value = self.value(name)?;
        match value.as_str().filter(|text| !text.trim().is_empty()) {
            Some(text) => Ok(text.to_owned()),
            None => Err(self.bad(name, "a string that is not blank", &value.to_string())),
        }
    }

    /// A string without surrounding space.
    pub(super) fn trimmed(&mut self, name: &'static str) -> Result<String, IfevalError> {
        self.text(name).map(|text| strip(&text).to_owned())
    }

    /// A string in lower case.
    pub(super) fn lowered(&mut self, name: &'static str) -> Result<String, IfevalError> {
        self.text(name).map(|text| lower(&text))
    }

    /// At least one string, none of them blank.
    pub(super) fn texts(&mut self, name: &'static str) -> Result<Vec<String>, IfevalError> {
        let value = self.value(name)?;
        let texts = value.as_array().and_then(|items| {
            let text = |item: &Value| item.as_str().map(str::to_owned);
            let filled = |item: &Value| text(item).filter(|text| !text.trim().is_empty());
            items.iter().map(filled).collect::<Option<Vec<_>>>()
        });
        texts.filter(|texts| !texts.is_empty()).ok_or_else(|| {
            self.bad(name, "a list of strings that are not blank", &value.to_string())
        })
    }

    /// The name of a relation.
    pub(super) fn relation(&mut self, name: &'static str) -> Result<Relation, IfevalError> {
        let text = self.text(name)?;
        Relation::from_id(&text).ok_or_else(|| self.bad(name, "`at least` or `less than`", &text))
    }

    /// One character, converted to lower case.
    pub(super) fn letter(&mut self, name: &'static str) -> Result<char, IfevalError> {
        let text = self.text(name)?;
        let lowered = lower(strip(&text));
        let mut chars = lowered.chars();
        match (chars.next(), chars.next()) {
            (Some(letter), None) => Ok(letter),
            _ => Err(self.bad(name, "one letter", &text)),
        }
    }

    /// The code of a language that the detector knows.
    pub(super) fn language(&mut self, name: &'static str) -> Result<String, IfevalError> {
        let text = self.text(name)?;
        if language::is_known(&text) {
            Ok(text)
        } else {
            Err(self.bad(name, "the code of a language that can be detected", &text))
        }
    }

    /// Rejects arguments that no method has read.
    pub(super) fn finish(self) -> Result<(), IfevalError> {
        let foreign = |(name, value): &(&String, &Value)| {
            !value.is_null() && !self.taken.contains(&name.as_str())
        };
        match self.kwargs.iter().find(foreign) {
            None => Ok(()),
            Some((name, _)) => {
                Err(IfevalError::ForeignParameter { id: self.kind.id(), name: excerpt(name) })
            }
        }
    }
}

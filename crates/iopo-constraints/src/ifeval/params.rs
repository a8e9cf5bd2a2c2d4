//! Typed access to the keyword arguments of an instruction.

use serde_json::{Map, Value};

use super::{
    error::{InstructionError, excerpt},
    language,
    python::{lower, strip},
    relation::Relation,
};

/// Numbers are below this. Sums of a number and a count of words cannot overflow.
const BOUND: u64 = 1_000_000_000;

/// The arguments of one instruction. Each method reads one argument; [`Params::finish`] rejects those never read.
pub(crate) struct Params<'a> {
    id: &'static str,
    kwargs: &'a Map<String, Value>,
    taken: Vec<&'static str>,
}

impl<'a> Params<'a> {
    pub(crate) fn new(id: &'static str, kwargs: &'a Map<String, Value>) -> Self {
        Self { id, kwargs, taken: Vec::new() }
    }

    /// A value that is present and not null. One copy of the dataset fills absent arguments with null.
    pub(crate) fn value(&mut self, name: &'static str) -> Result<&'a Value, InstructionError> {
        self.taken.push(name);
        self.kwargs
            .get(name)
            .filter(|value| !value.is_null())
            .ok_or(InstructionError::MissingParameter { id: self.id, name })
    }

    pub(crate) fn bad(
        &self,
        name: &'static str,
        expected: &'static str,
        found: &str,
    ) -> InstructionError {
        let found = excerpt(found);
        InstructionError::BadParameter { id: self.id, name, expected, found }
    }

    /// A whole number that is at least `least` and below a billion. `3.0` is accepted.
    pub(crate) fn count(
        &mut self,
        name: &'static str,
        least: usize,
    ) -> Result<usize, InstructionError> {
        let value = self.value(name)?;
        let whole = value.as_u64().or_else(|| {
            let float = value.as_f64()?;
            (float.fract() == 0.0 && (0.0..BOUND as f64).contains(&float)).then_some(float as u64)
        });
        let expected = if least == 0 {
            "a whole number below 1000000000"
        } else {
            "a whole number of at least 1 and below 1000000000"
        };
        whole
            .filter(|number| *number < BOUND)
            .and_then(|number| usize::try_from(number).ok())
            .filter(|number| *number >= least)
            .ok_or_else(|| self.bad(name, expected, &value.to_string()))
    }

    /// A whole number from 1 to that of the argument `limit`.
    pub(crate) fn count_up_to(
        &mut self,
        name: &'static str,
        limit: &'static str,
    ) -> Result<usize, InstructionError> {
        let (limit, number) = (self.count(limit, 1)?, self.count(name, 1)?);
        if number <= limit {
            return Ok(number);
        }
        Err(self.bad(name, "at most the number of paragraphs", &number.to_string()))
    }

    /// A string that is not blank.
    pub(crate) fn text(&mut self, name: &'static str) -> Result<String, InstructionError> {
        let value = self.value(name)?;
        match value.as_str().filter(|text| !text.trim().is_empty()) {
            Some(text) => Ok(text.to_owned()),
            None => Err(self.bad(name, "a string that is not blank", &value.to_string())),
        }
    }

    /// A string without surrounding space.
    pub(crate) fn trimmed(&mut self, name: &'static str) -> Result<String, InstructionError> {
        self.text(name).map(|text| strip(&text).to_owned())
    }

    /// A string in lower case.
    pub(crate) fn lowered(&mut self, name: &'static str) -> Result<String, InstructionError> {
        self.text(name).map(|text| lower(&text))
    }

    /// At least one string, none of them blank.
    pub(crate) fn texts(&mut self, name: &'static str) -> Result<Vec<String>, InstructionError> {
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
    pub(crate) fn relation(&mut self, name: &'static str) -> Result<Relation, InstructionError> {
        let text = self.text(name)?;
        Relation::from_id(&text).ok_or_else(|| self.bad(name, "`at least` or `less than`", &text))
    }

    /// One character, converted to lower case.
    pub(crate) fn letter(&mut self, name: &'static str) -> Result<char, InstructionError> {
        let text = self.text(name)?;
        let lowered = lower(strip(&text));
        let mut chars = lowered.chars();
        match (chars.next(), chars.next()) {
            (Some(letter), None) => Ok(letter),
            _ => Err(self.bad(name, "one letter", &text)),
        }
    }

    /// The code of a language that the detector knows.
    pub(crate) fn language(&mut self, name: &'static str) -> Result<String, InstructionError> {
        let text = self.text(name)?;
        if language::is_known(&text) {
            Ok(text)
        } else {
            Err(self.bad(name, "the code of a language that can be detected", &text))
        }
    }

    /// Rejects arguments that no method has read.
    pub(crate) fn finish(self) -> Result<(), InstructionError> {
        let foreign = |(name, value): &(&String, &Value)| {
            !value.is_null() && !self.taken.contains(&name.as_str())
        };
        match self.kwargs.iter().find(foreign) {
            None => Ok(()),
            Some((name, _)) => {
                Err(InstructionError::ForeignParameter { id: self.id, name: excerpt(name) })
            }
        }
    }
}

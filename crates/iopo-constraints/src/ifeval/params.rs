//! Typed reading of an instruction's keyword arguments.

use serde_json::{Map, Value};

use super::{
    error::{IfevalError, excerpt},
    instruction::Relation,
    kind::InstructionKind,
};

/// The arguments of one instruction, taken out one by one; what is left over is an error.
pub(super) struct Params<'a> {
    kind: InstructionKind,
    kwargs: &'a Map<String, Value>,
    taken: Vec<&'static str>,
}

impl<'a> Params<'a> {
    pub(super) fn new(kind: InstructionKind, kwargs: &'a Map<String, Value>) -> Self {
        Self { kind, kwargs, taken: Vec::new() }
    }

    /// A value that is there and not null: one copy of the data set fills absent ones with null.
    fn value(&mut self, name: &'static str) -> Result<&'a Value, IfevalError> {
        self.taken.push(name);
        self.kwargs
            .get(name)
            .filter(|value| !value.is_null())
            .ok_or(IfevalError::MissingParameter { id: self.kind.id(), name })
    }

    pub(super) fn bad(
        &self,
        name: &'static str,
        expected: &'static str,
        found: &str,
    ) -> IfevalError {
        let found = excerpt(found);
        IfevalError::BadParameter { id: self.kind.id(), name, expected, found }
    }

    /// A whole number from `least` on; `3.0` is one too.
    pub(super) fn count(&mut self, name: &'static str, least: usize) -> Result<usize, IfevalError> {
        let value = self.value(name)?;
        let whole = value.as_u64().or_else(|| {
            let float = value.as_f64()?;
            (float.fract() == 0.0 && (0.0..1e9).contains(&float)).then_some(float as u64)
        });
        let expected = if least == 0 { "a whole number" } else { "a whole number from 1 on" };
        whole
            .and_then(|number| usize::try_from(number).ok())
            .filter(|number| *number >= least)
            .ok_or_else(|| self.bad(name, expected, &value.to_string()))
    }

    pub(super) fn text(&mut self, name: &'static str) -> Result<String, IfevalError> {
        let value = self.value(name)?;
        match value.as_str().filter(|text| !text.trim().is_empty()) {
            Some(text) => Ok(text.to_owned()),
            None => Err(self.bad(name, "a string that is not blank", &value.to_string())),
        }
    }

    /// Strings, one at least.
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

    pub(super) fn relation(&mut self, name: &'static str) -> Result<Relation, IfevalError> {
        let text = self.text(name)?;
        Relation::from_id(&text).ok_or_else(|| self.bad(name, "`at least` or `less than`", &text))
    }

    /// That nothing is left over.
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

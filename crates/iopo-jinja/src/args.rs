//! The arguments of a call.

use std::sync::Arc;

use crate::error::{Error, Result};
use crate::value::Value;

/// Positional and named arguments.
#[derive(Debug, Clone, Default)]
pub(crate) struct Args {
    pub(crate) positional: Vec<Value>,
    pub(crate) named: Vec<(Arc<str>, Value)>,
}

impl Args {
    pub(crate) fn of(positional: Vec<Value>) -> Self {
        Self { positional, named: Vec::new() }
    }

    /// A measure of the memory that the arguments take, in bytes.
    pub(crate) fn weight(&self) -> usize {
        let named = self.named.iter().map(|(_, value)| value.weight());
        self.positional.iter().map(Value::weight).chain(named).sum()
    }

    /// Removes a named argument.
    pub(crate) fn take(&mut self, name: &str) -> Option<Value> {
        let at = self.named.iter().position(|(own, _)| &**own == name)?;
        Some(self.named.remove(at).1)
    }

    /// Assigns the arguments to parameters. Missing ones are `None`.
    pub(crate) fn bind<const N: usize>(
        self,
        of: &str,
        names: [&str; N],
    ) -> Result<[Option<Value>; N]> {
        let mut bound = [const { None }; N];
        if self.positional.len() > N {
            return Err(Error::of_type(format!(
                "{of}() takes at most {N} arguments ({} given)",
                self.positional.len()
            )));
        }
        for (slot, value) in bound.iter_mut().zip(self.positional) {
            *slot = Some(value);
        }
        for (name, value) in self.named {
            let Some(at) = names.iter().position(|own| *own == &*name) else {
                return Err(Error::of_type(format!(
                    "{of}() got an unexpected keyword argument '{name}'"
                )));
            };
            if bound[at].replace(value).is_some() {
                return Err(Error::of_type(format!(
                    "{of}() got multiple values for argument '{name}'"
                )));
            }
        }
        Ok(bound)
    }

    /// Refuses all arguments.
    pub(crate) fn none(self, of: &str) -> Result<()> {
        let [] = self.bind(of, [])?;
        Ok(())
    }
}

/// A required argument.
pub(crate) fn required(value: Option<Value>, of: &str, name: &str) -> Result<Value> {
    value.ok_or_else(|| {
        Error::of_type(format!("{of}() missing 1 required positional argument: '{name}'"))
    })
}

/// An argument that is not none.
pub(crate) fn given(value: Option<Value>) -> Option<Value> {
    value.filter(|value| !matches!(value, Value::None))
}

/// The truth of a flag that is false by default.
pub(crate) fn flag(value: Option<&Value>) -> bool {
    value.is_some_and(Value::truthy)
}

/// An integer with a default.
pub(crate) fn int_or(value: Option<&Value>, default: i128) -> Result<i128> {
    value.map_or(Ok(default), Value::index)
}

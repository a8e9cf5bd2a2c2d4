//! Python values as JSON.

use std::fmt::Write as _;

use iopo_constraints::listed::ListedError;
use iopo_constraints::strict_json::{self, Fault, Limits};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBool, PyDict, PyFloat, PyInt, PyList, PyString, PyTuple, PyType};
use serde_json::{Map, Number, Value};

use crate::errors;
use crate::text::Text;

/// The levels of nesting that are read.
const MOST_LEVELS: usize = 32;
/// The values that are read from one argument, so that a small object with shared parts cannot fill the memory.
const MOST_VALUES: usize = 100_000;

/// Reads a mapping. Its values that are `None` or `NaN` are left out, because datasets pad keyword arguments with them.
pub(crate) fn object(mapping: &Bound<'_, PyAny>, name: &str) -> PyResult<Map<String, Value>> {
    match value(mapping, name)? {
        Value::Object(mut map) => {
            map.retain(|_, value| !value.is_null());
            Ok(map)
        }
        Value::Null => Ok(Map::new()),
        _ => Err(errors::wrong_type(name, mapping, "a mapping")),
    }
}

/// Reads a value. `name` is its place in an error.
pub(crate) fn value(found: &Bound<'_, PyAny>, name: &str) -> PyResult<Value> {
    Reader { left: MOST_VALUES, place: name.to_owned() }.value(found, 0)
}

/// Whether a value is a mapping.
pub(crate) fn is_mapping(found: &Bound<'_, PyAny>) -> PyResult<bool> {
    static MAPPING: PyOnceLock<Py<PyType>> = PyOnceLock::new();
    if found.is_instance_of::<PyDict>() {
        return Ok(true);
    }
    if found.is_instance_of::<PyList>() || found.is_instance_of::<PyTuple>() {
        return Ok(false);
    }
    // The check runs Python code, in which Ctrl-C is raised. A cast to `PyMapping` would lose it.
    found.is_instance(MAPPING.import(found.py(), "collections.abc", "Mapping")?)
}

/// A reader of arguments that are JSON text, with the limits of Python values.
pub(crate) fn text_reader() -> strict_json::Reader {
    let limits = Limits { levels: MOST_LEVELS, values: MOST_VALUES, ..Limits::NONE };
    strict_json::Reader::new(limits)
}

/// The exception for a row of a dataset that has no constraint. `place` is that of the row.
pub(crate) fn refused(error: &ListedError, place: Option<&str>) -> PyErr {
    match error {
        ListedError::Row(Fault { place, reason, is_type }) => {
            let text = format!("{place}: {reason}");
            if *is_type { PyTypeError::new_err(text) } else { PyValueError::new_err(text) }
        }
        ListedError::Constraint(error) => errors::constraint(error, place),
        other => PyValueError::new_err(other.to_string()),
    }
}

/// A JSON text as a Python value.
pub(crate) fn parsed<'py>(py: Python<'py>, json: &str) -> PyResult<Bound<'py, PyAny>> {
    py.import("json")?.call_method1("loads", (json,))
}

struct Reader {
    left: usize,
    place: String,
}

impl Reader {
    fn value(&mut self, found: &Bound<'_, PyAny>, level: usize) -> PyResult<Value> {
        if level > MOST_LEVELS {
            let found = format!("more than {MOST_LEVELS} levels of nesting");
            return Err(errors::value(&self.place, &found, "fewer"));
        }
        let Some(left) = self.left.checked_sub(1) else {
            let found = format!("more than {MOST_VALUES} values");
            return Err(errors::value(&self.place, &found, "fewer"));
        };
        self.left = left;
        if found.is_none() {
            return Ok(Value::Null);
        }
        if found.is_instance_of::<PyString>() {
            return Ok(Value::String(Text::read(found, &self.place)?.to_owned()));
        }
        if found.is_instance_of::<PyBool>() {
            return Ok(Value::Bool(found.extract()?));
        }
        if found.is_instance_of::<PyInt>() {
            return integer(found, &self.place);
        }
        if found.is_instance_of::<PyFloat>() {
            // `NaN` and infinities become null, as in a JSON file of Python.
            return Ok(Number::from_f64(found.extract()?).map_or(Value::Null, Value::Number));
        }
        if is_mapping(found)? {
            return self.mapping(found, level);
        }
        if found.is_instance_of::<PyList>() || found.is_instance_of::<PyTuple>() {
            return self.list(found, level);
        }
        // Arrays and scalars of NumPy.
        if found.hasattr("tolist")? {
            return self.value(&found.call_method0("tolist")?, level + 1);
        }
        Err(errors::wrong_type(&self.place, found, "a value that JSON has"))
    }

    fn list(&mut self, found: &Bound<'_, PyAny>, level: usize) -> PyResult<Value> {
        let (mut items, end) = (Vec::new(), self.place.len());
        for item in found.try_iter()? {
            // Writing to a string does not fail.
            let _ = write!(self.place, "[{}]", items.len());
            items.push(self.value(&item?, level + 1)?);
            self.place.truncate(end);
        }
        Ok(Value::Array(items))
    }

    fn mapping(&mut self, found: &Bound<'_, PyAny>, level: usize) -> PyResult<Value> {
        let (mut map, end) = (Map::new(), self.place.len());
        for pair in found.call_method0("items")?.try_iter()? {
            let (key, value): (Bound<'_, PyAny>, Bound<'_, PyAny>) = pair?.extract()?;
            let Ok(key) = Text::read(&key, "") else {
                let name = format!("a key of {}", self.place);
                return Err(errors::wrong_type(&name, &key, "str"));
            };
            self.place = strict_json::key_of(&self.place, &key);
            let value = self.value(&value, level + 1)?;
            self.place.truncate(end);
            map.insert(key.to_owned(), value);
        }
        Ok(Value::Object(map))
    }
}

/// An integer, as a float where it has more than 64 bits, as a JSON parser reads it.
fn integer(found: &Bound<'_, PyAny>, place: &str) -> PyResult<Value> {
    if let Ok(small) = found.extract::<i64>() {
        return Ok(small.into());
    }
    if let Ok(large) = found.extract::<u64>() {
        return Ok(large.into());
    }
    let float = found.py().get_type::<PyFloat>().call1((found,)).and_then(|float| float.extract());
    let float = float.ok().and_then(Number::from_f64).map(Value::Number);
    float.ok_or_else(|| {
        let found = "an integer that no float can hold";
        errors::value(place, found, "a number of at most 308 digits")
    })
}

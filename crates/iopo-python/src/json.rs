//! Python values as JSON.

use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyFloat, PyInt, PyList, PyMapping, PyString, PyTuple};
use serde_json::{Map, Number, Value};

use crate::errors;
use crate::text::Text;

/// The levels of nesting that are read.
const MOST_LEVELS: usize = 32;
/// The values that are read from one argument, so that a small object with shared parts cannot fill the memory.
const MOST_VALUES: usize = 100_000;

/// Reads a mapping. Its values that are `None` or `NaN` are left out, because datasets pad keyword arguments with them.
pub(crate) fn object(mapping: &Bound<'_, PyAny>, name: &str) -> PyResult<Map<String, Value>> {
    let mut reader = Reader { left: MOST_VALUES };
    match reader.value(mapping, name, 0)? {
        Value::Object(mut map) => {
            map.retain(|_, value| !value.is_null());
            Ok(map)
        }
        Value::Null => Ok(Map::new()),
        _ => Err(errors::wrong_type(name, mapping, "a mapping")),
    }
}

/// A JSON text as a Python value.
pub(crate) fn parsed<'py>(py: Python<'py>, json: &str) -> PyResult<Bound<'py, PyAny>> {
    py.import("json")?.call_method1("loads", (json,))
}

struct Reader {
    left: usize,
}

impl Reader {
    fn value(&mut self, found: &Bound<'_, PyAny>, name: &str, level: usize) -> PyResult<Value> {
        if level > MOST_LEVELS {
            let found = format!("more than {MOST_LEVELS} levels of nesting");
            return Err(errors::value(name, &found, "fewer"));
        }
        let Some(left) = self.left.checked_sub(1) else {
            return Err(errors::value(name, &format!("more than {MOST_VALUES} values"), "fewer"));
        };
        self.left = left;
        if found.is_none() {
            return Ok(Value::Null);
        }
        if found.is_instance_of::<PyString>() {
            return Ok(Value::String(Text::read(found, name)?.to_owned()));
        }
        if found.is_instance_of::<PyBool>() {
            return Ok(Value::Bool(found.extract()?));
        }
        if found.is_instance_of::<PyInt>() {
            return integer(found);
        }
        if found.is_instance_of::<PyFloat>() {
            // `NaN` and infinities become null, as in a JSON file of Python.
            return Ok(Number::from_f64(found.extract()?).map_or(Value::Null, Value::Number));
        }
        if found.is_instance_of::<PyDict>() || found.cast::<PyMapping>().is_ok() {
            return self.mapping(found, name, level);
        }
        if found.is_instance_of::<PyList>() || found.is_instance_of::<PyTuple>() {
            let items = found.try_iter()?.map(|item| self.value(&item?, name, level + 1));
            return Ok(Value::Array(items.collect::<PyResult<_>>()?));
        }
        // Arrays and scalars of NumPy.
        if found.hasattr("tolist")? {
            return self.value(&found.call_method0("tolist")?, name, level + 1);
        }
        Err(errors::wrong_type(name, found, "a value that JSON has"))
    }

    fn mapping(&mut self, found: &Bound<'_, PyAny>, name: &str, level: usize) -> PyResult<Value> {
        let mut map = Map::new();
        for pair in found.call_method0("items")?.try_iter()? {
            let (key, value): (Bound<'_, PyAny>, Bound<'_, PyAny>) = pair?.extract()?;
            let key = Text::read(&key, &format!("a key of {name}"))?;
            let value = self.value(&value, &format!("{name}[{:?}]", &*key), level + 1)?;
            map.insert(key.to_owned(), value);
        }
        Ok(Value::Object(map))
    }
}

/// An integer, as a float where it has more than 64 bits, as a JSON parser reads it.
fn integer(found: &Bound<'_, PyAny>) -> PyResult<Value> {
    if let Ok(small) = found.extract::<i64>() {
        return Ok(small.into());
    }
    if let Ok(large) = found.extract::<u64>() {
        return Ok(large.into());
    }
    let float = found.py().get_type::<PyFloat>().call1((found,))?.extract()?;
    Ok(Number::from_f64(float).map_or(Value::Null, Value::Number))
}

//! Python strings and sequences.

use std::ops::Deref;

use pyo3::exceptions::{PyTypeError, PyUnicodeEncodeError};
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedStr;
use pyo3::types::{PyByteArray, PyBytes, PyFrozenSet, PySet, PyString};

use crate::{errors, json};

/// The text of a Python string, shared with Python where possible.
///
/// A Python string can contain unpaired surrogates, which no other text can. They become U+FFFD, and pairs of them one
/// character, as when iopo reads the string from a JSON file.
pub(crate) enum Text {
    /// The string's own text.
    Shared(PyBackedStr),
    /// The text of a string with surrogates.
    Converted(String),
}

impl Deref for Text {
    type Target = str;

    fn deref(&self) -> &str {
        match self {
            Self::Shared(text) => text,
            Self::Converted(text) => text,
        }
    }
}

impl Text {
    /// Reads a string. `name` is its place in an error.
    pub(crate) fn read(object: &Bound<'_, PyAny>, name: &str) -> PyResult<Self> {
        let Ok(string) = object.cast::<PyString>() else {
            return Err(errors::wrong_type(name, object, "str"));
        };
        match PyBackedStr::try_from(string.clone()) {
            Ok(text) => Ok(Self::Shared(text)),
            Err(error) if error.is_instance_of::<PyUnicodeEncodeError>(object.py()) => {
                // `str.encode` itself, not a method of a subclass.
                let encode = object.py().get_type::<PyString>().getattr("encode")?;
                let bytes = encode.call1((string, "utf-16-le", "surrogatepass"))?;
                let bytes = bytes.cast_into::<PyBytes>()?;
                let units = bytes.as_bytes().chunks_exact(2);
                let units: Vec<u16> =
                    units.map(|unit| u16::from_le_bytes([unit[0], unit[1]])).collect();
                Ok(Self::Converted(String::from_utf16_lossy(&units)))
            }
            Err(error) => Err(error),
        }
    }
}

impl FromPyObject<'_, '_> for Text {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
        // PyO3 puts the name of the argument before the text of a `TypeError`.
        if object.is_instance_of::<PyString>() {
            return Self::read(&object, "the argument");
        }
        Err(PyTypeError::new_err(format!("found {}, expected str", errors::type_name(&object))))
    }
}

/// The elements of a list, tuple, array or other ordered collection. `name` is its place in an error.
///
/// A string is refused although it is a sequence of strings, and so is everything without a length or an order.
pub(crate) fn items<'py>(
    object: &Bound<'py, PyAny>,
    name: &str,
) -> PyResult<Vec<Bound<'py, PyAny>>> {
    let text = object.is_instance_of::<PyString>()
        || object.is_instance_of::<PyBytes>()
        || object.is_instance_of::<PyByteArray>();
    let unordered = object.is_instance_of::<PySet>()
        || object.is_instance_of::<PyFrozenSet>()
        || json::is_mapping(object)?;
    if text || unordered || object.len().is_err() {
        return Err(errors::wrong_type(name, object, "a sequence"));
    }
    object.try_iter()?.collect()
}

/// A sequence of strings.
pub(crate) fn texts(object: &Bound<'_, PyAny>, name: &str) -> PyResult<Vec<Text>> {
    let read = |(at, item)| Text::read(&item, &format!("{name}[{at}]"));
    // The place is only formatted for an item that is no string.
    let items = items(object, name)?;
    let quick = |item: &Bound<'_, PyAny>| Text::read(item, name);
    if items.iter().all(PyAnyMethods::is_instance_of::<PyString>) {
        return items.iter().map(quick).collect();
    }
    items.into_iter().enumerate().map(read).collect()
}

/// Checks that two sequences have the same length.
pub(crate) fn same_length(name: &str, found: usize, other: &str, expected: usize) -> PyResult<()> {
    if found == expected {
        return Ok(());
    }
    Err(errors::value(
        name,
        &format!("{found} items"),
        &format!("{expected}, as many as `{other}`"),
    ))
}

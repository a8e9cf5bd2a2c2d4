//! Integers that a caller passes.

use pyo3::prelude::*;
use pyo3::types::PyInt;

use crate::errors;

/// The most threads of a call.
pub(crate) const MOST_THREADS: usize = 256;

/// A number of threads.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Threads(pub(crate) usize);

/// The number of a sentence that expresses a constraint.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Phrasing(pub(crate) usize);

impl FromPyObject<'_, '_> for Threads {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
        let most = MOST_THREADS as u64;
        Ok(Self(integer(&object, "threads", 1, most, &format!("a number from 1 to {most}"))?))
    }
}

impl FromPyObject<'_, '_> for Phrasing {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
        Ok(Self(integer(&object, "phrasing", 0, u64::MAX, "a number from 0 to 2**64 - 1")?))
    }
}

/// Reads an integer between two bounds, both included.
fn integer(
    object: &Bound<'_, PyAny>,
    name: &str,
    least: u64,
    most: u64,
    expected: &str,
) -> PyResult<usize> {
    let integer = if object.is_instance_of::<PyInt>() {
        object.clone()
    } else if object.hasattr("__index__")? {
        // An integer of NumPy.
        object.call_method0("__index__")?
    } else {
        return Err(errors::wrong_type(name, object, "int"));
    };
    let read = integer.extract::<u64>().ok().filter(|number| (least..=most).contains(number));
    read.and_then(|number| usize::try_from(number).ok()).ok_or_else(|| {
        // Python refuses to print very long numbers.
        let shown = integer.str().map_or("a large number".to_owned(), |text| {
            let text = text.to_string_lossy();
            let start: String = text.chars().take(20).collect();
            if start.len() < text.len() { start + "…" } else { start }
        });
        errors::value(name, &shown, expected)
    })
}

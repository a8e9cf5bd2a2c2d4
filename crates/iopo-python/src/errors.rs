//! Python exceptions with the text that the command line prints.

use std::error::Error;

use iopo_constraints::{ConstraintError, ifeval::InstructionError};
use iopo_schema::SchemaError;
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;

mod python {
    pyo3::import_exception!(iopo.errors, ConstraintError);
    pyo3::import_exception!(iopo.errors, InstructionError);
    pyo3::import_exception!(iopo.errors, SchemaError);
    pyo3::import_exception!(iopo.errors, InternalError);
}

/// Formats an error and its causes, one per line, as the command line does.
fn message(error: &dyn Error) -> String {
    let mut last = error.to_string();
    let mut text = last.clone();
    let mut next = error.source();
    while let Some(cause) = next {
        let line = cause.to_string();
        if !last.contains(&line) {
            text.push_str("\n  caused by: ");
            text.push_str(&line.replace('\n', "\n    "));
        }
        last = line;
        next = cause.source();
    }
    text
}

/// The exception for a constraint that cannot be created. `place` says which one, for instance `constraints[3][0]`.
pub(crate) fn constraint(error: &ConstraintError, place: Option<&str>) -> PyErr {
    let message = message(error);
    let message = place.map_or(message.clone(), |place| format!("{place}: {message}"));
    python::ConstraintError::new_err((message, error.hint()))
}

/// The exception for an instruction that cannot be checked. `place` says which one, for instance `row 3`.
pub(crate) fn instruction(error: &InstructionError, place: Option<&str>) -> PyErr {
    let message = message(error);
    let message = place.map_or(message.clone(), |place| format!("{place}: {message}"));
    python::InstructionError::new_err((message, error.hint()))
}

/// The exception for a file that cannot be read.
pub(crate) fn schema(error: &SchemaError) -> PyErr {
    python::SchemaError::new_err((message(error), error.hint()))
}

/// The exception for a file of the operating system that cannot be read, with a remedy.
pub(crate) fn file(what: String, hint: Option<&str>) -> PyErr {
    python::SchemaError::new_err((what, hint.map(str::to_owned)))
}

/// The exception for a panic of a library.
pub(crate) fn internal(panic: &(dyn std::any::Any + Send)) -> PyErr {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
    let text = format!("internal error: {}", text.as_deref().unwrap_or("unknown panic"));
    python::InternalError::new_err((text, Some("please report this as a bug".to_owned())))
}

/// A `ValueError`: what was found and expected.
pub(crate) fn value(name: &str, found: &str, expected: &str) -> PyErr {
    PyValueError::new_err(format!("{name}: found {found}, expected {expected}"))
}

/// A `TypeError`: the type that was found, and what was expected.
pub(crate) fn wrong_type(name: &str, found: &Bound<'_, PyAny>, expected: &str) -> PyErr {
    PyTypeError::new_err(format!("{name}: found {}, expected {expected}", type_name(found)))
}

/// The name of a value's type.
pub(crate) fn type_name(found: &Bound<'_, PyAny>) -> String {
    let name = found.get_type().name();
    name.map_or("another type".to_owned(), |name| name.to_string_lossy().into_owned())
}

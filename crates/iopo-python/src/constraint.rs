//! `Constraint`, `Kind` and `Verdict`.

use iopo_constraints as library;
use iopo_constraints::listed;
use pyo3::prelude::*;
use pyo3::types::PyType;
use serde_json::Value;

use crate::number::{Phrasing, Threads};
use crate::text::{self, Text};
use crate::{batch, errors, json};

/// A constraint that code can check: a kind with its parameters.
#[pyclass(frozen, eq, hash, ord, module = "iopo")]
#[derive(PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Constraint {
    pub(crate) inner: library::Constraint,
}

/// Whether a response satisfies a constraint, and why.
#[pyclass(frozen, eq, hash, module = "iopo", get_all)]
#[derive(PartialEq, Eq, Hash)]
pub(crate) struct Verdict {
    /// Whether the response satisfies the constraint.
    satisfied: bool,
    /// The counts that were found and required, as text for a reader.
    evidence: String,
}

impl From<library::Verdict> for Verdict {
    fn from(verdict: library::Verdict) -> Self {
        Self { satisfied: verdict.satisfied, evidence: verdict.evidence }
    }
}

#[pymethods]
impl Verdict {
    fn __bool__(&self) -> bool {
        self.satisfied
    }

    fn __repr__(&self) -> String {
        let satisfied = if self.satisfied { "True" } else { "False" };
        format!("Verdict(satisfied={satisfied}, evidence={:?})", self.evidence)
    }
}

#[pymethods]
impl Constraint {
    /// Creates a constraint from the id of its kind and its parameters: a mapping, or a JSON object as text.
    ///
    /// Parameters that are `None` count as absent, and whole floats are integers. Raises `ConstraintError` for an unknown kind and for parameters that are
    /// missing, unknown, of the wrong type or out of range.
    #[new]
    #[pyo3(signature = (kind, params = None))]
    fn new(kind: &Bound<'_, PyAny>, params: Option<&Bound<'_, PyAny>>) -> PyResult<Self> {
        let kind = Text::read(kind, "kind")?;
        let params = match params {
            None => Value::Null,
            Some(params) => match Text::read(params, "params") {
                Ok(text) => Value::String(text.to_owned()),
                Err(_) => Value::Object(json::object(params, "params")?),
            },
        };
        let made = listed::with_params(&kind, params, "params", &mut json::text_reader());
        Ok(Self { inner: made.map_err(|error| json::refused(&error, None))? })
    }

    /// Maps an English or Chinese sentence to the constraint that it states; `None` if code cannot decide all of it.
    #[classmethod]
    fn from_text(_class: &Bound<'_, PyType>, py: Python<'_>, text: Text) -> PyResult<Option<Self>> {
        let found = batch::released(py, || library::from_text(&text))?;
        Ok(found.map(|inner| Self { inner }))
    }

    /// The kind.
    #[getter]
    fn kind(&self) -> Kind {
        Kind { inner: self.inner.kind() }
    }

    /// The kind, and those of the parts of an `all_of`.
    #[getter]
    fn kinds(&self) -> Vec<Kind> {
        self.inner.kinds().map(|inner| Kind { inner }).collect()
    }

    /// The constraints of which the constraint consists: itself, or those of an `all_of`.
    #[getter]
    fn parts(&self) -> Vec<Self> {
        self.inner.parts().iter().map(|inner| Self { inner: inner.clone() }).collect()
    }

    /// The parameters.
    #[getter]
    fn params<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        json::parsed(py, &self.inner.params_json())
    }

    /// The number of English sentences that express the constraint.
    #[getter]
    fn phrasings(&self) -> usize {
        self.inner.phrasings()
    }

    /// Renders the constraint as an English sentence. `phrasing` selects one of `phrasings` and wraps around.
    #[pyo3(signature = (phrasing = Phrasing(0)), text_signature = "($self, phrasing=0)")]
    fn render(&self, phrasing: Phrasing) -> String {
        self.inner.render(phrasing.0)
    }

    /// Renders the constraint as a Chinese sentence; `None` if its kind has none. `phrasing` wraps around.
    #[pyo3(signature = (phrasing = Phrasing(0)), text_signature = "($self, phrasing=0)")]
    fn render_chinese(&self, phrasing: Phrasing) -> Option<String> {
        self.inner.render_chinese(phrasing.0)
    }

    /// Checks a response. A blank response satisfies no constraint.
    fn check(&self, py: Python<'_>, response: Text) -> PyResult<Verdict> {
        batch::released(py, || self.inner.check(&response).into())
    }

    /// Checks many responses, without the GIL. `threads` is 1 to 256; by default, one per core.
    #[pyo3(signature = (responses, *, threads = None))]
    fn check_all(
        &self,
        responses: &Bound<'_, PyAny>,
        threads: Option<Threads>,
    ) -> PyResult<Vec<Verdict>> {
        let texts = text::texts(responses, "responses")?;
        let check = |text: &Text| self.inner.check(text).into();
        batch::map(responses.py(), &texts, batch::threads(threads), check)
    }

    /// Edits a response so that it passes the check; `None` if no edit keeps the text natural.
    fn edit(&self, py: Python<'_>, response: Text) -> PyResult<Option<String>> {
        batch::released(py, || self.inner.edit(&response))
    }

    /// Constraints that a person might ask for instead. No response satisfies this constraint and one of them.
    fn revisions(&self) -> Vec<Self> {
        self.inner.revisions().into_iter().map(|inner| Self { inner }).collect()
    }

    /// Whether no response can satisfy both constraints. `True` is certain; `False` proves nothing.
    fn excludes(&self, other: &Self) -> bool {
        self.inner.excludes(&other.inner)
    }

    /// Whether the two constraints do not belong in the same instruction.
    fn conflicts_with(&self, other: &Self) -> bool {
        self.inner.conflicts_with(&other.inner)
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let params = self.params(py)?.repr()?;
        let kind = self.inner.kind().id();
        Ok(format!("Constraint({kind:?}, {})", params.to_string_lossy()))
    }

    fn __getnewargs__(&self) -> (&'static str, String) {
        (self.inner.kind().id(), self.inner.params_json())
    }
}

/// A kind of constraints, without parameters.
#[pyclass(frozen, eq, hash, ord, module = "iopo")]
#[derive(PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Kind {
    inner: library::Kind,
}

#[pymethods]
impl Kind {
    /// Returns the kind with this id. Raises `ConstraintError` if there is none.
    #[new]
    fn new(id: &Bound<'_, PyAny>) -> PyResult<Self> {
        let found = library::Kind::from_id(&Text::read(id, "id")?);
        Ok(Self { inner: found.map_err(|error| errors::constraint(&error, None))? })
    }

    /// The name in files, such as `max_words`.
    #[getter]
    fn id(&self) -> &'static str {
        self.inner.id()
    }

    /// The type in the taxonomy of the IOPO paper: content, situation, style, format or example.
    #[getter]
    fn constraint_type(&self) -> &'static str {
        self.inner.constraint_type().english()
    }

    /// The dimension in the taxonomy of the IOPO paper, such as `numerical`.
    #[getter]
    fn dimension(&self) -> &'static str {
        self.inner.dimension().english()
    }

    /// The ids of the IFEval instruction types that ask for the same thing.
    #[getter]
    fn ifeval(&self) -> Vec<&'static str> {
        self.inner.ifeval().iter().map(|kind| kind.id()).collect()
    }

    /// The constraints of this kind that a response satisfies: at most 6, the tightest first.
    fn back_translate(&self, py: Python<'_>, response: Text) -> PyResult<Vec<Constraint>> {
        let found = batch::released(py, || self.inner.back_translate(&response))?;
        Ok(found.into_iter().map(|inner| Constraint { inner }).collect())
    }

    fn __str__(&self) -> &'static str {
        self.inner.id()
    }

    fn __repr__(&self) -> String {
        format!("Kind({:?})", self.inner.id())
    }

    fn __getnewargs__(&self) -> (&'static str,) {
        (self.inner.id(),)
    }
}

/// Reads a constraint as a dataset lists it: a `Constraint`, or a mapping with `id` and `params`, or with `check`.
///
/// Returns `None` for a constraint that only a judge can decide. `place` is its name in an error.
#[pyfunction]
pub(crate) fn listed_constraint(
    item: &Bound<'_, PyAny>,
    place: &str,
) -> PyResult<Option<Constraint>> {
    if let Ok(constraint) = item.cast::<Constraint>() {
        return Ok(Some(Constraint { inner: constraint.get().inner.clone() }));
    }
    if !json::is_mapping(item)? {
        return Err(errors::wrong_type(place, item, "a Constraint or a mapping"));
    }
    let row = json::value(item, place)?;
    let read = listed::constraint(row, place, &mut json::text_reader());
    let read = read.map_err(|error| json::refused(&error, Some(place)))?;
    Ok(read.map(|inner| Constraint { inner }))
}

/// Every kind of constraints, in a stable order.
#[pyfunction]
pub(crate) fn kinds() -> Vec<Kind> {
    library::Kind::ALL.iter().map(|inner| Kind { inner: *inner }).collect()
}

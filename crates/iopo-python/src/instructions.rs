//! `Instructions`: the instructions of a prompt of IFEval or IFBench, prepared for checking.

use std::path::PathBuf;

use iopo_constraints::benchmark::{Benchmark, Checker};
use iopo_constraints::ifeval::{InstructionError, Mode, Response};
use iopo_constraints::{ifbench, ifeval};
use iopo_core::files;
use pyo3::prelude::*;
use pyo3::types::PyType;
use serde_json::{Map, Value};

use crate::number::Threads;
use crate::text::{self, Text, items, same_length};
use crate::{batch, errors, json};

/// Reads the name of the benchmark whose instructions are looked up; `None` means both.
pub(crate) fn benchmark(name: Option<&str>) -> PyResult<Option<Benchmark>> {
    match name {
        None => Ok(None),
        Some("ifeval") => Ok(Some(Benchmark::Ifeval)),
        Some("ifbench") => Ok(Some(Benchmark::Ifbench)),
        Some(other) => {
            let expected = "\"ifeval\", \"ifbench\" or None";
            Err(errors::value("benchmark", &format!("{other:?}"), expected))
        }
    }
}

/// Reads the name of a mode.
pub(crate) fn mode(name: &str) -> PyResult<Mode> {
    let found = Mode::ALL.into_iter().find(|mode| mode.id() == name);
    found.ok_or_else(|| errors::value("mode", &format!("{name:?}"), "\"paper\" or \"repaired\""))
}

/// Reads the keyword arguments of `count` instructions.
pub(crate) fn kwargs_of(
    object: &Bound<'_, PyAny>,
    name: &str,
    count: usize,
) -> PyResult<Vec<Map<String, Value>>> {
    let all = items(object, name)?;
    same_length(name, all.len(), "instruction_id_list", count)?;
    let read = |(at, one)| json::object(&one, &format!("{name}[{at}]"));
    all.into_iter().enumerate().map(read).collect()
}

/// The instructions of a prompt and how they are checked, before their preparation.
#[derive(Clone, Copy)]
pub(crate) struct Rules<'a> {
    pub(crate) benchmark: Option<Benchmark>,
    pub(crate) mode: Mode,
    pub(crate) tagger: Option<&'a ifbench::Tagger>,
    pub(crate) skip_unsupported: bool,
}

/// Instructions with their checks; `None` for an instruction that is skipped.
pub(crate) struct Prepared(Vec<Option<Checker>>);

impl Prepared {
    pub(crate) fn new(
        rules: Rules<'_>,
        ids: &[String],
        kwargs: &[Map<String, Value>],
    ) -> Result<Self, InstructionError> {
        let Rules { benchmark, mode, tagger, skip_unsupported } = rules;
        let prepare = |(id, kwargs): (&String, &Map<String, Value>)| match Checker::new(
            benchmark, id, kwargs, mode, tagger,
        ) {
            Ok(check) => Ok(Some(check)),
            Err(
                InstructionError::UnknownInstruction { .. } | InstructionError::MissingTable { .. },
            ) if skip_unsupported => Ok(None),
            Err(error) => Err(error),
        };
        Ok(Self(ids.iter().zip(kwargs).map(prepare).collect::<Result<_, _>>()?))
    }

    pub(crate) fn verdicts(&self, response: &Response<'_>) -> Vec<Option<InstructionVerdict>> {
        let verdict = |check: &Checker| check.verdict(response).into();
        self.0.iter().map(|check| check.as_ref().map(verdict)).collect()
    }
}

/// Whether a response follows an instruction, strictly and loosely.
#[pyclass(frozen, eq, hash, module = "iopo", get_all)]
#[derive(PartialEq, Eq, Hash)]
pub(crate) struct InstructionVerdict {
    /// Whether the response itself follows the instruction.
    strict: bool,
    /// Whether the response or one of its loose variants follows the instruction.
    loose: bool,
    /// The first of the 8 variants that follows the instruction, from 0 (the response itself); `None` if none does.
    loose_variant: Option<usize>,
}

impl From<ifeval::InstructionVerdict> for InstructionVerdict {
    fn from(verdict: ifeval::InstructionVerdict) -> Self {
        let ifeval::InstructionVerdict { strict, loose, loose_variant, .. } = verdict;
        Self { strict, loose, loose_variant }
    }
}

#[pymethods]
impl InstructionVerdict {
    fn __repr__(&self) -> String {
        let name = |value| if value { "True" } else { "False" };
        let variant = self.loose_variant.map_or("None".to_owned(), |at| at.to_string());
        let (strict, loose) = (name(self.strict), name(self.loose));
        format!("InstructionVerdict(strict={strict}, loose={loose}, loose_variant={variant})")
    }
}

/// The instructions of a prompt of IFEval or IFBench, prepared for checking many responses.
///
/// `kwargs` has one mapping per instruction; arguments that are `None` count as absent. `benchmark` is `ifeval`, `ifbench`, or `None`
/// for both; `mode` is `paper` or `repaired`. `words:start_verb` needs a tagger.
///
/// Raises `InstructionError` for an instruction that cannot be checked. With `skip_unsupported`, an unknown instruction and one
/// without its tagger has the verdict `None`.
#[pyclass(frozen, module = "iopo")]
pub(crate) struct Instructions {
    ids: Vec<String>,
    prepared: Prepared,
    mode: Mode,
}

#[pymethods]
impl Instructions {
    #[new]
    #[pyo3(signature = (
        ids, kwargs, *, benchmark = None, mode = "paper", tagger = None, skip_unsupported = false
    ))]
    fn new(
        ids: &Bound<'_, PyAny>,
        kwargs: &Bound<'_, PyAny>,
        benchmark: Option<&str>,
        mode: &str,
        tagger: Option<&Tagger>,
        skip_unsupported: bool,
    ) -> PyResult<Self> {
        let (benchmark, mode) = (self::benchmark(benchmark)?, self::mode(mode)?);
        let names: Vec<String> =
            text::texts(ids, "ids")?.iter().map(|text| (**text).to_owned()).collect();
        let kwargs = kwargs_of(kwargs, "kwargs", names.len())?;
        let tagger = tagger.map(|tagger| &tagger.inner);
        let rules = Rules { benchmark, mode, tagger, skip_unsupported };
        let result = batch::released(ids.py(), || Prepared::new(rules, &names, &kwargs))?;
        let prepared = result.map_err(|error| errors::instruction(&error, None))?;
        Ok(Self { ids: names, prepared, mode })
    }

    /// The ids of the instructions.
    #[getter]
    fn ids(&self) -> Vec<&str> {
        self.ids.iter().map(String::as_str).collect()
    }

    /// The rules that decide: `paper` or `repaired`.
    #[getter]
    fn mode(&self) -> &'static str {
        self.mode.id()
    }

    /// Checks a response. Returns one verdict per instruction.
    fn check(&self, py: Python<'_>, response: Text) -> PyResult<Vec<Option<InstructionVerdict>>> {
        batch::released(py, || self.prepared.verdicts(&Response::new(&response)))
    }

    /// Checks many responses, without the GIL. `threads` is 1 to 256; by default, one per core.
    #[pyo3(signature = (responses, *, threads = None))]
    fn check_all(
        &self,
        responses: &Bound<'_, PyAny>,
        threads: Option<Threads>,
    ) -> PyResult<Vec<Vec<Option<InstructionVerdict>>>> {
        let texts = text::texts(responses, "responses")?;
        batch::map(responses.py(), &texts, batch::threads(threads), |text| {
            self.prepared.verdicts(&Response::new(text))
        })
    }

    fn __len__(&self) -> usize {
        self.ids.len()
    }

    fn __repr__(&self) -> String {
        format!("Instructions({:?}, mode={:?})", self.ids, self.mode.id())
    }
}

/// The ids of a benchmark's instruction types, `ifeval` or `ifbench`.
#[pyfunction]
pub(crate) fn instruction_ids(benchmark: &str) -> PyResult<Vec<&'static str>> {
    Ok(match self::benchmark(Some(benchmark))? {
        Some(Benchmark::Ifeval) => {
            ifeval::InstructionKind::ALL.iter().map(|kind| kind.id()).collect()
        }
        _ => ifbench::InstructionKind::ALL.iter().map(|kind| kind.id()).collect(),
    })
}

/// The table of the part-of-speech tagger, which `words:start_verb` needs.
///
/// `cargo xtask tagger` in a clone of the repository writes it, because the tagger's weights have no license.
#[pyclass(frozen, module = "iopo")]
pub(crate) struct Tagger {
    pub(crate) inner: ifbench::Tagger,
}

#[pymethods]
impl Tagger {
    /// Reads a table from its text.
    #[new]
    fn new(py: Python<'_>, table: Text) -> PyResult<Self> {
        let made = batch::released(py, || ifbench::Tagger::parse(&table))?;
        Ok(Self { inner: made.map_err(|error| errors::instruction(&error, None))? })
    }

    /// Reads a table from a file; by default, from iopo's cache, where `cargo xtask tagger` writes it.
    #[classmethod]
    #[pyo3(signature = (path = None))]
    fn load(_class: &Bound<'_, PyType>, py: Python<'_>, path: Option<PathBuf>) -> PyResult<Self> {
        const HINT: &str = "make the table with `cargo xtask tagger` in a clone of the repository";
        let Some(path) = path.or_else(in_cache) else {
            return Err(errors::file("no cache directory".to_owned(), Some("pass a path")));
        };
        let text = batch::released(py, || files::read_to_string(&path))?;
        let text = text.map_err(|error| {
            let hint = files::hint(&error).unwrap_or(HINT);
            errors::file(format!("{}: failed to read: {error}", path.display()), Some(hint))
        })?;
        let made = batch::released(py, || ifbench::Tagger::parse(&text))?;
        Ok(Self { inner: made.map_err(|error| errors::instruction(&error, None))? })
    }

    #[expect(clippy::unused_self, reason = "a method of Python")]
    fn __repr__(&self) -> &'static str {
        "Tagger(...)"
    }
}

/// The path of the table in iopo's cache.
fn in_cache() -> Option<PathBuf> {
    let var = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let cache = var("IOPO_CACHE")
        .or_else(|| var("XDG_CACHE_HOME").map(|dir| dir.join("iopo")))
        .or_else(|| {
            var("HOME").or_else(|| var("USERPROFILE")).map(|dir| dir.join(".cache").join("iopo"))
        })?;
    Some(cache.join("ifbench").join("tagger.tsv"))
}

//! Functions over several constraints and batches of responses.

use std::collections::HashMap;

use iopo_constraints as library;
use iopo_constraints::CountedResponse;
use iopo_constraints::ifeval::Response;
use pyo3::prelude::*;
use serde_json::{Map, Value};

use crate::constraint::{Constraint, Verdict};
use crate::instructions::{Benchmark, InstructionVerdict, Prepared, Tagger, kwargs_of, mode};
use crate::text::{Text, items, same_length, texts};
use crate::{batch, errors};

/// The most constraints that `satisfy` edits for.
const MOST_EDITS: usize = 64;

/// A response with its constraints.
type Row = (Text, Vec<library::Constraint>);

/// Reads constraints. `name` is their place in an error.
fn constraints(object: &Bound<'_, PyAny>, name: &str) -> PyResult<Vec<library::Constraint>> {
    let read = |(at, item): (usize, Bound<'_, PyAny>)| {
        let Ok(found) = item.cast::<Constraint>() else {
            return Err(errors::wrong_type(&format!("{name}[{at}]"), &item, "Constraint"));
        };
        Ok(found.get().inner.clone())
    };
    items(object, name)?.into_iter().enumerate().map(read).collect()
}

fn rows(responses: &Bound<'_, PyAny>, lists: &Bound<'_, PyAny>) -> PyResult<Vec<Row>> {
    let texts = texts(responses, "responses")?;
    let lists = items(lists, "constraints")?;
    same_length("constraints", lists.len(), "responses", texts.len())?;
    let read = |(at, list)| constraints(&list, &format!("constraints[{at}]"));
    let lists: Vec<_> = lists.into_iter().enumerate().map(read).collect::<PyResult<_>>()?;
    Ok(texts.into_iter().zip(lists).collect())
}

/// Checks each response against its own list of constraints, without the GIL.
///
/// Returns one list of verdicts per response. `threads` is 1 to 256; by default, one per core.
#[pyfunction]
#[pyo3(signature = (responses, constraints, *, threads = None))]
pub(crate) fn check_constraints(
    responses: &Bound<'_, PyAny>,
    constraints: &Bound<'_, PyAny>,
    threads: Option<usize>,
) -> PyResult<Vec<Vec<Verdict>>> {
    let rows = rows(responses, constraints)?;
    batch::map(responses.py(), &rows, batch::threads(threads)?, |(text, list)| {
        list.iter().map(|constraint| constraint.check(text).into()).collect()
    })
}

/// Like `check_constraints`, but returns only whether each constraint holds. Faster, because it writes no evidence and counts
/// each response once.
#[pyfunction]
#[pyo3(signature = (responses, constraints, *, threads = None))]
pub(crate) fn satisfied(
    responses: &Bound<'_, PyAny>,
    constraints: &Bound<'_, PyAny>,
    threads: Option<usize>,
) -> PyResult<Vec<Vec<bool>>> {
    let rows = rows(responses, constraints)?;
    batch::map(responses.py(), &rows, batch::threads(threads)?, |(text, list)| {
        let counted = CountedResponse::new(text);
        list.iter().map(|constraint| counted.satisfies(constraint)).collect()
    })
}

/// Edits a response until all constraints hold; `None` if no order of the edits succeeds.
///
/// Of the texts that satisfy all constraints, the one with the fewest changed words is returned. A response that satisfies
/// them already is returned unchanged. At most 64 constraints.
#[pyfunction]
pub(crate) fn satisfy(
    py: Python<'_>,
    response: Text,
    constraints: &Bound<'_, PyAny>,
) -> PyResult<Option<String>> {
    let list = self::constraints(constraints, "constraints")?;
    if list.len() > MOST_EDITS {
        let found = format!("{} constraints", list.len());
        return Err(errors::value("constraints", &found, &format!("at most {MOST_EDITS}")));
    }
    batch::released(py, || library::satisfy(&response, &list))
}

/// The words that an edit adds or removes, divided by the words of the original.
#[pyfunction]
pub(crate) fn changed_share(py: Python<'_>, original: Text, edited: Text) -> PyResult<f64> {
    batch::released(py, || library::satisfy::changed_share(&original, &edited))
}

/// Renders a user turn: the task, the numbered constraints and the input. Each constraint is a `Constraint` or a sentence.
#[pyfunction]
#[pyo3(signature = (task, constraints, input = None))]
pub(crate) fn render_prompt(
    task: Text,
    constraints: &Bound<'_, PyAny>,
    input: Option<Text>,
) -> PyResult<String> {
    let read = |(at, item): (usize, Bound<'_, PyAny>)| -> PyResult<String> {
        match item.cast::<Constraint>() {
            Ok(found) => Ok(found.get().inner.render(0)),
            Err(_) => Ok(Text::read(&item, &format!("constraints[{at}]"))?.to_owned()),
        }
    };
    let sentences = items(constraints, "constraints")?.into_iter().enumerate().map(read);
    let sentences = sentences.collect::<PyResult<Vec<String>>>()?;
    Ok(library::render_prompt(&task, &sentences, input.as_deref()))
}

/// A prompt's instructions as they are in a dataset.
struct Listed {
    ids: Vec<String>,
    kwargs: Vec<Map<String, Value>>,
}

impl Listed {
    /// A text that is equal for equal instructions.
    fn key(&self) -> String {
        let kwargs = self.kwargs.iter().cloned().map(Value::Object).collect();
        Value::Array(vec![self.ids.clone().into(), Value::Array(kwargs)]).to_string()
    }
}

/// Checks each response against its own instructions of IFEval or IFBench, without the GIL.
///
/// `instruction_id_list` and `kwargs` have one list per response, as the datasets of the benchmarks do. `benchmark` is `ifeval`,
/// `ifbench`, or `None` for both; `mode` is `paper` or `repaired`. `words:start_verb` needs a tagger. Returns one list per response,
/// with one verdict per instruction.
///
/// Raises `InstructionError` for an instruction that cannot be checked. With `skip_unsupported`, an unknown instruction and one
/// without its tagger has the verdict `None`.
#[pyfunction]
#[pyo3(signature = (
    responses, instruction_id_list, kwargs, *, benchmark = None, mode = "paper", tagger = None,
    skip_unsupported = false, threads = None,
))]
#[expect(clippy::too_many_arguments, reason = "named arguments in Python")]
pub(crate) fn check_instructions(
    responses: &Bound<'_, PyAny>,
    instruction_id_list: &Bound<'_, PyAny>,
    kwargs: &Bound<'_, PyAny>,
    benchmark: Option<&str>,
    mode: &str,
    tagger: Option<&Tagger>,
    skip_unsupported: bool,
    threads: Option<usize>,
) -> PyResult<Vec<Vec<Option<InstructionVerdict>>>> {
    let py = responses.py();
    let (benchmark, mode) = (Benchmark::read(benchmark)?, self::mode(mode)?);
    let threads = batch::threads(threads)?;
    let texts = texts(responses, "responses")?;
    let ids = items(instruction_id_list, "instruction_id_list")?;
    let kwargs = items(kwargs, "kwargs")?;
    same_length("instruction_id_list", ids.len(), "responses", texts.len())?;
    same_length("kwargs", kwargs.len(), "responses", texts.len())?;

    // Prompts repeat: with 8 completions per prompt, each is prepared once.
    let mut known: HashMap<String, usize> = HashMap::new();
    let mut prepared: Vec<Prepared> = Vec::new();
    let mut rows: Vec<(Text, usize)> = Vec::with_capacity(texts.len());
    for (at, ((text, ids), kwargs)) in texts.into_iter().zip(ids).zip(kwargs).enumerate() {
        let place = format!("row {at}");
        let names = texts_of(&ids, &format!("instruction_id_list[{at}]"))?;
        let kwargs = kwargs_of(&kwargs, &format!("kwargs[{at}]"), names.len())?;
        let listed = Listed { ids: names, kwargs };
        let key = listed.key();
        let number = if let Some(number) = known.get(&key) {
            *number
        } else {
            let Listed { ids, kwargs } = listed;
            let tagger = tagger.map(|tagger| &tagger.inner);
            let result = batch::released(py, || {
                Prepared::new(benchmark, ids, kwargs, mode, tagger, skip_unsupported)
            })?;
            prepared.push(result.map_err(|error| errors::instruction(&error, Some(&place)))?);
            known.insert(key, prepared.len() - 1);
            prepared.len() - 1
        };
        rows.push((text, number));
    }
    batch::map(py, &rows, threads, |(text, number)| {
        prepared[*number].verdicts(&Response::new(text))
    })
}

fn texts_of(object: &Bound<'_, PyAny>, name: &str) -> PyResult<Vec<String>> {
    Ok(texts(object, name)?.iter().map(|text| (**text).to_owned()).collect())
}

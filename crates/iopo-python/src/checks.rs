//! Functions over several constraints and batches of responses.

use std::collections::HashMap;

use iopo_constraints as library;
use iopo_constraints::CountedResponse;
use iopo_constraints::ifeval::{InstructionError, Response};
use pyo3::prelude::*;
use serde_json::{Map, Value};

use crate::constraint::{Constraint, Verdict};
use crate::instructions::{
    InstructionVerdict, Prepared, Rules, Tagger, benchmark, kwargs_of, mode,
};
use crate::number::Threads;
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
    threads: Option<Threads>,
) -> PyResult<Vec<Vec<Verdict>>> {
    let rows = rows(responses, constraints)?;
    batch::map(responses.py(), &rows, batch::threads(threads), |(text, list)| {
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
    threads: Option<Threads>,
) -> PyResult<Vec<Vec<bool>>> {
    let rows = rows(responses, constraints)?;
    batch::map(responses.py(), &rows, batch::threads(threads), |(text, list)| {
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

/// The most responses that are checked on one thread with checks that are prepared once.
const SHARED: usize = 64;
/// Rows that are read between two checks for Ctrl-C.
const READ: usize = 256;

/// The instructions of a prompt as they are in a dataset, and some of its responses. Prompts repeat: GRPO has several completions for
/// each.
struct Prompt {
    ids: Vec<String>,
    kwargs: Vec<Map<String, Value>>,
    /// The numbers of the rows with their responses.
    rows: Vec<(usize, Text)>,
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
    threads: Option<Threads>,
) -> PyResult<Vec<Vec<Option<InstructionVerdict>>>> {
    let py = responses.py();
    let (benchmark, mode) = (self::benchmark(benchmark)?, self::mode(mode)?);
    let threads = batch::threads(threads);
    let texts = texts(responses, "responses")?;
    let ids = items(instruction_id_list, "instruction_id_list")?;
    let kwargs = items(kwargs, "kwargs")?;
    same_length("instruction_id_list", ids.len(), "responses", texts.len())?;
    same_length("kwargs", kwargs.len(), "responses", texts.len())?;
    let count = texts.len();
    let prompts = prompts(py, texts, ids, kwargs)?;

    let tagger = tagger.map(|tagger| &tagger.inner);
    let rules = Rules { benchmark, mode, tagger, skip_unsupported };
    let check = |prompt: &Prompt| {
        let prepared = Prepared::new(rules, &prompt.ids, &prompt.kwargs);
        // Prompts are in the order of their first rows, so that the first error is that of the first row with one.
        let first = prompt.rows.first().map_or(0, |(at, _)| *at);
        let prepared = prepared.map_err(|error| (first, error))?;
        let verdicts = |(at, text): &(usize, Text)| (*at, prepared.verdicts(&Response::new(text)));
        Ok::<Vec<_>, (usize, InstructionError)>(prompt.rows.iter().map(verdicts).collect())
    };
    let checked = batch::try_map(py, &prompts, count, threads, check)?;
    let checked =
        checked.map_err(|(at, error)| errors::instruction(&error, Some(&format!("row {at}"))))?;
    let mut verdicts: Vec<_> = (0..count).map(|_| Vec::new()).collect();
    for (at, row) in checked.into_iter().flatten() {
        verdicts[at] = row;
    }
    Ok(verdicts)
}

/// Reads rows and groups them by their instructions.
fn prompts(
    py: Python<'_>,
    texts: Vec<Text>,
    ids: Vec<Bound<'_, PyAny>>,
    kwargs: Vec<Bound<'_, PyAny>>,
) -> PyResult<Vec<Prompt>> {
    let mut prompts: Vec<Prompt> = Vec::new();
    // The last group with certain instructions.
    let mut known: HashMap<String, usize> = HashMap::new();
    for (at, ((text, ids), kwargs)) in texts.into_iter().zip(ids).zip(kwargs).enumerate() {
        if at % READ == 0 {
            py.check_signals()?;
        }
        let ids = texts_of(&ids, &format!("instruction_id_list[{at}]"))?;
        let kwargs = kwargs_of(&kwargs, &format!("kwargs[{at}]"), ids.len())?;
        // Equal for equal instructions only.
        let key = serde_json::to_string(&(&ids, &kwargs)).unwrap_or_default();
        match known.get(&key).and_then(|number| prompts.get_mut(*number)) {
            Some(prompt) if prompt.rows.len() < SHARED => prompt.rows.push((at, text)),
            _ => {
                known.insert(key, prompts.len());
                prompts.push(Prompt { ids, kwargs, rows: vec![(at, text)] });
            }
        }
    }
    Ok(prompts)
}

fn texts_of(object: &Bound<'_, PyAny>, name: &str) -> PyResult<Vec<String>> {
    Ok(texts(object, name)?.iter().map(|text| (**text).to_owned()).collect())
}

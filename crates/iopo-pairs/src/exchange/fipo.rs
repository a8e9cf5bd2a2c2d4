//! Rows of FIPO: rewritten prompts of which one is preferred.
//!
//! Its published file has one row per prompt: the prompt, responses of two models to it, and a rewrite by each of two
//! models. The rewrite by the stronger model counts as the better one, by assumption and not by a check.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write as _;
use std::path::Path;

use iopo_core::files::AtomicFile;
use iopo_schema::{
    InputPreferenceRow, Method, Place, Provenance, Split, VerdictRow, content_id, stream,
};
use serde_json::{Value, json};

use super::records::{Record, open};
use super::row::prompt_key;
use super::skip_reason::listed;
use super::taken::{RowSink, write_rows};
use super::turns::{Fault, field, kind};
use super::{ExchangeError, MAX_ROW_BYTES, SkipReason};

/// Name and version in the provenance of files.
const PRODUCER: &str = concat!("iopo-pairs ", env!("CARGO_PKG_VERSION"), "+fipo.1");
/// The models that wrote the rows, by FIPO's paper.
const GENERATOR: &str = "gpt-4 (better prompt, response), chatgpt (worse prompt)";

const TASK: &str = "raw_prompt";
const RESPONSE: &str = "gpt4_response_based_raw";
const BETTER: &str = "gpt4_optimized_prompt";
const WORSE: &str = "chatgpt_optimized_prompt";
/// The response of a weaker model.
const NAIVE: &str = "text003_response_based_raw";
/// The fields that an import reads.
const WANTED: &[&str] = &[TASK, RESPONSE, BETTER, WORSE];
/// The fields that a row needs to be rewritten anew.
const SEED: &[&str] = &[TASK, RESPONSE, NAIVE];

/// The result of an import or export of FIPO rows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct FipoSummary {
    /// Number of rows read.
    pub rows: u64,
    /// Number of rows written, by split.
    pub splits: BTreeMap<Split, u64>,
    /// Number of skipped rows, by reason.
    pub skipped: BTreeMap<SkipReason, u64>,
}

/// Imports files of FIPO's published format, each with the split of its rows, as `input_preferences`.
///
/// A prompt belongs to the split of the first file that contains it, and its rows in other splits are skipped. Each file
/// is read twice, so that an invalid row leaves no output.
///
/// # Errors
/// Returns an error if there is no file, a row is not of the format, a file gives no row, or a file cannot be read or
/// written.
pub fn import_fipo(files: &[(Split, &Path)], out: &Path) -> Result<FipoSummary, ExchangeError> {
    if files.is_empty() {
        return Err(ExchangeError::NoFile);
    }
    let summary = rows_of(files, &mut |_| Ok(()))?;
    let provenance = Provenance::new(PRODUCER, json!({ "from": "fipo" }));
    write_rows(out, provenance, files, |sink| rows_of(files, sink).map(drop))?;
    Ok(summary)
}

/// Passes the row of each record to `sink`, file by file.
fn rows_of(
    files: &[(Split, &Path)],
    sink: RowSink<'_, InputPreferenceRow>,
) -> Result<FipoSummary, ExchangeError> {
    let mut summary = FipoSummary::default();
    let (mut seen, mut splits) = (BTreeSet::new(), BTreeMap::new());
    for (split, file) in files {
        let before = (summary.rows, summary.splits.values().sum::<u64>());
        for record in open(file, WANTED)? {
            let record = record?;
            summary.rows += 1;
            let made = row(&record, *split).and_then(|row| {
                if seen.contains(&row.id) {
                    return Err(SkipReason::Repeated.into());
                }
                if splits.get(&row.seed_id).is_some_and(|known| known != split) {
                    return Err(SkipReason::OtherSplit.into());
                }
                Ok(row)
            });
            match made {
                Ok(row) => {
                    seen.insert(row.id.clone());
                    splits.insert(row.seed_id.clone(), *split);
                    *summary.splits.entry(*split).or_default() += 1;
                    sink(row)?;
                }
                Err(Fault::Skip(reason)) => *summary.skipped.entry(reason).or_default() += 1,
                Err(Fault::Bad(reason)) => {
                    let path = file.to_path_buf();
                    return Err(ExchangeError::Row {
                        path,
                        place: record.place,
                        reason,
                        other: None,
                    });
                }
            }
        }
        if summary.splits.values().sum::<u64>() == before.1 {
            return Err(ExchangeError::NoInputPreference {
                path: file.to_path_buf(),
                seen: summary.rows - before.0,
                skipped: listed(&summary.skipped),
            });
        }
    }
    Ok(summary)
}

/// A prompt of FIPO's published file with its responses, without the rewrites.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct FipoPrompt {
    /// The id of the task: a hash of the prompt.
    pub task_id: String,
    /// The prompt.
    pub task: String,
    /// The better response.
    pub response: String,
    /// The response of a weaker model, if the row has one.
    pub naive: Option<String>,
}

/// The prompts of a file of FIPO's published format.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct FipoPrompts {
    /// The prompts, in the order of the file.
    pub prompts: Vec<FipoPrompt>,
    /// Number of skipped rows, by reason.
    pub skipped: BTreeMap<SkipReason, u64>,
}

/// Reads the prompts and responses of a file of FIPO's published format, to rewrite the prompts anew. Its rewrites are not
/// read.
///
/// # Errors
/// Returns an error if the file cannot be read, a row is not of the format, or no row has a prompt and a response.
pub fn read_fipo(file: &Path) -> Result<FipoPrompts, ExchangeError> {
    let mut found = FipoPrompts::default();
    let mut seen = 0;
    for record in open(file, SEED)? {
        let record = record?;
        seen += 1;
        match prompt(&record) {
            Ok(prompt) => found.prompts.push(prompt),
            Err(Fault::Skip(reason)) => *found.skipped.entry(reason).or_default() += 1,
            Err(Fault::Bad(reason)) => {
                let path = file.to_path_buf();
                return Err(ExchangeError::Row { path, place: record.place, reason, other: None });
            }
        }
    }
    if found.prompts.is_empty() {
        let skipped = listed(&found.skipped);
        let path = file.to_path_buf();
        return Err(ExchangeError::NoInputPreference { path, seen, skipped });
    }
    Ok(found)
}

fn prompt(record: &Record) -> Result<FipoPrompt, Fault> {
    let (task, response) = (text(record, TASK)?, text(record, RESPONSE)?);
    let naive = match record.fields.get(NAIVE) {
        None | Some(Value::Null) => None,
        Some(_) => match text(record, NAIVE) {
            Err(Fault::Skip(_)) => None,
            naive => Some(naive?),
        },
    };
    Ok(FipoPrompt { task_id: prompt_key(&[], &task), task, response, naive })
}

/// Reads a text of a row.
fn text(record: &Record, name: &str) -> Result<String, Fault> {
    match field(record, name)? {
        Value::String(text) if text.trim().is_empty() => Err(SkipReason::EmptyText.into()),
        Value::String(text) => Ok(text.clone()),
        other => Err(Fault::Bad(format!("found {} in `{name}`, expected text", kind(other)))),
    }
}

fn row(record: &Record, split: Split) -> Result<InputPreferenceRow, Fault> {
    let text = |name: &str| text(record, name);
    let (task, y) = (text(TASK)?, text(RESPONSE)?);
    let (x_better, x_worse) = (text(BETTER)?, text(WORSE)?);
    if x_better.trim() == x_worse.trim() {
        return Err(SkipReason::SameInstructions.into());
    }
    let evidence = format!("said by {} of the imported {split} file, not checked", record.place);
    let verdict = VerdictRow::new(true, Method::Judge, evidence);
    Ok(InputPreferenceRow {
        id: content_id(&["input preference", &task, &x_better, &x_worse, &y]),
        seed_id: prompt_key(&[], &task),
        split,
        task,
        input: None,
        x_better,
        x_worse,
        y,
        better_constraints: Vec::new(),
        worse_constraints: Vec::new(),
        verdict_better_first: verdict.clone(),
        verdict_worse_first: verdict,
        logp_margin: None,
        generator: GENERATOR.to_owned(),
    })
}

/// Writes rows of `input_preferences` to `out` as JSON lines that train an optimizer of prompts: `id`, `prompt`, `chosen`
/// and `rejected`. `prompt` asks for a rewrite of the plain task, with the response as the aim; `chosen` and `rejected`
/// are the two instructions.
///
/// # Errors
/// Returns an error if a file cannot be read or written, a row is too long, or there is nothing to write.
pub fn export_fipo(
    input_preferences: &Path,
    out: &Path,
    split: Option<Split>,
) -> Result<FipoSummary, ExchangeError> {
    let rows = stream::<InputPreferenceRow>(input_preferences)?;
    if let Some(parent) = out.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        fs::create_dir_all(parent).map_err(ExchangeError::io(parent, "create the directory"))?;
    }
    let mut file = AtomicFile::create(out).map_err(ExchangeError::io(out, "create the file"))?;
    let mut summary = FipoSummary::default();
    for batch in rows {
        for row in batch?.iter().filter(|row| split.is_none_or(|split| split == row.split)) {
            summary.rows += 1;
            let line = json!({
                "id": row.id,
                "prompt": request(row),
                "chosen": row.x_better,
                "rejected": row.x_worse,
            })
            .to_string();
            if line.len() > MAX_ROW_BYTES {
                let (path, place) = (out.to_path_buf(), Place::Row(summary.rows));
                return Err(ExchangeError::TooLong { path, place });
            }
            writeln!(file, "{line}").map_err(ExchangeError::io(out, "write the file"))?;
            *summary.splits.entry(row.split).or_default() += 1;
        }
    }
    if summary.rows == 0 {
        let path = input_preferences.to_path_buf();
        return Err(match split {
            Some(split) => ExchangeError::EmptySplit { path, split },
            None => ExchangeError::NoInputPreference {
                path,
                seen: 0,
                skipped: listed(&summary.skipped),
            },
        });
    }
    file.commit().map_err(ExchangeError::io(out, "move the file into place"))?;
    Ok(summary)
}

/// Returns the request for a rewrite of a row's task. Its parts are fenced, so that no text of them ends a part.
fn request(row: &InputPreferenceRow) -> String {
    let input = row.input.iter().map(String::as_str);
    let texts = [row.task.as_str(), row.y.as_str()].into_iter().chain(input);
    let longest = texts.flat_map(|text| text.split(|c| c != '`')).map(str::len).max();
    let fence = "`".repeat(longest.unwrap_or(0).max(2) + 1);
    let part = |name: &str, text: &str| format!("{name}:\n{fence}\n{text}\n{fence}\n\n");
    let mut request = "You improve instructions for language models.\n\n".to_owned();
    request += &part("Instruction", &row.task);
    if let Some(input) = &row.input {
        request += &part("Input", input);
    }
    request += &part("Desired response", &row.y);
    request
        + "Rewrite the instruction so that a model gives the desired response. Keep every fact, stay brief, and do not \
           reveal the response. Output the new instruction only."
}

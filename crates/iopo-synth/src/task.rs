//! Tasks: plain tasks without constraints.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::SynthError;
use crate::task_table::read_table;

/// A plain task, from which constrained instructions grow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Task {
    /// Unique in its file; the unit of the train/dev/test split.
    pub id: String,
    /// The task as a user would put it.
    pub task: String,
    /// The text that the task works on, if any.
    #[serde(default)]
    pub input: Option<String>,
}

/// Reads tasks from `.jsonl` (one object a line) or `.parquet` (columns id, task, input).
///
/// An empty file, a bad line, a missing column, a repeated id and a task that stands there twice
/// under two ids are errors that name the place.
pub fn read_tasks(path: &Path) -> Result<Vec<Task>, SynthError> {
    let rows = match path.extension().and_then(|ending| ending.to_str()) {
        Some("jsonl" | "ndjson") => read_lines(path)?,
        Some("parquet") => {
            let tasks = read_table(path)?;
            tasks.into_iter().enumerate().map(|(row, task)| (row + 1, task)).collect()
        }
        _ => return Err(SynthError::TaskFormat { path: path.to_owned() }),
    };
    if rows.is_empty() {
        return Err(SynthError::NoTasks { path: path.to_owned() });
    }
    let mut places = BTreeMap::new();
    let mut texts: BTreeMap<(String, String), (usize, String)> = BTreeMap::new();
    let mut tasks = Vec::with_capacity(rows.len());
    for (place, task) in rows {
        for (name, value) in [("id", &task.id), ("task", &task.task)] {
            if value.trim().is_empty() {
                let reason = format!("the {name} is empty");
                return Err(SynthError::TaskLine { path: path.to_owned(), line: place, reason });
            }
        }
        if let Some(first) = places.insert(task.id.clone(), place) {
            return Err(SynthError::DuplicateId {
                path: path.to_owned(),
                id: task.id,
                first,
                second: place,
            });
        }
        let key = (normal(&task.task), normal(task.input.as_deref().unwrap_or_default()));
        if let Some((first, first_id)) = texts.insert(key, (place, task.id.clone())) {
            return Err(SynthError::DuplicateTask {
                path: path.to_owned(),
                first_id,
                first,
                second_id: task.id,
                second: place,
            });
        }
        tasks.push(Task { input: task.input.filter(|input| !input.trim().is_empty()), ..task });
    }
    Ok(tasks)
}

/// A text as the search for repeated tasks sees it: in lower case, with single spaces, without
/// closing punctuation. Punctuation inside stays: "3 + 4" and "3 - 4" are two tasks.
fn normal(text: &str) -> String {
    let words: Vec<String> = text.split_whitespace().map(str::to_lowercase).collect();
    let closing = |c: char| c.is_whitespace() || ".,;:!?…。！？".contains(c);
    words.join(" ").trim_end_matches(closing).to_owned()
}

/// The tasks of a JSON-lines file with their line numbers; blank lines are skipped.
fn read_lines(path: &Path) -> Result<Vec<(usize, Task)>, SynthError> {
    let io = |source| SynthError::Io { path: path.to_owned(), source };
    let mut tasks = Vec::new();
    for (index, line) in BufReader::new(File::open(path).map_err(io)?).split(b'\n').enumerate() {
        let (line, bytes) = (index + 1, line.map_err(io)?);
        let bad = |reason: String| SynthError::TaskLine { path: path.to_owned(), line, reason };
        let text = std::str::from_utf8(&bytes).map_err(|error| bad(error.to_string()))?;
        let text = text.trim_start_matches('\u{feff}').trim();
        if !text.is_empty() {
            tasks.push((line, serde_json::from_str(text).map_err(|error| bad(error.to_string()))?));
        }
    }
    Ok(tasks)
}

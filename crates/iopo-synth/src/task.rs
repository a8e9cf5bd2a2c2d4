//! Tasks and their files.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::Path;

use iopo_core::files;
use iopo_core::python_json::to_json;
use iopo_schema::{Place, content_id};
use serde::{Deserialize, Deserializer, Serialize};

use crate::SynthError;
use crate::task_table::read_table;

/// The language that a task names for its instructions and responses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TaskLanguage {
    /// English.
    En,
    /// Chinese.
    Zh,
}

impl TaskLanguage {
    /// Reads a BCP 47 tag, such as `zh` or `zh-Hans`; `None` for another language.
    pub fn from_tag(tag: &str) -> Option<Self> {
        match tag.trim().to_lowercase().split(['-', '_']).next() {
            Some("en") => Some(Self::En),
            Some("zh") => Some(Self::Zh),
            Some(_) | None => None,
        }
    }
}

/// A plain task without constraints.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Task {
    /// The id, unique in its file. It decides the split. A task without one gets a hash of its text and input.
    pub id: String,
    /// The request of a user.
    pub task: String,
    /// The text that the task works on, if any.
    #[serde(default)]
    pub input: Option<String>,
    /// The language of instructions and responses as a BCP 47 tag, if the task names one. Only the recipe `trace` and
    /// [`fipo`](crate::fipo) read it, and need [`TaskLanguage`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
}

impl Task {
    /// Creates a task. Without an id, it gets one from its text and input.
    pub(crate) fn new(fields: TaskFields) -> Self {
        let TaskFields { id, task, input, language } = fields;
        let language = language.map(|tag| tag.trim().to_owned()).filter(|tag| !tag.is_empty());
        let id = id.unwrap_or_else(|| {
            let text = input.as_deref().unwrap_or_default().trim();
            content_id(&["task", task.trim(), text])
        });
        Self { id, task, input, language }
    }
}

/// The fields of a row.
pub(crate) struct TaskFields {
    pub(crate) id: Option<String>,
    pub(crate) task: String,
    pub(crate) input: Option<String>,
    pub(crate) language: Option<String>,
}

/// Fails if a task names a language that no prompt is written in.
pub(crate) fn check_languages(path: &Path, tasks: &[Task]) -> Result<(), SynthError> {
    let unknown = |task: &&Task| {
        task.language.as_deref().is_some_and(|tag| TaskLanguage::from_tag(tag).is_none())
    };
    match tasks.iter().find(unknown) {
        Some(task) => Err(SynthError::TaskLanguage {
            path: path.to_owned(),
            task: task.id.clone(),
            found: task.language.iter().flat_map(|tag| tag.chars()).take(40).collect(),
        }),
        None => Ok(()),
    }
}

/// A format of tasks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Lines,
    Table,
}

impl Format {
    /// Returns the format that an extension names.
    fn of(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()? {
            "jsonl" | "ndjson" => Some(Self::Lines),
            "parquet" => Some(Self::Table),
            _ => None,
        }
    }
}

/// Returns whether [`read_tasks`] knows the format that the extension of a path names.
pub fn is_task_file(path: &Path) -> bool {
    Format::of(path).is_some()
}

/// Reads tasks from a file of JSON lines (`.jsonl`, `.ndjson`) or Parquet (`.parquet`) with the field `task` and optionally
/// `id`, `input` and `language`. A task without an id gets one from its text and input, so it stays the same if
/// the file is sorted or extended.
///
/// # Errors
/// Returns an error if the file cannot be read or has no tasks, a row is not a task, an id occurs twice, or two tasks have the
/// same text and input.
pub fn read_tasks(path: &Path) -> Result<Vec<Task>, SynthError> {
    let rows = match Format::of(path) {
        Some(Format::Lines) => read_lines(path)?,
        Some(Format::Table) => read_table(path)?,
        None => return Err(SynthError::TaskFormat { path: path.to_owned() }),
    };
    if rows.is_empty() {
        return Err(SynthError::NoTasks { path: path.to_owned() });
    }
    let mut places = BTreeMap::new();
    let mut texts: BTreeMap<(String, String), (Place, String)> = BTreeMap::new();
    let mut tasks = Vec::with_capacity(rows.len());
    for (place, task) in rows {
        for (field, value) in [("id", &task.id), ("task", &task.task)] {
            if value.trim().is_empty() {
                return Err(SynthError::EmptyField { path: path.to_owned(), place, field });
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

/// Normalizes a text for the search for repeated tasks: lower case, single spaces, no closing punctuation.
///
/// Punctuation inside the text is kept, because "3 + 4" and "3 - 4" are different tasks.
fn normal(text: &str) -> String {
    let words: Vec<String> = text.split_whitespace().map(str::to_lowercase).collect();
    let closing = |c: char| c.is_whitespace() || ".,;:!?…。！？".contains(c);
    words.join(" ").trim_end_matches(closing).to_owned()
}

/// A line of a file of JSON lines.
#[derive(Deserialize)]
struct Row {
    #[serde(default, deserialize_with = "text")]
    id: Option<String>,
    task: String,
    #[serde(default)]
    input: Option<String>,
    #[serde(default)]
    language: Option<String>,
}

/// Reads a text. Null is an error, unlike a missing field.
fn text<'de, D: Deserializer<'de>>(field: D) -> Result<Option<String>, D::Error> {
    String::deserialize(field).map(Some)
}

/// Reads the tasks of a file of JSON lines, with their line numbers. Blank lines are skipped.
fn read_lines(path: &Path) -> Result<Vec<(Place, Task)>, SynthError> {
    let io = |source| SynthError::Io { path: path.to_owned(), source };
    let mut tasks = Vec::new();
    for (index, line) in BufReader::new(files::open(path).map_err(io)?).split(b'\n').enumerate() {
        let (line, bytes) = (index + 1, line.map_err(io)?);
        let bad = |reason: String| SynthError::TaskLine { path: path.to_owned(), line, reason };
        let text = std::str::from_utf8(&bytes).map_err(|error| bad(error.to_string()))?;
        let text = text.trim_start_matches('\u{feff}').trim();
        if !text.is_empty() {
            let row: Row =
                serde_json::from_str(&to_json(text)).map_err(|error| bad(error.to_string()))?;
            let place = Place::Line(line as u64);
            let Row { id, task, input, language } = row;
            tasks.push((place, Task::new(TaskFields { id, task, input, language })));
        }
    }
    Ok(tasks)
}

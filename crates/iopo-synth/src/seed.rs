//! Seed tasks: plain tasks without constraints.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::SynthError;
use crate::seed_table::read_table;

/// A plain task, from which constrained instructions grow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seed {
    /// Unique in its file; the unit of the train/dev/test split.
    pub id: String,
    /// The task as a user would put it.
    pub task: String,
    /// The text that the task works on, if any.
    #[serde(default)]
    pub input: Option<String>,
}

/// Reads seeds from `.jsonl` (one object a line) or `.parquet` (columns id, task, input).
///
/// An empty file, a bad line, a missing column, a repeated id and a task that stands there twice
/// under two ids are errors that name the place.
pub fn read_seeds(path: &Path) -> Result<Vec<Seed>, SynthError> {
    let rows = match path.extension().and_then(|ending| ending.to_str()) {
        Some("jsonl" | "ndjson") => read_lines(path)?,
        Some("parquet") => {
            let seeds = read_table(path)?;
            seeds.into_iter().enumerate().map(|(row, seed)| (row + 1, seed)).collect()
        }
        _ => return Err(SynthError::SeedFormat { path: path.to_owned() }),
    };
    if rows.is_empty() {
        return Err(SynthError::NoSeeds { path: path.to_owned() });
    }
    let mut places = BTreeMap::new();
    let mut tasks: BTreeMap<(String, String), (usize, String)> = BTreeMap::new();
    let mut seeds = Vec::with_capacity(rows.len());
    for (place, seed) in rows {
        for (name, value) in [("id", &seed.id), ("task", &seed.task)] {
            if value.trim().is_empty() {
                let reason = format!("the {name} is empty");
                return Err(SynthError::SeedLine { path: path.to_owned(), line: place, reason });
            }
        }
        if let Some(first) = places.insert(seed.id.clone(), place) {
            return Err(SynthError::DuplicateSeed {
                path: path.to_owned(),
                id: seed.id,
                first,
                second: place,
            });
        }
        let key = (normal(&seed.task), normal(seed.input.as_deref().unwrap_or_default()));
        if let Some((first, first_id)) = tasks.insert(key, (place, seed.id.clone())) {
            return Err(SynthError::DuplicateTask {
                path: path.to_owned(),
                first_id,
                first,
                second_id: seed.id,
                second: place,
            });
        }
        seeds.push(Seed { input: seed.input.filter(|input| !input.trim().is_empty()), ..seed });
    }
    Ok(seeds)
}

/// A text as the search for repeated tasks sees it: in lower case, with single spaces, without
/// closing punctuation. Punctuation inside stays: "3 + 4" and "3 - 4" are two tasks.
fn normal(text: &str) -> String {
    let words: Vec<String> = text.split_whitespace().map(str::to_lowercase).collect();
    let closing = |c: char| c.is_whitespace() || ".,;:!?…。！？".contains(c);
    words.join(" ").trim_end_matches(closing).to_owned()
}

/// The seeds of a JSON-lines file with their line numbers; blank lines are skipped.
fn read_lines(path: &Path) -> Result<Vec<(usize, Seed)>, SynthError> {
    let io = |source| SynthError::Io { path: path.to_owned(), source };
    let mut seeds = Vec::new();
    for (index, line) in BufReader::new(File::open(path).map_err(io)?).split(b'\n').enumerate() {
        let (line, bytes) = (index + 1, line.map_err(io)?);
        let bad = |reason: String| SynthError::SeedLine { path: path.to_owned(), line, reason };
        let text = std::str::from_utf8(&bytes).map_err(|error| bad(error.to_string()))?;
        let text = text.trim_start_matches('\u{feff}').trim();
        if !text.is_empty() {
            seeds.push((line, serde_json::from_str(text).map_err(|error| bad(error.to_string()))?));
        }
    }
    Ok(seeds)
}

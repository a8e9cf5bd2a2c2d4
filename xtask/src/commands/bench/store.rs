//! The store of measured rounds, one line of JSON each, so that an interrupted run resumes.

use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::measured::{Round, Rounds};

/// The rounds with certain settings. The file can hold rounds with other settings too.
#[derive(Debug)]
pub(super) struct Store {
    path: PathBuf,
    settings: Value,
    lines: Vec<Value>,
}

impl Store {
    /// Reads the file, skipping a line that is incomplete.
    pub(super) fn open(path: &Path, settings: Value, fresh: bool) -> Result<Self> {
        if fresh && path.exists() {
            fs::remove_file(path).with_context(|| format!("failed to clear {}", path.display()))?;
        }
        let text = if path.exists() {
            fs::read_to_string(path)
                .with_context(|| format!("failed to read {}", path.display()))?
        } else {
            String::new()
        };
        let lines = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let lines = lines.filter(|line| line["settings"] == settings).collect();
        Ok(Self { path: path.to_owned(), settings, lines })
    }

    /// Returns the rounds of a case.
    pub(super) fn rounds(&self, case: &str, length: &str) -> Rounds {
        let of_case =
            self.lines.iter().filter(|line| line["case"] == case && line["length"] == length);
        let round = |line: &Value| Round {
            ours: line["ours"].clone(),
            theirs: Some(line["theirs"].clone()).filter(|theirs| !theirs.is_null()),
            others: line["others"].as_f64(),
        };
        Rounds(of_case.map(round).collect())
    }

    /// Lists the measured lengths in ascending order.
    pub(super) fn lengths(&self) -> Vec<String> {
        let lengths = self.lines.iter().filter_map(|line| line["length"].as_str());
        let mut lengths: Vec<&str> = lengths.filter(|length| !length.is_empty()).collect();
        let tokens = |length: &str| -> usize {
            length.split('+').filter_map(|part| part.parse::<usize>().ok()).sum()
        };
        lengths.sort_by_key(|length| (tokens(length), *length));
        lengths.dedup();
        lengths.into_iter().map(str::to_owned).collect()
    }

    /// Returns the largest number of other threads before a round, if known.
    pub(super) fn others(&self) -> Option<f64> {
        self.lines.iter().filter_map(|line| line["others"].as_f64()).reduce(f64::max)
    }

    /// Adds a round and appends it to the file.
    pub(super) fn add(&mut self, case: &str, length: &str, round: &Round) -> Result<()> {
        let line = json!({
            "case": case,
            "length": length,
            "settings": self.settings,
            "ours": round.ours,
            "theirs": round.theirs,
            "others": round.others,
        });
        self.append(&line).with_context(|| format!("failed to write {}", self.path.display()))?;
        self.lines.push(line);
        Ok(())
    }

    fn append(&self, line: &Value) -> std::io::Result<()> {
        let mut file: File = OpenOptions::new().create(true).append(true).open(&self.path)?;
        // Starts with the newline, which ends a line that a kill cut off.
        file.write_all(format!("\n{line}").as_bytes())?;
        file.sync_all()
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use serde_json::json;

    use super::Store;
    use crate::commands::bench::measured::Round;

    #[test]
    fn rounds_are_found_again_with_the_same_settings() {
        let name = format!("iopo-bench-store-{}.jsonl", std::process::id());
        let path = std::env::temp_dir().join(name);
        let round = Round { ours: json!({ "seconds": 1.0 }), theirs: None, others: Some(0.5) };
        let mut store = Store::open(&path, json!(1), true).expect("a new file");
        store.add("a", "1+1", &round).expect("written");
        fs::write(&path, fs::read_to_string(&path).expect("text") + "\n{\"case\": \"a")
            .expect("cut");
        store.add("a", "1+1", &round).expect("written");

        let again = Store::open(&path, json!(1), false).expect("the file");
        assert_eq!((again.rounds("a", "1+1").0.len(), again.others()), (2, Some(0.5)));
        assert!(again.rounds("a", "1+2").0.is_empty() && again.rounds("b", "1+1").0.is_empty());
        store.add("a", "0+1", &round).expect("written");
        assert_eq!(store.lengths(), ["0+1", "1+1"]);
        let other = Store::open(&path, json!(2), false).expect("the file");
        assert!(other.rounds("a", "1+1").0.is_empty());
        assert!(
            Store::open(&path, json!(1), true).expect("cleared").rounds("a", "1+1").0.is_empty()
        );
    }
}

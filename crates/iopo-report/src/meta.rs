//! What the caller tells the report, and what the report tells the caller.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// What a report says beside what the files say.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ReportMeta {
    /// The headline.
    pub title: String,
    /// The preset or configuration file that the run follows.
    pub preset: String,
    /// What a reader must know before the numbers, for instance that this is a demonstration.
    pub notes: Vec<String>,
    /// Versions of what took part: the binary, the backend, the model.
    pub versions: BTreeMap<String, String>,
    /// The resolved configuration, shown as it is.
    pub config_toml: String,
    /// Coverage of the intervals in the summary, between 0 and 1; where it is absent the page does not name it.
    pub confidence: Option<f64>,
}

impl ReportMeta {
    /// A title and a preset, nothing else.
    pub fn new(title: impl Into<String>, preset: impl Into<String>) -> Self {
        Self { title: title.into(), preset: preset.into(), ..Self::default() }
    }
}

/// What a report was made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportSummary {
    /// The page.
    pub out: PathBuf,
    /// Its size.
    pub bytes: u64,
    /// Folders under `train/` with metrics.
    pub methods: Vec<String>,
    /// Models in the evaluation.
    pub models: Vec<String>,
    /// Preference groups.
    pub groups: usize,
    /// Stages that have not run: `synthesis`, `pairs`, `training`, `evaluation`.
    pub missing: Vec<String>,
}

//! Input and result of a report.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::Headline;

/// Text of a report that is not in the files of the run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct ReportMeta {
    /// Headline.
    pub title: String,
    /// Name in the run's configuration: that of the preset, unless the configuration sets another.
    pub preset: String,
    /// Headlines, shown first.
    pub headlines: Vec<Headline>,
    /// Random seed of the prompts in the table of answers.
    pub seed: u64,
    /// Models of the table of answers, by the names of their folders under `eval/`.
    pub compared: Vec<String>,
    /// Models of the run, by the names of their folders; the folders of others are left out. Empty shows every folder.
    pub models: Vec<String>,
    /// Notes before the numbers, for instance that the run is a demonstration.
    pub notes: Vec<String>,
    /// Facts about the run with their names, in order: version, model, weights, device, random seeds.
    pub facts: Vec<(String, String)>,
    /// Resolved configuration, shown verbatim.
    pub config_toml: String,
    /// Coverage of the intervals, between 0 and 1; `None` if it is unknown.
    pub confidence: Option<f64>,
}

impl ReportMeta {
    /// Makes the text of a report with a title and a preset.
    pub fn new(title: impl Into<String>, preset: impl Into<String>) -> Self {
        Self { title: title.into(), preset: preset.into(), ..Self::default() }
    }
}

/// Result of [`render`](crate::render).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportSummary {
    /// File of the page.
    pub out: PathBuf,
    /// Size of the page in bytes.
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

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
    /// The models that wrote and judged the data; `None` for recipes without them.
    pub roles: Option<Roles>,
    /// The models that wrote and judged the input preferences; `None` without a collection.
    pub fipo_roles: Option<Roles>,
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

/// The models that wrote and judged the data of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Roles {
    /// Models of the writer; empty for the base model of the run.
    pub writer: Vec<String>,
    /// Models of the judge; empty for the base model of the run.
    pub judge: Vec<String>,
    /// Models of the worse instructions, if they are not those of the writer.
    pub worse: Vec<String>,
    /// Whether both roles have a model in common.
    pub is_same: bool,
    /// What the requests took; `None` if it is not recorded.
    pub usage: Option<Usage>,
}

/// What the requests of a run took.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Usage {
    /// Requests with an answer from a model.
    pub answered: u64,
    /// Requests with an answer from the store, which cost nothing.
    pub from_store: u64,
    /// Tokens of the prompts, as far as they are known.
    pub prompt_tokens: u64,
    /// Generated tokens, as far as they are known.
    pub completion_tokens: u64,
    /// Answers without numbers of tokens.
    pub unknown_tokens: u64,
    /// The known cost, as a decimal number in the currency of the prices; `None` if there is none.
    pub cost: Option<String>,
    /// Answers whose cost is unknown.
    pub unknown_cost: u64,
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

//! Settings of a judged benchmark over files.

use std::collections::BTreeSet;
use std::path::PathBuf;

use iopo_judge::Language;
use iopo_judge::evaluation::MAX_UNJUDGED_SHARE;

use super::JudgeSettings;
use super::check::JudgeCheck;
use crate::{Bootstrap, ContaminationConfig};

/// Settings of a [`JudgedRun`](super::JudgedRun).
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct JudgedConfig {
    /// Items of the benchmark: a file, or for FollowBench a directory.
    pub data: PathBuf,
    /// Directory for predictions, answers of the judge, scores, metrics and protocol.
    pub out: PathBuf,
    /// Response file that is judged; `None` judges the responses of a model. Default: `None`.
    pub responses: Option<PathBuf>,
    /// File with answers of a judge; `None` asks a model. Default: `None`.
    pub judged: Option<PathBuf>,
    /// Whether a model responds. Without one and without `responses`, TRACE and CFBench read the answers of `judged` only.
    /// Default: false.
    pub model_responds: bool,
    /// Skips prompts without a response or answer of the judge, and lines without a prompt, instead of refusing them.
    /// Default: false.
    pub partial: bool,
    /// Removes reasoning in `<think>` tags from the beginning of each response in the file. Default: false.
    pub strip_reasoning: bool,
    /// Evaluates only the first prompts. FollowBench keeps whole groups. Default: all prompts.
    pub limit: Option<usize>,
    /// Language of the judge's prompt for TRACE in `repaired`, and of the data for FollowBench and ComplexBench. It is an error where it
    /// has no effect. Default: the first of [`JudgedBenchmark::languages`](super::JudgedBenchmark::languages).
    pub language: Option<Language>,
    /// How the judge is asked. Default: [`JudgeSettings::of`].
    pub judge: Option<JudgeSettings>,
    /// Name of the endpoint that judges, with a hash of its address, for the protocol. Default: none, for a judge of this
    /// process.
    pub judge_endpoint: Option<String>,
    /// Largest share of items or questions without a verdict; more is an error after everything is written. Default: 0.02.
    pub max_unjudged_share: f64,
    /// Directories of the data that trained the model; an overlap of their tasks with a prompt is an error. Default: none.
    pub trained_in: Vec<PathBuf>,
    /// Files of input preferences that trained the model; an overlap with a prompt is an error. Default: none.
    pub input_preferences: Vec<PathBuf>,
    /// When a task counts as a copy of a prompt. Default: [`ContaminationConfig::default`].
    pub contamination: ContaminationConfig,
    /// Labels of TRACE's constraints whose dimension occurs in the training data, for the column `seen` and the split of the
    /// constraint accuracy. Default: not known, so nothing is split.
    pub seen: Option<BTreeSet<String>>,
    /// Verdicts of the same judge on constraints that code decides, shown beside the table. Default: `None`.
    pub check: Option<JudgeCheck>,
    /// Bootstrap behind the intervals. Default: [`Bootstrap::default`].
    pub bootstrap: Bootstrap,
}

impl JudgedConfig {
    /// Reads items from `data` and writes to the directory `out`.
    pub fn new(data: impl Into<PathBuf>, out: impl Into<PathBuf>) -> Self {
        Self {
            data: data.into(),
            out: out.into(),
            responses: None,
            judged: None,
            model_responds: false,
            partial: false,
            strip_reasoning: false,
            limit: None,
            language: None,
            judge: None,
            judge_endpoint: None,
            max_unjudged_share: MAX_UNJUDGED_SHARE,
            trained_in: Vec::new(),
            input_preferences: Vec::new(),
            contamination: ContaminationConfig::default(),
            seen: None,
            check: None,
            bootstrap: Bootstrap::default(),
        }
    }
}

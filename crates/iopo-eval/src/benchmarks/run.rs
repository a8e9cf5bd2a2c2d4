//! A benchmark over files: prompts from a file, responses of a model or of a file, resumable.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use iopo_core::text::counted;
use iopo_llm::{LanguageModel, Progress, Request};
use iopo_schema::content_hash::write_json;
use iopo_schema::{Provenance, ScoreRow, SummaryRow, file_hash, run_files};
use serde_json::{Value, json};

use super::contamination::{ContaminationConfig, TestedPrompts, read_prompts};
use super::in_memory::GIVEN;
use super::origin::claim;
use super::protocol::{Evaluated, describe_prompts};
use super::respond::{create, failed, remove, respond};
use super::responses::{MatchedResponses, ResponseFile};
use super::{Benchmark, Decoding, lm_eval};
use crate::prompt::Asked;
use crate::score::{PRODUCER, score_file};
use crate::{Bootstrap, EvalError, TestPrompt};

/// The largest share of failed requests that does not count as a failed evaluation.
pub const MAX_FAILED_SHARE: f64 = 0.02;

/// What happens to prompts without a response in a file of responses.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Missing {
    /// They are an error.
    #[default]
    Refuse,
    /// They are skipped and count in no accuracy.
    Skip,
    /// They fail all of their instructions and count in every accuracy, as in the published code.
    Fail,
}

impl Missing {
    /// Returns the name in commands and protocols.
    pub const fn id(self) -> &'static str {
        match self {
            Self::Refuse => "error",
            Self::Skip => "skip",
            Self::Fail => "fail",
        }
    }
}

/// Settings of a [`BenchmarkRun`].
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct BenchmarkConfig {
    /// Prompt file of the benchmark.
    pub data: PathBuf,
    /// Directory for predictions, scores, summary and protocol.
    pub out: PathBuf,
    /// Response file that is scored; `None` scores the responses of a model. Default: `None`.
    pub responses: Option<PathBuf>,
    /// Skips prompts without a response and lines without a prompt instead of refusing them. Default: false.
    pub partial: bool,
    /// Removes reasoning in `<think>` tags from the beginning of each response in the file. Default: false.
    pub strip_reasoning: bool,
    /// What happens to prompts without a response in the file. Default: [`Missing::Refuse`].
    pub missing: Missing,
    /// Evaluates only the first prompts of the file. Default: all prompts.
    pub limit: Option<usize>,
    /// Directories of the data that trained the model; an overlap of their tasks with a prompt is an error. Default: none.
    pub trained_in: Vec<PathBuf>,
    /// Files of input preferences that trained the model; an overlap with a prompt is an error. Default: none.
    pub input_preferences: Vec<PathBuf>,
    /// Also writes samples and results in the format of lm-eval, to the directory `lm-eval` in `out`. Default: false.
    pub export_lm_eval: bool,
    /// When a task counts as a copy of a prompt. Default: [`ContaminationConfig::default`].
    pub contamination: ContaminationConfig,
    /// Largest share of failed requests for responses; more is an error after everything is written. Default:
    /// [`MAX_FAILED_SHARE`].
    pub max_failed_share: f64,
    /// Bootstrap behind the intervals. Default: [`Bootstrap::default`].
    pub bootstrap: Bootstrap,
}

impl Default for BenchmarkConfig {
    fn default() -> Self {
        Self {
            data: PathBuf::new(),
            out: PathBuf::new(),
            responses: None,
            partial: false,
            strip_reasoning: false,
            missing: Missing::Refuse,
            limit: None,
            trained_in: Vec::new(),
            input_preferences: Vec::new(),
            export_lm_eval: false,
            contamination: ContaminationConfig::default(),
            max_failed_share: MAX_FAILED_SHARE,
            bootstrap: Bootstrap::default(),
        }
    }
}

impl BenchmarkConfig {
    /// Reads prompts from `data` and writes to the directory `out`.
    pub fn new(data: impl Into<PathBuf>, out: impl Into<PathBuf>) -> Self {
        Self { data: data.into(), out: out.into(), ..Self::default() }
    }
}

/// A benchmark whose prompts have been read and checked, ready to be scored.
pub struct BenchmarkRun<'a> {
    benchmark: &'a dyn Benchmark,
    config: &'a BenchmarkConfig,
    prompts: Vec<TestPrompt>,
    /// Prompts of the file, of which `prompts` may be a part.
    available: usize,
    responses: Option<MatchedResponses>,
}

/// Results of a benchmark.
#[derive(Debug, Clone, PartialEq)]
pub struct BenchmarkReport {
    /// Headline of the table.
    pub title: String,
    /// Model that responded; `given` for responses of a file.
    pub model: String,
    /// Accuracies or other metrics, with intervals.
    pub accuracies: Vec<SummaryRow>,
    /// One row per constraint; without a verdict if it has no check.
    pub scores: Vec<ScoreRow>,
    /// Constraint types without a check, with the number of their constraints.
    pub unsupported: BTreeMap<String, usize>,
    /// Number of prompts.
    pub prompts: usize,
    /// Prompts without a response, by the class of the failed request. They count in no accuracy.
    pub failed: BTreeMap<String, usize>,
    /// Largest share of `prompts` without a response.
    pub max_failed_share: f64,
}

impl BenchmarkReport {
    /// Refuses an evaluation with too many failed requests. Call it after the table is shown; the files are written already.
    ///
    /// # Errors
    /// Returns [`EvalError::FailedRequests`] above the largest share.
    pub fn refuse_failed(&self) -> Result<(), EvalError> {
        let failed = self.failed.values().sum::<usize>();
        if failed as f64 <= self.max_failed_share * self.prompts as f64 {
            return Ok(());
        }
        let (requests, max_share) = (self.prompts, self.max_failed_share);
        Err(EvalError::FailedRequests { failed, requests, max_share, classes: self.failed.clone() })
    }
}

impl MatchedResponses {
    /// Skips or fails prompts without a response, if the configuration says so.
    fn resolve_missing(
        &mut self,
        prompts: &mut Vec<TestPrompt>,
        config: &BenchmarkConfig,
        progress: &dyn Progress,
    ) {
        let (count, said) = match config.missing {
            Missing::Fail => (self.fail_missing(prompts), "count as failed:"),
            Missing::Skip => (self.keep_answered(prompts), "skipped"),
            Missing::Refuse if config.partial => (self.keep_answered(prompts), "skipped"),
            Missing::Refuse => return,
        };
        if count > 0 {
            progress.note(&format!("{said} {} without a response", counted(count, "prompt")));
        }
    }
}

impl<'a> BenchmarkRun<'a> {
    /// Reads the prompts, and the responses if the configuration names a file, and checks both.
    ///
    /// Nothing is written. `progress` receives a note about everything that is skipped.
    ///
    /// # Errors
    /// Returns an error if a file cannot be read or parsed, the run was trained on a prompt, a response has no prompt, no
    /// prompt is left or a prompt cannot be scored.
    pub fn prepare(
        benchmark: &'a dyn Benchmark,
        config: &'a BenchmarkConfig,
        progress: &dyn Progress,
    ) -> Result<Self, EvalError> {
        let data = &config.data;
        let in_data =
            |source: EvalError| EvalError::Prompts { path: data.clone(), source: Box::new(source) };
        let mut prompts = read_prompts(benchmark, data)?;
        if !config.trained_in.is_empty() || !config.input_preferences.is_empty() {
            let mut tested = TestedPrompts::new(config.contamination);
            tested.add_prompts(&prompts);
            for run in &config.trained_in {
                tested.refuse_trained(run, progress)?;
            }
            for file in &config.input_preferences {
                tested.refuse_input_preferences(file)?;
            }
        }
        let read = |path: &Path| {
            let benchmark = prompts.first().map_or("", |prompt| prompt.benchmark.as_str());
            let file = ResponseFile::open(path, benchmark, config.strip_reasoning, progress)?;
            file.all_matched(path, &prompts, config.partial, progress)
        };
        let mut responses = config.responses.as_deref().map(read).transpose()?;
        let available = prompts.len();
        prompts.truncate(config.limit.unwrap_or(usize::MAX));
        if let Some(responses) = &mut responses {
            responses.resolve_missing(&mut prompts, config, progress);
        }
        if prompts.is_empty() {
            let (data, responses) = (data.clone(), config.responses.clone());
            return Err(EvalError::NoPrompts { data, responses });
        }
        benchmark.refuse_unscorable(&prompts).map_err(in_data)?;
        Ok(Self { benchmark, config, prompts, available, responses })
    }

    /// Returns the requests that [`Self::score_model`] sends, unless some are answered already.
    pub fn requests(&self, max_new_tokens: usize) -> Vec<Request> {
        self.prompts.iter().map(|prompt| prompt.request(max_new_tokens)).collect()
    }

    /// Scores the responses of the configured file.
    ///
    /// # Errors
    /// Returns an error if no response file is configured, a prompt has no response, the directory holds a model's
    /// responses or a file cannot be written.
    pub fn score_responses(self) -> Result<BenchmarkReport, EvalError> {
        let (Some(responses), Some(path)) = (&self.responses, &self.config.responses) else {
            let (missing, key) = (self.prompts.len(), self.prompts[0].key.clone());
            return Err(EvalError::Unanswered { missing, prompts: missing, key });
        };
        let rows = responses.predictions(&self.prompts)?;
        create(&self.config.out)?;
        let mut protocol = self.protocol()?;
        protocol["responses"] = json!(file_hash(path)?);
        claim(&self.config.out, &protocol)?;
        let predictions = self.config.out.join(run_files::PREDICTIONS);
        let provenance = Provenance::new(PRODUCER, json!({ "answers": GIVEN }));
        iopo_schema::write(&predictions, &rows, &provenance)?;
        self.finish(GIVEN, &predictions, protocol)
    }

    /// Lets a model respond greedily and scores the responses.
    ///
    /// An interrupted call resumes where it stopped. A request that fails gives a row with an error, and no verdict. Another
    /// call asks an endpoint again, which answers from its store if the failure is permanent.
    ///
    /// # Errors
    /// Returns an error if a prompt does not fit the model's context, the directory holds other responses, the model
    /// fails as a whole, `progress` cancels or a file cannot be written. Failed requests are no error here: see
    /// [`BenchmarkReport::refuse_failed`].
    pub fn score_model(
        self,
        model: &dyn LanguageModel,
        decoding: &Decoding,
        progress: &dyn Progress,
    ) -> Result<BenchmarkReport, EvalError> {
        let (out, mut protocol) = (&self.config.out, self.protocol()?);
        let path = respond(&self.prompts, model, out, (&mut protocol, decoding), progress)?;
        self.finish(&model.name(), &path, protocol)
    }

    /// Scores predictions and writes scores, summary and protocol.
    fn finish(
        self,
        model: &str,
        predictions: &Path,
        mut protocol: Value,
    ) -> Result<BenchmarkReport, EvalError> {
        let unsupported = self.benchmark.unsupported(&self.prompts);
        if let Value::Object(settings) = self.benchmark.settings() {
            for (name, value) in settings {
                protocol[name] = value;
            }
        }
        let evaluated = Evaluated {
            mode: None,
            limit: self.config.limit,
            partial: self.config.partial,
            strip_reasoning: self.config.strip_reasoning,
            trained_in: &self.config.trained_in,
            bootstrap: self.config.bootstrap,
        };
        evaluated.describe(&mut protocol);
        if self.responses.is_some() {
            protocol["missing"] = json!(self.config.missing.id());
        }
        protocol["unsupported"] = json!(unsupported);
        let [scores_path, summary_path, protocol_path] =
            [run_files::SCORES, run_files::SUMMARY, "protocol.json"]
                .map(|name| self.config.out.join(name));
        // Files of earlier settings must not remain beside new ones.
        for path in [&protocol_path, &summary_path, &scores_path] {
            remove(path)?;
        }
        lm_eval::remove(&self.config.out)?;
        let scores = score_file(self.benchmark, predictions, &scores_path)?;
        let bootstrap = self.config.bootstrap;
        let accuracies = self.benchmark.summarize(model, &self.prompts, &scores, bootstrap)?;
        let provenance = Provenance::new(PRODUCER, protocol.clone())
            .with_input("scores", file_hash(&scores_path)?);
        iopo_schema::write::<SummaryRow>(&summary_path, &accuracies, &provenance)?;
        write_json(&protocol_path, &protocol)?;
        let rows = iopo_schema::read(predictions)?;
        if self.config.export_lm_eval {
            let about = (model, &protocol, self.available);
            lm_eval::write(&self.config.out, about, &rows, &scores, self.responses.as_ref())?;
        }
        Ok(BenchmarkReport {
            title: self.benchmark.title(),
            model: model.to_owned(),
            accuracies,
            scores,
            unsupported,
            prompts: self.prompts.len(),
            failed: failed(&rows),
            max_failed_share: self.config.max_failed_share,
        })
    }

    /// Describes the prompts: the part of the protocol that every kind of response shares.
    fn protocol(&self) -> Result<Value, EvalError> {
        let (id, data) = (&self.prompts[0].benchmark, file_hash(&self.config.data)?);
        Ok(describe_prompts(id, &data, &self.prompts))
    }
}

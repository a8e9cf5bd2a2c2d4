//! A benchmark over files: prompts from a file, responses of a model or of a file, resumable.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use iopo_core::settings::limits::MAX_BATCH;
use iopo_llm::{LanguageModel, Message, Progress, Request, Sampling};
use iopo_schema::content_hash::write_json;
use iopo_schema::{Provenance, ScoreRow, SummaryRow, content_id, file_hash, run_files};
use serde_json::{Value, json};

use super::contamination::{ContaminationConfig, TestedPrompts, read_prompts};
use super::in_memory::GIVEN;
use super::origin::claim;
use super::responses::{MatchedResponses, ResponseFile};
use super::{Benchmark, lm_eval};
use crate::answer::fits;
use crate::score::{PRODUCER, score_file};
use crate::{Bootstrap, EvalConfig, EvalError, TestPrompt};

/// Settings of a [`BenchmarkRun`].
#[derive(Debug, Clone, Default, PartialEq)]
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
    /// Evaluates only the first prompts of the file. Default: all prompts.
    pub limit: Option<usize>,
    /// Directories of the data that trained the model; an overlap of their tasks with a prompt is an error. Default: none.
    pub trained_in: Vec<PathBuf>,
    /// Also writes samples and results in the format of lm-eval, to the directory `lm-eval` in `out`. Default: false.
    pub export_lm_eval: bool,
    /// When a task counts as a copy of a prompt. Default: [`ContaminationConfig::default`].
    pub contamination: ContaminationConfig,
    /// Bootstrap behind the intervals. Default: [`Bootstrap::default`].
    pub bootstrap: Bootstrap,
}

impl BenchmarkConfig {
    /// Reads prompts from `data` and writes to the directory `out`.
    pub fn new(data: impl Into<PathBuf>, out: impl Into<PathBuf>) -> Self {
        Self { data: data.into(), out: out.into(), ..Self::default() }
    }
}

/// How a model generates its responses, as `protocol.json` records it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Decoding {
    /// Maximum number of tokens of a response.
    pub max_new_tokens: usize,
    /// Responses that are generated together.
    pub batch: usize,
    /// Device that the user asked for.
    pub device: String,
    /// Hash of tokenizer and chat template.
    pub template_hash: String,
    /// Ids of the tokens that end a response.
    pub stop: Vec<u32>,
    /// Whether special tokens that a prompt spells are read as plain text.
    pub escape_special_tokens: bool,
    /// Name of the endpoint that responds; the settings above apply to models of this process only, except for the number of
    /// tokens. Default: none.
    pub endpoint: Option<String>,
}

impl Decoding {
    /// Describes the decoding in a protocol.
    fn describe(&self, protocol: &mut Value) {
        protocol["decoding"] = json!("greedy");
        protocol["max_new_tokens"] = json!(self.max_new_tokens);
        if let Some(endpoint) = &self.endpoint {
            protocol["endpoint"] = json!(endpoint);
            return;
        }
        protocol["batch"] = json!(self.batch);
        protocol["device"] = json!(self.device);
        protocol["template_hash"] = json!(self.template_hash);
        protocol["stop"] = json!(self.stop);
        protocol["escape_special_tokens"] = json!(self.escape_special_tokens);
    }
}

/// A benchmark whose prompts have been read and checked, ready to be scored.
pub struct BenchmarkRun<'a> {
    benchmark: &'a dyn Benchmark,
    config: &'a BenchmarkConfig,
    prompts: Vec<TestPrompt>,
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
        if !config.trained_in.is_empty() {
            let mut tested = TestedPrompts::new(config.contamination);
            tested.add_prompts(&prompts);
            for run in &config.trained_in {
                tested.refuse_trained(run, progress)?;
            }
        }
        let responses = config.responses.as_deref();
        let responses =
            responses.map(|path| read_responses(config, path, &prompts, progress)).transpose()?;
        prompts.truncate(config.limit.unwrap_or(usize::MAX));
        if let Some(responses) = responses.as_ref().filter(|_| config.partial) {
            let skipped = responses.keep_answered(&mut prompts);
            if skipped > 0 {
                progress.note(&format!("{skipped} prompts skipped: they have no response"));
            }
        }
        if prompts.is_empty() {
            let (data, responses) = (data.clone(), config.responses.clone());
            return Err(EvalError::NoPrompts { data, responses });
        }
        benchmark.refuse_unscorable(&prompts).map_err(in_data)?;
        Ok(Self { benchmark, config, prompts, responses })
    }

    /// Returns the requests that [`Self::score_model`] sends, unless some are answered already.
    pub fn requests(&self, max_new_tokens: usize) -> Vec<Request> {
        self.prompts.iter().map(|prompt| request(prompt, max_new_tokens)).collect()
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
        self.create_out()?;
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
    /// An interrupted call resumes where it stopped.
    ///
    /// # Errors
    /// Returns an error if a prompt does not fit the model's context, the directory holds other responses, the model
    /// fails, `progress` cancels or a file cannot be written.
    pub fn score_model(
        self,
        model: &dyn LanguageModel,
        decoding: &Decoding,
        progress: &dyn Progress,
    ) -> Result<BenchmarkReport, EvalError> {
        let mut config =
            EvalConfig { max_new_tokens: decoding.max_new_tokens, ..EvalConfig::default() };
        if decoding.endpoint.is_some() {
            // The store keeps the answers of an endpoint, so one part does not lose them, and requests run side by side.
            config.part_size = self.prompts.len().clamp(1, MAX_BATCH);
        }
        config.validate()?;
        self.refuse_misfits(model, decoding.max_new_tokens)?;
        self.create_out()?;
        let mut protocol = self.protocol()?;
        protocol["model"] = json!(model.name());
        decoding.describe(&mut protocol);
        claim(&self.config.out, &protocol)?;
        let answered = crate::answer(&self.prompts, model, &self.config.out, &config, progress)?;
        self.finish(&model.name(), &answered.path, protocol)
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
        protocol["run"] = json!(self.config.trained_in);
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
        if self.config.export_lm_eval {
            let rows = iopo_schema::read(predictions)?;
            lm_eval::write(&self.config.out, model, &protocol, &rows, &scores)?;
        }
        let title = self.benchmark.title();
        Ok(BenchmarkReport { title, model: model.to_owned(), accuracies, scores, unsupported })
    }

    /// Describes the prompts: the part of the protocol that every kind of response shares.
    fn protocol(&self) -> Result<Value, EvalError> {
        let rows = self.prompts.iter().flat_map(|prompt| {
            let checks = prompt.constraints.iter().filter_map(|row| row.check.as_ref());
            let checks = checks.flat_map(|check| [check.id.as_str(), &check.params]);
            [prompt.key.as_str(), &prompt.prompt].into_iter().chain(checks)
        });
        Ok(json!({
            "data": file_hash(&self.config.data)?,
            "asked": content_id(&rows.collect::<Vec<&str>>()),
            "prompts": self.prompts.len(),
        }))
    }

    fn create_out(&self) -> Result<(), EvalError> {
        let path = &self.config.out;
        std::fs::create_dir_all(path)
            .map_err(|source| EvalError::Folder { path: path.clone(), source })
    }

    /// Refuses prompts that do not fit the context: skipping them would change the benchmark.
    fn refuse_misfits(
        &self,
        model: &dyn LanguageModel,
        max_new_tokens: usize,
    ) -> Result<(), EvalError> {
        let mut misfits = Vec::new();
        for prompt in &self.prompts {
            if !fits(prompt, model, max_new_tokens)? {
                misfits.push(prompt.key.clone());
            }
        }
        match misfits.first() {
            None => Ok(()),
            Some(first) => Err(EvalError::TooLong {
                misfits: misfits.len(),
                prompts: self.prompts.len(),
                first: first.clone(),
                max_new_tokens,
            }),
        }
    }
}

/// Makes the request that asks a model for a greedy response.
pub(crate) fn request(prompt: &TestPrompt, max_new_tokens: usize) -> Request {
    Request::new(vec![Message::user(prompt.prompt.as_str())], Sampling::greedy(max_new_tokens))
}

/// Reads and matches the responses of a file; lines without a prompt are an error unless `partial` is set.
fn read_responses(
    config: &BenchmarkConfig,
    path: &Path,
    prompts: &[TestPrompt],
    progress: &dyn Progress,
) -> Result<MatchedResponses, EvalError> {
    let matched = ResponseFile::read(path)?.matched(prompts)?;
    let Some(first) = matched.unmatched.first() else { return Ok(matched) };
    let (path, lines, first) = (path.to_owned(), matched.unmatched.len(), *first);
    let unmatched = EvalError::UnmatchedResponses { path, lines, first };
    if !config.partial {
        return Err(unmatched);
    }
    progress.note(&format!("{lines} responses skipped: they answer no prompt"));
    Ok(matched)
}

fn remove(path: &Path) -> Result<(), EvalError> {
    match std::fs::remove_file(path) {
        Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
            Err(EvalError::Write { path: path.to_owned(), source })
        }
        _ => Ok(()),
    }
}

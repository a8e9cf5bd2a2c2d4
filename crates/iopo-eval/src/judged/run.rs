//! A judged benchmark over files.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use iopo_judge::evaluation::MAX_UNJUDGED_SHARE;
use iopo_judge::{Answers, Language, Responses};
use iopo_llm::{LanguageModel, Progress, Request, Sampling};
use iopo_schema::{PredictionRow, Provenance, content_id, file_hash, run_files};
use serde_json::{Value, json};

use super::ask::without_reasoning;
use super::check::JudgeCheck;
use super::items::{Items, JudgedPrompt, Question, Templates};
use super::respond::{given, respond};
use super::write::{Judged, write};
use super::{JudgeSettings, JudgedBenchmark, JudgedMode, ask};
use crate::benchmarks::Decoding;
use crate::benchmarks::in_memory::GIVEN;
use crate::benchmarks::origin::claim;
use crate::benchmarks::responses::ResponseFile;
use crate::score::PRODUCER;
use crate::{Bootstrap, EvalError, TestPrompt};

pub use super::write::JudgedReport;

/// Settings of a [`JudgedRun`].
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
    /// Evaluates only the first prompts. FollowBench keeps whole groups. Default: all prompts.
    pub limit: Option<usize>,
    /// Language of the judge's prompt for TRACE, and of the data for FollowBench and ComplexBench. Default: the first of
    /// [`JudgedBenchmark::languages`].
    pub language: Option<Language>,
    /// How the judge is asked. Default: [`JudgeSettings::of`].
    pub judge: Option<JudgeSettings>,
    /// Largest share of items or questions without a verdict; more is an error after everything is written. Default: 0.02.
    pub max_unjudged_share: f64,
    /// Labels of TRACE's constraints that occur in the training data, for the column `seen`. Default: none.
    pub seen: BTreeSet<String>,
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
            limit: None,
            language: None,
            judge: None,
            max_unjudged_share: MAX_UNJUDGED_SHARE,
            seen: BTreeSet::new(),
            check: None,
            bootstrap: Bootstrap::default(),
        }
    }
}

/// A judged benchmark whose items have been read and checked.
pub struct JudgedRun<'a> {
    benchmark: JudgedBenchmark,
    mode: JudgedMode,
    config: &'a JudgedConfig,
    language: Language,
    settings: JudgeSettings,
    items: Box<dyn Items>,
    prompts: Vec<JudgedPrompt>,
    templates: Templates,
    /// Responses so far. `None` if a model has yet to respond.
    responses: Option<Responses>,
    answers: Option<Answers>,
    check: Option<JudgeCheck>,
    /// The model that responded.
    model: String,
    protocol: Value,
}

impl<'a> JudgedRun<'a> {
    /// Reads the items, and the responses and answers if the configuration names files, and checks them.
    ///
    /// Nothing is written. `progress` receives a note about everything that is skipped.
    ///
    /// # Errors
    /// Returns an error if a file cannot be read or parsed, the benchmark does not have the mode or the language, no prompt
    /// is left, or a prompt has no response.
    pub fn prepare(
        benchmark: JudgedBenchmark,
        mode: JudgedMode,
        config: &'a JudgedConfig,
        progress: &dyn Progress,
    ) -> Result<Self, EvalError> {
        let language = config.language.unwrap_or(benchmark.languages()[0]);
        check_choice(benchmark, mode, language)?;
        let mut items = benchmark.read(mode, language, &config.data)?;
        let mut prompts = items.prompts();
        let answers =
            config.judged.as_deref().map(|path| parse(path, Answers::parse)).transpose()?;
        let answers = answers.map(|answers| answers.map(|text| without_reasoning(text).to_owned()));
        let mut responses = match (&config.responses, &config.judged) {
            (Some(path), _) => Some(read_responses(benchmark, config, path, &prompts, progress)?),
            // Files of CFBench's program hold the responses beside the answers.
            (None, Some(path)) => parse(path, Responses::parse).ok(),
            (None, None) => None,
        };
        if responses.is_none() && !config.model_responds {
            responses = Some(Responses::default());
        }
        limit(&mut prompts, config.limit);
        let needs_response = config.judged.is_none()
            || config.responses.is_some()
            || matches!(benchmark, JudgedBenchmark::FollowBench | JudgedBenchmark::ComplexBench);
        let has = |prompt: &JudgedPrompt| match (&responses, &answers) {
            (Some(responses), _) if needs_response => responses.to(&prompt.key).is_some(),
            (_, Some(answers)) => has_answer(answers, &prompt.key),
            (_, None) => true,
        };
        if config.partial {
            let before = prompts.len();
            prompts.retain(has);
            if prompts.len() < before {
                let skipped = before - prompts.len();
                progress.note(&format!("{skipped} prompts skipped: they have no response"));
            }
        } else if let (Some(responses), true) = (&responses, needs_response) {
            let missing = |prompt: &&JudgedPrompt| responses.to(&prompt.key).is_none();
            if let Some(first) = prompts.iter().find(missing) {
                let (key, count) = (first.key.clone(), prompts.iter().filter(missing).count());
                return Err(EvalError::Unanswered { missing: count, prompts: prompts.len(), key });
            }
        }
        if prompts.is_empty() {
            let (data, responses) = (config.data.clone(), config.responses.clone());
            return Err(EvalError::NoPrompts { data, responses });
        }
        items.keep(&prompts.iter().map(|prompt| prompt.key.clone()).collect());
        let settings = config.judge.clone().unwrap_or_else(|| JudgeSettings::of(benchmark, mode));
        let templates = Templates::built_in(benchmark.templates(mode), language);
        let mut run = Self {
            benchmark,
            mode,
            config,
            language,
            settings,
            items,
            prompts,
            templates,
            responses,
            answers,
            check: config.check.clone(),
            model: GIVEN.to_owned(),
            protocol: Value::Null,
        };
        run.protocol = run.describe()?;
        Ok(run)
    }

    /// Whether a model has yet to respond.
    pub fn needs_responses(&self) -> bool {
        self.responses.is_none()
    }

    /// Whether a judge must be asked, rather than a file read.
    pub fn needs_judge(&self) -> bool {
        self.answers.is_none()
    }

    /// Returns the requests to the model that responds, to estimate their cost.
    pub fn response_requests(&self, max_new_tokens: usize) -> Vec<Request> {
        let sampling = Sampling::greedy(max_new_tokens);
        let request =
            |prompt: &JudgedPrompt| Request::new(prompt.messages.clone(), sampling.clone());
        self.prompts.iter().map(request).collect()
    }

    /// Sets the result of a check of the same judge, in place of the configured one.
    #[must_use]
    pub fn with_check(self, check: Option<JudgeCheck>) -> Self {
        Self { check, ..self }
    }

    /// Returns the name of the judge in the configured file of answers; `given` if the file names none.
    pub fn given_judge(&self) -> &str {
        self.answers.as_ref().and_then(Answers::judge).unwrap_or(GIVEN)
    }

    /// Returns the requests of the first attempt, to estimate their cost. Where a response is not known yet, `assumed` stands
    /// for it.
    pub fn requests(&self, assumed: &str) -> Vec<Request> {
        let responses = self.responses.clone().unwrap_or_else(|| {
            let mut responses = Responses::default();
            for prompt in &self.prompts {
                responses.add(&prompt.key, assumed.to_owned());
            }
            responses
        });
        let questions = self.items.questions(&self.templates, &responses);
        let request = |one: &Question| self.settings.request(self.benchmark.id(), one, 0);
        questions.iter().map(request).collect()
    }

    /// Lets a model respond greedily. An interrupted call resumes where it stopped.
    ///
    /// # Errors
    /// Returns an error if a prompt does not fit the model's context, the directory holds other responses, the model fails,
    /// `progress` cancels or a file cannot be written.
    pub fn respond(
        &mut self,
        model: &dyn LanguageModel,
        decoding: &Decoding,
        progress: &dyn Progress,
    ) -> Result<(), EvalError> {
        self.create_out()?;
        describe_decoding(&mut self.protocol, &model.name(), decoding);
        claim(&self.config.out, &self.protocol)?;
        let path = respond(
            (self.benchmark.id(), &self.prompts),
            model,
            &self.config.out,
            (&self.protocol, decoding.max_new_tokens),
            progress,
        )?;
        let mut responses = Responses::default();
        for row in iopo_schema::read::<PredictionRow>(&path)? {
            responses.add(&row.key, row.response);
        }
        self.responses = Some(responses);
        self.model = model.name();
        Ok(())
    }

    /// Asks a judge, and writes all files.
    ///
    /// # Errors
    /// Returns an error if the judge fails, `progress` cancels or a file cannot be written. Missing verdicts are no error here:
    /// see [`JudgedReport::refuse_unjudged`].
    pub fn judge(
        mut self,
        judge: &dyn LanguageModel,
        progress: &dyn Progress,
    ) -> Result<JudgedReport, EvalError> {
        self.keep_given()?;
        let responses = self.responses.take().unwrap_or_default();
        let questions = self.items.questions(&self.templates, &responses);
        let asked = (&*self.items, &responses);
        let answers = ask::ask(judge, self.benchmark, asked, &questions, &self.settings, progress)?;
        let source = json!({
            "name": judge.name(),
            "fingerprint": judge.fingerprint()?,
            "settings": self.settings,
        });
        self.finish(&judge.name(), source, &responses, &answers)
    }

    /// Reads the verdicts of the configured file of answers, and writes all files.
    ///
    /// # Errors
    /// Returns an error if no file is configured or a file cannot be written. Missing verdicts are no error here: see
    /// [`JudgedReport::refuse_unjudged`].
    pub fn read_judged(mut self) -> Result<JudgedReport, EvalError> {
        self.keep_given()?;
        let responses = self.responses.take().unwrap_or_default();
        let name = self.given_judge().to_owned();
        let answers = self.answers.take().unwrap_or_default();
        let path = self.config.judged.as_deref();
        let hash = path.map(file_hash).transpose()?;
        self.finish(&name, json!({ "name": name, "answers": hash }), &responses, &answers)
    }

    fn finish(
        mut self,
        judge: &str,
        source: Value,
        responses: &Responses,
        answers: &Answers,
    ) -> Result<JudgedReport, EvalError> {
        let templates = self.templates.iter().map(|one| (one.name().to_owned(), json!(one.hash())));
        self.protocol["benchmark"] = json!(self.benchmark.id());
        self.protocol["mode"] = json!(self.mode.id());
        self.protocol["language"] = json!(self.language.id());
        self.protocol["judge"] = source;
        self.protocol["judge"]["templates"] = Value::Object(templates.collect());
        let questions = self.items.questions(&self.templates, responses);
        let forged = questions
            .iter()
            .filter(|one| self.items.is_forged(one, responses.to(&one.key).unwrap_or_default()))
            .map(|one| one.key.as_str())
            .collect::<BTreeSet<&str>>()
            .len();
        let groups = self.prompts.iter().map(|one| (one.key.clone(), one.group.clone()));
        write(Judged {
            benchmark: self.benchmark,
            mode: self.mode,
            config: self.config,
            model: self.model,
            judge: judge.to_owned(),
            protocol: self.protocol,
            evaluation: self.items.evaluate(responses, answers),
            answers,
            groups: groups.collect(),
            forged,
            check: self.check,
        })
    }

    /// Writes the predictions of given responses.
    fn keep_given(&self) -> Result<(), EvalError> {
        if self.model != GIVEN {
            return Ok(());
        }
        self.create_out()?;
        claim(&self.config.out, &self.protocol)?;
        let responses = self.responses.as_ref();
        let rows: Vec<PredictionRow> = self
            .prompts
            .iter()
            .filter_map(|prompt| {
                let response = responses?.to(&prompt.key)?;
                Some(given(self.benchmark.id(), prompt, response.to_owned()))
            })
            .collect();
        let provenance = Provenance::new(PRODUCER, json!({ "answers": GIVEN }));
        iopo_schema::write(&self.config.out.join(run_files::PREDICTIONS), &rows, &provenance)?;
        Ok(())
    }

    /// Describes the prompts and given responses.
    fn describe(&self) -> Result<Value, EvalError> {
        let files = self.benchmark.files(&self.config.data)?;
        let hashes: Vec<String> =
            files.iter().map(|path| file_hash(path)).collect::<Result<_, _>>()?;
        let data = match hashes.as_slice() {
            [one] => one.clone(),
            several => content_id(&several.iter().map(String::as_str).collect::<Vec<_>>()),
        };
        let asked: Vec<&str> = self
            .prompts
            .iter()
            .flat_map(|prompt| {
                let turns = prompt.messages.iter().map(|message| message.content.as_str());
                [prompt.key.as_str()].into_iter().chain(turns)
            })
            .collect();
        let mut described = json!({
            "data": data,
            "asked": content_id(&asked),
            "prompts": self.prompts.len(),
        });
        if let Some(path) = &self.config.responses {
            described["responses"] = json!(file_hash(path)?);
        }
        Ok(described)
    }

    fn create_out(&self) -> Result<(), EvalError> {
        let path = &self.config.out;
        std::fs::create_dir_all(path)
            .map_err(|source| EvalError::Folder { path: path.clone(), source })
    }
}

/// Adds the model and its decoding to a protocol.
fn describe_decoding(protocol: &mut Value, model: &str, decoding: &Decoding) {
    protocol["model"] = json!(model);
    protocol["decoding"] = json!("greedy");
    protocol["max_new_tokens"] = json!(decoding.max_new_tokens);
    protocol["batch"] = json!(decoding.batch);
    protocol["device"] = json!(decoding.device);
    protocol["template_hash"] = json!(decoding.template_hash);
    protocol["stop"] = json!(decoding.stop);
    protocol["escape_special_tokens"] = json!(decoding.escape_special_tokens);
}

/// Refuses a mode or language that the benchmark does not have.
fn check_choice(
    benchmark: JudgedBenchmark,
    mode: JudgedMode,
    language: Language,
) -> Result<(), EvalError> {
    let refuse = |key, found: &str, expected: Vec<&str>| {
        let expected = format!("one of {} for {}", expected.join(", "), benchmark.title());
        Err(iopo_core::SettingError::new(key, format!("`{found}`"), expected).into())
    };
    if !benchmark.modes().contains(&mode) {
        return refuse("mode", mode.id(), benchmark.modes().iter().map(|one| one.id()).collect());
    }
    if !benchmark.languages().contains(&language) {
        let known = benchmark.languages().iter().map(|one| one.id()).collect();
        return refuse("language", language.id(), known);
    }
    Ok(())
}

/// Keeps the first prompts, and the rest of the last one's group.
fn limit(prompts: &mut Vec<JudgedPrompt>, limit: Option<usize>) {
    let Some(mut end) = limit.filter(|&limit| limit > 0 && limit < prompts.len()) else { return };
    let group = prompts[end - 1].group.clone();
    while !group.is_empty() && prompts.get(end).is_some_and(|next| next.group == group) {
        end += 1;
    }
    prompts.truncate(end);
}

fn has_answer(answers: &Answers, key: &str) -> bool {
    // Questions are sorted by key.
    !answers.to(key, 0).is_empty() || answers.questions().any(|(found, _)| found == key)
}

fn parse<T>(
    path: &Path,
    parse: fn(&str) -> Result<T, iopo_judge::DataError>,
) -> Result<T, EvalError> {
    let text = iopo_core::files::read_to_string(path)
        .map_err(|source| EvalError::Read { path: path.to_owned(), source })?;
    parse(&text).map_err(|source| EvalError::JudgedData { path: path.to_owned(), source })
}

/// Reads a file of responses: JSON lines, an array of objects with `idx` and `response`, or predictions.
fn read_responses(
    benchmark: JudgedBenchmark,
    config: &JudgedConfig,
    path: &Path,
    prompts: &[JudgedPrompt],
    progress: &dyn Progress,
) -> Result<Responses, EvalError> {
    if path.extension().is_some_and(|extension| extension == "parquet") {
        let mut responses = Responses::default();
        for row in iopo_schema::read::<PredictionRow>(path)? {
            responses.add(&row.key, row.response);
        }
        return Ok(responses);
    }
    let text = iopo_core::files::read_to_string(path)
        .map_err(|source| EvalError::Read { path: path.to_owned(), source })?;
    if text.trim_start_matches(['\u{feff}', ' ', '\n']).starts_with('[') {
        return parse(path, Responses::parse);
    }
    let tests: Vec<TestPrompt> = prompts
        .iter()
        .map(|prompt| TestPrompt {
            benchmark: benchmark.id().to_owned(),
            key: prompt.key.clone(),
            task_id: prompt.group.clone(),
            prompt: prompt.text().to_owned(),
            constraints: Vec::new(),
        })
        .collect();
    let matched = ResponseFile::parse(&text, &path.display().to_string())?.matched(&tests)?;
    if let Some(first) = matched.unmatched.first() {
        let (path, lines, first) = (path.to_owned(), matched.unmatched.len(), *first);
        if !config.partial {
            return Err(EvalError::UnmatchedResponses { path, lines, first });
        }
        progress.note(&format!("{lines} responses skipped: they answer no prompt"));
    }
    let mut answered = tests;
    matched.keep_answered(&mut answered);
    let mut responses = Responses::default();
    for row in matched.predictions(&answered)? {
        responses.add(&row.key, row.response);
    }
    Ok(responses)
}

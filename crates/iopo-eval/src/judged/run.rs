//! A judged benchmark over files.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use iopo_core::text::counted;
use iopo_judge::{Answers, Language, Responses};
use iopo_llm::{LanguageModel, Progress, Request};
use iopo_schema::{Provenance, ResponseEnd, content_id, file_hash, run_files};
use serde_json::{Value, json};

use super::check::{JudgeCheck, JudgeIdentity};
use super::choice::{language, limit};
use super::given::{Questions, parse, predictions, read_answers, read_responses};
use super::items::{Items, JudgedPrompt, Question, Templates};
use super::write::{Judged, write};
use super::{JudgeSettings, JudgedBenchmark, JudgedConfig, JudgedMode, ask, seen};
use crate::benchmarks::in_memory::GIVEN;
use crate::benchmarks::origin::claim;
use crate::benchmarks::protocol::{Evaluated, describe_prompts};
use crate::benchmarks::respond::{create, respond};
use crate::benchmarks::{Decoding, TestedPrompts};
use crate::prompt::Asked;
use crate::score::PRODUCER;
use crate::{EvalError, TestPrompt};

pub use super::write::JudgedReport;

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
    /// Classes of the failed requests for responses, by key.
    failed: BTreeMap<String, String>,
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
        let language = language(benchmark, mode, config)?;
        let mut items = benchmark.read(mode, language, &config.data)?;
        let mut prompts = items.prompts();
        benchmark.refuse_other_language(language, &config.data, &prompts)?;
        let absent = items.absent();
        if !absent.is_empty() {
            progress.note(&format!(
                "{} has no item of the types {}, so the results are over the other types",
                config.data.display(),
                absent.join(", ")
            ));
        }
        if !config.trained_in.is_empty() || !config.input_preferences.is_empty() {
            let tests: Vec<TestPrompt> = prompts.iter().map(|prompt| prompt.test.clone()).collect();
            let mut tested = TestedPrompts::new(config.contamination);
            tested.add_prompts(&tests);
            for run in &config.trained_in {
                tested.refuse_trained(run, progress)?;
            }
            for file in &config.input_preferences {
                tested.refuse_input_preferences(file)?;
            }
        }
        let templates = Templates::built_in(benchmark.templates(mode), language);
        let mut asked = Questions::new();
        if config.judged.is_some() {
            for one in items.questions(&templates, &assumed_responses(&prompts, "")) {
                asked.entry(one.key).or_default().insert(one.index);
            }
        }
        let answers = config.judged.as_deref();
        let answers =
            answers.map(|path| read_answers(config, path, &asked, progress)).transpose()?;
        let mut responses = match (&config.responses, &config.judged) {
            (Some(path), _) => Some(read_responses(config, path, &prompts, progress)?),
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
        let is_answered = |prompt: &JudgedPrompt| {
            let has = |responses: &Responses| responses.to(prompt.key()).is_some();
            !needs_response || responses.as_ref().is_none_or(has)
        };
        let is_judged = |prompt: &JudgedPrompt| {
            // A rule decides about an item without a question.
            let is_open = |answers: &Answers| !has_answer(answers, prompt.key());
            !asked.contains_key(prompt.key()) || !answers.as_ref().is_some_and(is_open)
        };
        if config.partial && !prompts.is_empty() {
            let (before, first) = (prompts.len(), prompts[0].key().to_owned());
            prompts.retain(|prompt| is_answered(prompt) && is_judged(prompt));
            if prompts.is_empty() && needs_response && config.responses.is_none() {
                let (missing, prompts) = (before, before);
                return Err(EvalError::Unanswered { missing, prompts, key: first });
            }
            if prompts.len() < before {
                let skipped = before - prompts.len();
                let prompts = counted(skipped, "prompt");
                progress.note(&format!(
                    "skipped {prompts} without a response or an answer of the judge"
                ));
            }
        } else if let (Some(responses), true) = (&responses, needs_response) {
            let missing = |prompt: &&JudgedPrompt| responses.to(prompt.key()).is_none();
            if let Some(first) = prompts.iter().find(missing) {
                let (key, count) = (first.key().to_owned(), prompts.iter().filter(missing).count());
                return Err(EvalError::Unanswered { missing: count, prompts: prompts.len(), key });
            }
        }
        if prompts.is_empty() {
            let given = config.responses.as_ref().or(config.judged.as_ref());
            let (data, responses) = (config.data.clone(), given.cloned());
            return Err(EvalError::NoPrompts { data, responses });
        }
        items.keep(&prompts.iter().map(|prompt| prompt.test.key.clone()).collect());
        let settings = config.judge.clone().unwrap_or_else(|| JudgeSettings::of(benchmark, mode));
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
            failed: BTreeMap::new(),
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
        self.prompts.iter().map(|prompt| prompt.request(max_new_tokens)).collect()
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

    /// Returns what makes this judge the same as that of a check.
    ///
    /// # Errors
    /// Returns an error if the fingerprint of the model cannot be computed.
    pub fn identity(&self, judge: &dyn LanguageModel) -> Result<JudgeIdentity, EvalError> {
        Ok(JudgeIdentity {
            judge: judge.name(),
            fingerprint: judge.fingerprint()?,
            endpoint: self.config.judge_endpoint.clone(),
            temperature: self.settings.temperature,
            max_new_tokens: self.settings.max_new_tokens,
        })
    }

    /// Returns the requests of the first attempt, to estimate their cost. Where a response is not known yet, `assumed` stands
    /// for it.
    pub fn requests(&self, assumed: &str) -> Vec<Request> {
        let request = |one: &Question| self.settings.request(self.benchmark.id(), one, 0);
        self.questions(assumed).iter().map(request).collect()
    }

    /// Returns the further requests about questions whose answers give no verdict, at most, if `open` holds for the request of
    /// the first attempt.
    ///
    /// # Errors
    /// Returns the first error of `open`.
    pub fn further_requests<E>(
        &self,
        assumed: &str,
        open: impl Fn(&Request) -> Result<bool, E>,
    ) -> Result<Vec<Request>, E> {
        let mut requests = Vec::new();
        for question in self.questions(assumed) {
            let of = |attempt| self.settings.request(self.benchmark.id(), &question, attempt);
            if open(&of(0))? {
                requests.extend((1..self.settings.attempts).map(of));
            }
        }
        Ok(requests)
    }

    /// Returns the questions to the judge. Where a response is not known yet, `assumed` stands for it.
    fn questions(&self, assumed: &str) -> Vec<Question> {
        let responses = self.responses.clone();
        let responses = responses.unwrap_or_else(|| assumed_responses(&self.prompts, assumed));
        self.items.questions(&self.templates, &responses)
    }

    /// Lets a model respond greedily. An interrupted call resumes where it stopped. An item whose request fails has no verdict.
    ///
    /// # Errors
    /// Returns an error if a prompt does not fit the model's context, the directory holds other responses, the model fails as
    /// a whole, `progress` cancels or a file cannot be written.
    pub fn respond(
        &mut self,
        model: &dyn LanguageModel,
        decoding: &Decoding,
        progress: &dyn Progress,
    ) -> Result<(), EvalError> {
        let out = (&mut self.protocol, decoding);
        let path = respond(&self.prompts, model, &self.config.out, out, progress)?;
        let (responses, rows) = predictions(&path)?;
        self.responses = Some(responses);
        self.failed = rows.into_iter().filter_map(|row| Some((row.key, row.error?))).collect();
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
        let (name, fingerprint) = (judge.name(), judge.fingerprint()?);
        let judges_itself = self.model == name || self.protocol["fingerprint"] == fingerprint;
        let source = json!({
            "name": name,
            "fingerprint": fingerprint,
            "endpoint": self.config.judge_endpoint,
            "settings": self.settings,
        });
        self.finish((&name, judges_itself), source, &responses, &answers)
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
        let source = json!({ "name": name, "answers": hash });
        let judges_itself = self.model == name && name != GIVEN;
        self.finish((&name, judges_itself), source, &responses, &answers)
    }

    fn finish(
        mut self,
        (judge, judges_itself): (&str, bool),
        source: Value,
        responses: &Responses,
        answers: &Answers,
    ) -> Result<JudgedReport, EvalError> {
        let asks = self.config.judged.is_none();
        let evaluated = Evaluated {
            mode: Some(self.mode.id()),
            limit: self.config.limit,
            partial: self.config.partial,
            strip_reasoning: self.config.strip_reasoning,
            trained_in: &self.config.trained_in,
            bootstrap: self.config.bootstrap,
        };
        evaluated.describe(&mut self.protocol);
        if let Some(seen) = &self.config.seen {
            self.protocol["seen"] = json!(seen);
        }
        if self.benchmark == JudgedBenchmark::FollowBench {
            self.protocol["files"] = json!(file_names(&self.benchmark.files(&self.config.data)?));
        }
        self.protocol["judge"] = source;
        // A file of answers does not tell the prompt behind them.
        if asks {
            let hashes =
                self.templates.iter().map(|one| (one.name().to_owned(), json!(one.hash())));
            self.protocol["judge"]["templates"] = Value::Object(hashes.collect());
        }
        if asks || self.benchmark != JudgedBenchmark::Trace {
            self.protocol["language"] = json!(self.language.id());
        }
        let checked = self.check.as_ref().map(|check| check.template.as_str());
        let same_template = asks && self.templates.iter().any(|one| Some(one.hash()) == checked);
        let mut evaluation = self.items.evaluate(responses, answers);
        if let Some(seen) = &self.config.seen {
            seen::split(&mut evaluation, seen);
        }
        let questions = self.items.questions(&self.templates, responses);
        let forged = questions
            .iter()
            .filter(|one| self.items.is_forged(one, responses.to(&one.key).unwrap_or_default()))
            .map(|one| one.key.as_str())
            .collect::<BTreeSet<&str>>()
            .len();
        let groups =
            self.prompts.iter().map(|one| (one.test.key.clone(), one.test.task_id.clone()));
        write(Judged {
            benchmark: self.benchmark,
            mode: self.mode,
            config: self.config,
            model: self.model,
            judge: judge.to_owned(),
            judges_itself,
            failed: self.failed,
            protocol: self.protocol,
            evaluation,
            absent: self.items.absent(),
            same_template,
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
        create(&self.config.out)?;
        claim(&self.config.out, &self.protocol)?;
        let responses = self.responses.as_ref();
        let given = |prompt: &JudgedPrompt| {
            let response = responses?.to(prompt.key())?;
            Some(prompt.prediction(response.to_owned(), ResponseEnd::Given))
        };
        let rows: Vec<_> = self.prompts.iter().filter_map(given).collect();
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
        let mut described = describe_prompts(self.benchmark.id(), &data, &self.prompts);
        if let Some(path) = &self.config.responses {
            described["responses"] = json!(file_hash(path)?);
        }
        Ok(described)
    }
}

/// Assumes a text as the response to every prompt.
fn assumed_responses(prompts: &[JudgedPrompt], text: &str) -> Responses {
    let mut responses = Responses::default();
    for prompt in prompts {
        responses.add(prompt.key(), text.to_owned());
    }
    responses
}

/// Returns the names of files, without their directory.
fn file_names(paths: &[PathBuf]) -> Vec<String> {
    let names = paths.iter().filter_map(|path| path.file_name());
    names.map(|name| name.to_string_lossy().into_owned()).collect()
}

fn has_answer(answers: &Answers, key: &str) -> bool {
    // Questions are sorted by key.
    !answers.to(key, 0).is_empty() || answers.questions().any(|(found, _)| found == key)
}

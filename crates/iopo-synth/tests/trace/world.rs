//! A scripted writer and judge that know two languages.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::path::Path;

use iopo_llm::{
    Completion, FinishReason, LanguageModel, LlmError, Outcome, Progress, Request, Silent,
};
use iopo_schema::{PreferenceRow, ResponseRow, read};
use iopo_synth::trace::{TraceConfig, TraceModels, TraceSummary, trace};
use iopo_synth::{SynthConfig, SynthError};
use iopo_testing::trace::Asked;
pub(crate) use iopo_testing::trace::{ENGLISH, block, constraints, parts, scores};

/// Replaces an answer; `None` keeps the scripted one.
pub(crate) type Replace<'a> = dyn Fn(&str, &Request) -> Option<Outcome> + 'a;

/// A completion that ended by itself.
#[expect(clippy::unnecessary_wraps, reason = "scripts return outcomes, some of which are failures")]
pub(crate) fn said(text: impl Into<String>) -> Outcome {
    Ok(Completion {
        text: text.into(),
        finish_reason: FinishReason::Stop,
        prompt_tokens: Some(10),
        completion_tokens: Some(5),
    })
}

/// A model that remembers its answers and stops after a number of new ones.
pub(crate) struct Model<'a> {
    pub(crate) replace: &'a Replace<'a>,
    pub(crate) store: RefCell<BTreeMap<String, Outcome>>,
    /// Number of answers that are left.
    pub(crate) left: Cell<usize>,
    /// Number of requests that were not in the store.
    pub(crate) asked: Cell<usize>,
    /// The stage of each request.
    pub(crate) stages: RefCell<Vec<String>>,
}

impl<'a> Model<'a> {
    pub(crate) fn new(replace: &'a Replace<'a>) -> Self {
        Self {
            replace,
            store: RefCell::default(),
            left: Cell::new(usize::MAX),
            asked: Cell::new(0),
            stages: RefCell::default(),
        }
    }
}

impl LanguageModel for Model<'_> {
    fn name(&self) -> String {
        "world@test".to_owned()
    }

    fn complete(
        &self,
        requests: &[Request],
        progress: &dyn Progress,
    ) -> Result<Vec<Outcome>, LlmError> {
        let mut outcomes = Vec::new();
        for request in requests {
            let key = serde_json::to_string(request).expect("json");
            let known = self.store.borrow().get(&key).cloned();
            let outcome = if let Some(outcome) = known {
                outcome
            } else {
                if self.left.get() == 0 {
                    return Err(LlmError::Failed { reason: "killed".to_owned() });
                }
                self.left.set(self.left.get() - 1);
                self.asked.set(self.asked.get() + 1);
                let stage = stage(request);
                self.stages.borrow_mut().push(stage.to_owned());
                let outcome =
                    (self.replace)(stage, request).unwrap_or_else(|| said(answer(request)));
                self.store.borrow_mut().insert(key, outcome.clone());
                outcome
            };
            progress.advance(1);
            outcomes.push(outcome);
        }
        Ok(outcomes)
    }
}

pub(crate) fn user(request: &Request) -> &str {
    request.messages.last().map_or("", |message| message.content.as_str())
}

/// The schema of a request, or the name of its template.
pub(crate) fn stage(request: &Request) -> &str {
    Asked::from(request).stage()
}

/// The usual answer to a request.
pub(crate) fn answer(request: &Request) -> String {
    Asked::from(request).answer()
}

/// Settings of the tests: all failures are allowed, and few tasks are in a part.
pub(crate) fn config(change: impl Fn(&mut TraceConfig)) -> TraceConfig {
    let mut config = TraceConfig::default();
    config.max_failed_share = 1.0;
    config.tasks_per_part = 2;
    config.agreement_share = 0.0;
    change(&mut config);
    config
}

pub(crate) const TASKS: &str = concat!(
    "{\"id\": \"a\", \"task\": \"Describe a rainy street for a visitor.\"}\n",
    "{\"id\": \"b\", \"task\": \"描写一条雨中的街道。\"}\n",
    "{\"id\": \"c\", \"task\": \"Describe a quiet harbour for a visitor.\"}\n",
    "{\"id\": \"d\", \"task\": \"Describe a snowy garden for a visitor.\"}\n",
    "{\"id\": \"e\", \"task\": \"描写一片安静的花园。\"}\n",
);

/// Runs the recipe in a directory.
pub(crate) fn run(
    dir: &Path,
    tasks: &str,
    model: &Model<'_>,
    held_out: &[&str],
    config: &TraceConfig,
) -> Result<TraceSummary, SynthError> {
    let path = dir.join("tasks.jsonl");
    std::fs::write(&path, tasks).expect("written");
    let mut synth = SynthConfig::default();
    synth.held_out = held_out.iter().map(|id| (*id).to_owned()).collect();
    let models = TraceModels { writer: model, judge: model };
    trace(&path, &dir.join("out"), models, &synth, config, &Silent)
}

/// The bytes of all files of a run.
pub(crate) fn bytes(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = std::fs::read_dir(dir.join("out")).expect("a directory");
    let file = |entry: std::io::Result<std::fs::DirEntry>| {
        let path = entry.expect("an entry").path();
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        (name, std::fs::read(path).expect("a file"))
    };
    entries.map(file).collect()
}

pub(crate) fn candidates(dir: &Path) -> Vec<PreferenceRow> {
    read(&dir.join("out/candidates.parquet")).expect("candidates")
}

/// The candidates that are groups.
pub(crate) fn groups(dir: &Path) -> Vec<PreferenceRow> {
    candidates(dir).into_iter().filter(|row| !row.is_pair()).collect()
}

pub(crate) fn responses(dir: &Path) -> Vec<ResponseRow> {
    read(&dir.join("out/responses.parquet")).expect("responses")
}

//! Data files of judged benchmarks, and judges that answer from a script.

use std::fs;
use std::path::{Path, PathBuf};

use iopo_eval::{JudgedBenchmark, JudgedConfig, JudgedMode, JudgedReport, JudgedRun};
use iopo_llm::{LanguageModel, LlmError, Outcome, Progress, Request, Scripted, Silent};
use serde_json::{Value, json};

/// The folder of data that is not part of the repository.
pub(crate) fn shared() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data")
}

/// Says that a test is skipped.
#[expect(clippy::print_stderr, reason = "a skipped test says so")]
pub(crate) fn skip(what: &str) {
    eprintln!("skipped: {what}");
}

/// Returns the text of a golden file, or `None` if it is absent.
fn golden(name: &str) -> Option<String> {
    let path = shared().join("judged").join(name);
    if !path.is_file() {
        skip(&format!("{} is absent", path.display()));
        return None;
    }
    Some(fs::read_to_string(path).expect("a readable file"))
}

/// Returns the lines of a golden file.
pub(crate) fn rows(name: &str) -> Option<Vec<Value>> {
    let text = golden(name)?;
    Some(text.lines().map(|line| serde_json::from_str(line).expect("a row")).collect())
}

/// Returns a golden file with one JSON value.
pub(crate) fn value(name: &str) -> Option<Value> {
    Some(serde_json::from_str(&golden(name)?).expect("a JSON value"))
}

pub(crate) fn string(value: &Value) -> &str {
    value.as_str().expect("a string")
}

/// A question to a judge: the key and index of the file, texts that only its prompt has, and the answer.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) key: String,
    pub(crate) index: i64,
    pub(crate) marks: Vec<String>,
    pub(crate) answer: String,
}

/// Files of a small benchmark.
pub(crate) struct Files {
    pub(crate) dir: tempfile::TempDir,
    pub(crate) data: PathBuf,
    pub(crate) responses: PathBuf,
    pub(crate) asked: Vec<Asked>,
}

impl Files {
    /// Writes the items of one file, and responses by key.
    pub(crate) fn new(data: &str, responses: &[(String, String)], asked: Vec<Asked>) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("data.json");
        fs::write(&path, data).expect("written");
        let lines = responses
            .iter()
            .map(|(key, response)| json!({"key": key, "response": response}).to_string() + "\n");
        let file = dir.path().join("responses.jsonl");
        fs::write(&file, lines.collect::<String>()).expect("written");
        Self { data: path, responses: file, asked, dir }
    }

    pub(crate) fn config(&self, out: &str) -> JudgedConfig {
        let mut config = JudgedConfig::new(&self.data, self.dir.path().join(out));
        config.responses = Some(self.responses.clone());
        config.bootstrap = iopo_eval::Bootstrap::default().with_samples(50);
        config
    }

    /// Evaluates with a judge that answers from the script, and with the file of its answers; both agree.
    pub(crate) fn evaluate(
        &self,
        (benchmark, mode): (JudgedBenchmark, JudgedMode),
        change: impl Fn(&mut JudgedConfig),
    ) -> JudgedReport {
        let mut config = self.config("asked");
        change(&mut config);
        let run = JudgedRun::prepare(benchmark, mode, &config, &Silent).expect("a run");
        let model = Scripted::new(|request: &Request| self.answer(request));
        let asked = run.judge(&model, &Silent).expect("a report");

        let line = |one: &Asked| {
            json!({"key": one.key, "index": one.index, "answer": one.answer, "judge": "scripted"})
                .to_string()
                + "\n"
        };
        let judged = self.dir.path().join("judged.jsonl");
        fs::write(&judged, self.asked.iter().map(line).collect::<String>()).expect("written");
        let mut config = self.config("read");
        change(&mut config);
        config.judged = Some(judged);
        let run = JudgedRun::prepare(benchmark, mode, &config, &Silent).expect("a run");
        let read = run.read_judged().expect("a report");
        assert_eq!(asked, read);
        // The answers that a run writes give the same verdicts.
        config.judged = Some(self.dir.path().join("asked/judge_answers.jsonl"));
        let run = JudgedRun::prepare(benchmark, mode, &config, &Silent).expect("a run");
        assert_eq!(asked, run.read_judged().expect("a report"));
        asked
    }

    /// Returns the answer to the prompt that has all marks of one question.
    pub(crate) fn answer(&self, request: &Request) -> String {
        let prompt = &request.messages.last().expect("a message").content;
        let fits = |one: &&Asked| one.marks.iter().all(|mark| prompt.contains(mark.as_str()));
        let found: Vec<&Asked> = self.asked.iter().filter(fits).collect();
        assert_eq!(found.len(), 1, "{prompt}");
        found[0].answer.clone()
    }
}

/// Returns a metric's values: over judged items, and with unjudged ones as failed.
pub(crate) fn metric(report: &JudgedReport, name: &str, subset: &str) -> [Option<f64>; 2] {
    let found = report.metrics.iter().find(|one| one.name == name && one.subset == subset);
    let found = found.unwrap_or_else(|| panic!("no metric {name} over {subset}"));
    [found.over_judged.value, found.unjudged_as_failed.value]
}

pub(crate) fn assert_close(found: Option<f64>, expected: &Value, what: &str) {
    let found = found.unwrap_or_else(|| panic!("{what}: no value"));
    let expected = expected.as_f64().unwrap_or_else(|| panic!("{what}: no golden"));
    assert!((found - expected).abs() < 1e-9, "{what}: found {found}, expected {expected}");
}

/// A small TRACE benchmark: items `0`, `1` … with one constraint each, and the answers of a judge.
pub(crate) fn trace(answers: &[&str]) -> Files {
    let mut data = String::new();
    let (mut responses, mut asked) = (Vec::new(), Vec::new());
    for (at, answer) in answers.iter().enumerate() {
        data.push_str(&trace_item(&at.to_string(), "Write.", &["1. short".to_owned()]).to_string());
        data.push('\n');
        responses.push((at.to_string(), format!("Response ⟦{at}⟧")));
        asked.push(Asked {
            key: at.to_string(),
            index: 0,
            marks: vec![format!("⟦{at}⟧")],
            answer: (*answer).to_owned(),
        });
    }
    Files::new(&data, &responses, asked)
}

pub(crate) fn trace_item(id: &str, task: &str, constraints: &[String]) -> Value {
    json!({
        "id": id,
        "messages": [
            {"role": "system", "content": "You are a helpful assistant."},
            {"role": "user", "content": format!("{id}: {task}\n{}\n", constraints.join("\n"))},
        ],
        "description": task,
        "constraints_splits": constraints,
        "constraints_num": constraints.len(),
        "input": "NULL",
        "levels2": vec!["主题约束"; constraints.len()],
    })
}

/// A judge that remembers its answers, as a store does, and stops after some requests.
pub(crate) struct Stopping<'a> {
    pub(crate) files: &'a Files,
    pub(crate) known: std::cell::RefCell<std::collections::BTreeMap<String, String>>,
    pub(crate) asked: std::cell::Cell<usize>,
    pub(crate) limit: usize,
}

impl LanguageModel for Stopping<'_> {
    fn name(&self) -> String {
        "stopping".to_owned()
    }

    fn complete(
        &self,
        requests: &[Request],
        progress: &dyn Progress,
    ) -> Result<Vec<Outcome>, LlmError> {
        let scripted = Scripted::new(|request: &Request| self.files.answer(request));
        let mut outcomes = Vec::new();
        for request in requests {
            let key = serde_json::to_string(request).expect("JSON");
            let known = self.known.borrow().get(&key).cloned();
            if known.is_none() {
                if self.asked.get() == self.limit {
                    return Err(LlmError::Cancelled);
                }
                self.asked.set(self.asked.get() + 1);
                self.known.borrow_mut().insert(key, self.files.answer(request));
            }
            outcomes.extend(scripted.complete(std::slice::from_ref(request), progress)?);
        }
        Ok(outcomes)
    }
}

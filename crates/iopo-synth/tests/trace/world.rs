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

/// A constraint that names one of these holds in a response that has it too.
const KEYWORDS: [&str; 10] =
    ["cheerful", "gloomy", "umbrella", "dog", "欢快", "忧郁", "雨伞", "小狗", "路灯", "自行车"];

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
                    (self.replace)(stage, request).unwrap_or_else(|| said(answer(stage, request)));
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
    if let Some(schema) = &request.schema {
        return &schema.name;
    }
    let (text, system) = (user(request), request.messages[0].content.as_str());
    match () {
        () if text.contains("Rewrite the task below") || text.contains("请改写下面的任务") => {
            "expand"
        }
        () if text.contains("A good answer") || text.contains("一个好的回答") => "worse",
        () if system.contains("must clearly not") || system.contains("必须明显不满足") => {
            "free"
        }
        () => "response",
    }
}

/// The fenced text after a heading of a prompt.
pub(crate) fn block<'a>(text: &'a str, headings: [&str; 2]) -> &'a str {
    headings
        .iter()
        .find_map(|heading| {
            let (_, rest) = text.split_once(&format!("{heading}\n```\n"))?;
            rest.split_once("\n```").map(|(inner, _)| inner)
        })
        .unwrap_or_default()
}

/// Structured parts as JSON.
pub(crate) fn parts(task: &str, constraints: &[(&str, &str)], input: &str) -> String {
    let list: Vec<_> = constraints
        .iter()
        .map(|(text, dimension)| serde_json::json!({"text": text, "dimension": dimension}))
        .collect();
    serde_json::json!({"quality": "good", "reason": "", "task": task, "constraints": list, "input": input})
        .to_string()
}

pub(crate) const ENGLISH: [(&str, &str); 3] = [
    ("Use at most 40 words.", "numerical"),
    ("Keep a cheerful tone.", "tone and style"),
    ("Mention an umbrella.", "inclusion"),
];
const CHINESE: [(&str, &str); 3] =
    [("保持欢快的语气。", "语气风格"), ("提到雨伞。", "包含"), ("提到路灯。", "包含约束")];

fn answer(stage: &str, request: &Request) -> String {
    let text = user(request);
    match stage {
        "expand" => {
            let task = block(text, ["Task:", "任务："]);
            let chinese = task.contains('描');
            let list = if chinese { CHINESE } else { ENGLISH };
            let texts = list.map(|(text, _)| text);
            if chinese {
                format!("{task}{}", texts.concat())
            } else {
                format!("{task} {}", texts.join(" "))
            }
        }
        "trace_structure" => {
            let instruction = block(text, ["Instruction:", "指令："]);
            if let Some((task, _)) = instruction.split_once('。') {
                return parts(&format!("{task}。"), &CHINESE, "NULL");
            }
            let task = instruction.split_once('.').map_or("", |(task, _)| task);
            parts(&format!("{task}."), &ENGLISH, "null")
        }
        "trace_complete" => r#"{"explanation": "ok", "complete": true}"#.to_owned(),
        "trace_redundant" => r#"{"explanation": "ok", "redundant": false}"#.to_owned(),
        "trace_complete_redundant" => {
            r#"{"explanation": "ok", "complete": true, "redundant": false}"#.to_owned()
        }
        "trace_compatible" => r#"{"explanation": "no", "compatible": false}"#.to_owned(),
        "trace_constraint" => {
            let old = block(text, ["Constraint to replace:", "要替换的约束："]);
            let (new, dimension) = match old {
                "Keep a cheerful tone." => ("Keep a gloomy tone.", "tone and style"),
                "Use at most 40 words." => ("Use at least 60 words.", "numerical"),
                "保持欢快的语气。" => ("保持忧郁的语气。", "语气风格"),
                "提到路灯。" => ("提到自行车。", "包含"),
                _ if text.contains('约') => ("提到小狗。", "包含"),
                _ => ("Mention a dog.", "inclusion"),
            };
            serde_json::json!({"constraint": new, "dimension": dimension}).to_string()
        }
        "trace_rating" => {
            let response = block(text, ["Response to grade:", "待评判的回复："]);
            let constraints = constraints(text);
            let score = |constraint: &String| {
                let missing = KEYWORDS
                    .iter()
                    .any(|word| constraint.contains(word) && !response.contains(word));
                if missing { 2 } else { 10 }
            };
            scores(&constraints.iter().map(score).collect::<Vec<_>>())
        }
        "worse" if text.contains('约') => "街上下着雨，行人走得很快，水洼里有影子。".to_owned(),
        "worse" => "The street lies under steady rain and nobody walks along it today.".to_owned(),
        // After the removal of the limit, the answer must exceed it.
        "free" if request.messages[0].content.contains("at most 40 words") => {
            response(&format!("{text} at least 60 words"))
        }
        _ => response(text),
    }
}

/// The constraints that a rating asks about.
pub(crate) fn constraints(text: &str) -> Vec<String> {
    let lines = text.lines().filter_map(|line| line.strip_prefix('[')?.split_once("] "));
    lines.map(|(_, constraint)| constraint.to_owned()).collect()
}

/// Scores as the judge writes them.
pub(crate) fn scores(scores: &[i32]) -> String {
    let verdicts: Vec<_> = scores
        .iter()
        .enumerate()
        .map(|(at, score)| serde_json::json!({"index": at + 1, "explanation": "Seen.", "score": score}))
        .collect();
    serde_json::json!({ "verdicts": verdicts }).to_string()
}

/// A response with the keywords of its instruction.
fn response(instruction: &str) -> String {
    let words: Vec<&str> = KEYWORDS.into_iter().filter(|word| instruction.contains(word)).collect();
    if instruction.contains('描') {
        return format!("雨落在街道上，人们慢慢走过。{}。", words.join("，"));
    }
    let long = if instruction.contains("at least 60 words") {
        "rain falls on the street again and again ".repeat(8)
    } else {
        String::new()
    };
    format!("Rain falls on the street, {long}and people see: {}.", words.join(" "))
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

pub(crate) fn responses(dir: &Path) -> Vec<ResponseRow> {
    read(&dir.join("out/responses.parquet")).expect("responses")
}

//! A scripted writer, judge and scorer that know two languages.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::path::Path;

use iopo_core::overlap::OverlapIndex;
use iopo_llm::{
    Completion, FinishReason, LanguageModel, LlmError, LogProb, LogProbResponse, Message, Outcome,
    Progress, Request, Silent, TokenLogps,
};
use iopo_schema::{InputPreferenceRow, PreferenceRow, ResponseRow, read};
use iopo_synth::SynthError;
use iopo_synth::fipo::{
    FipoConfig, FipoModels, FipoOptions, FipoSeed, FipoSeeds, FipoSummary, fipo,
};

/// A requirement that names one of these holds in a response that has it too.
const KEYWORDS: [&str; 6] = ["cheerful", "umbrella", "dog", "欢快", "雨伞", "小狗"];

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
    store: RefCell<BTreeMap<String, Outcome>>,
    /// Number of answers that are left.
    pub(crate) left: Cell<usize>,
    /// Number of requests that were not in the store.
    pub(crate) asked: Cell<usize>,
    /// The kind and the user message of each of them.
    pub(crate) seen: RefCell<Vec<(String, String)>>,
}

impl<'a> Model<'a> {
    pub(crate) fn new(replace: &'a Replace<'a>) -> Self {
        Self {
            replace,
            store: RefCell::default(),
            left: Cell::new(usize::MAX),
            asked: Cell::new(0),
            seen: RefCell::default(),
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
                let kind = kind(request);
                self.seen.borrow_mut().push((kind.to_owned(), user(request).to_owned()));
                let outcome =
                    (self.replace)(kind, request).unwrap_or_else(|| said(answer(kind, request)));
                self.store.borrow_mut().insert(key, outcome.clone());
                outcome
            };
            progress.advance(1);
            outcomes.push(outcome);
        }
        Ok(outcomes)
    }
}

/// Scores by the number of words that a prompt shares with the response.
pub(crate) struct Scorer;

impl LogProb for Scorer {
    fn response_logps(
        &self,
        prompts: &[Vec<Message>],
        responses: &[LogProbResponse<'_>],
        progress: &dyn Progress,
    ) -> Result<Vec<TokenLogps>, LlmError> {
        let score =
            |(index, (prompt, response)): (usize, (&Vec<Message>, &LogProbResponse<'_>))| {
                if response.text.contains("<|end|>") {
                    return Err(LlmError::SpecialToken { index, token: "<|end|>".to_owned() });
                }
                let words: Vec<&str> = response.text.split_whitespace().collect();
                let shared = words.iter().filter(|word| prompt[0].content.contains(**word)).count();
                progress.advance(1);
                let tokens = words.len().max(1) as u32;
                Ok(TokenLogps { sum: shared as f64 - f64::from(tokens), tokens })
            };
        prompts.iter().zip(responses).enumerate().map(score).collect()
    }
}

pub(crate) fn user(request: &Request) -> &str {
    request.messages.last().map_or("", |message| message.content.as_str())
}

/// The kind of a request: the order of a rewrite, the schema, or a response.
pub(crate) fn kind(request: &Request) -> &str {
    let text = user(request);
    let has = |marks: [&str; 2]| marks.iter().any(|mark| text.contains(mark));
    match request.schema.as_ref().map(|schema| schema.name.as_str()) {
        Some("fipo_rewrite") => match () {
            () if has(["The desired response has these properties", "期望的回答具有以下性质"]) => {
                "better"
            }
            () if has(["Another requirement", "另一项要求"]) => "other",
            () if has(["a weaker version", "较差版本"]) => "vague",
            () => "plain",
        },
        Some("fipo_judge") if is_better_first(text) => "judge-better-first",
        Some("fipo_judge") => "judge-worse-first",
        Some(_) if block(text, ["Response to grade:", "待评判的回复："]) == y_of(text) => {
            "rating"
        }
        Some(_) => "response-rating",
        None => "response",
    }
}

fn is_better_first(text: &str) -> bool {
    is_better(block(text, ["Instruction A:", "指令 A："]))
}

fn is_better(instruction: &str) -> bool {
    instruction.contains("umbrella") || instruction.contains("雨伞")
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

pub(crate) const Y: &str =
    "Rain falls on the street while a cheerful umbrella walks by, and puddles shine.";
pub(crate) const Y_ZH: &str = "雨落在街道上，欢快的雨伞慢慢走过，水洼闪着光。";

fn y_of(text: &str) -> &'static str {
    if is_chinese(text) { Y_ZH } else { Y }
}

pub(crate) fn is_chinese(text: &str) -> bool {
    text.contains('街')
}

/// A rewrite as JSON.
pub(crate) fn rewrite(instruction: &str, constraints: &[(&str, &str)]) -> String {
    let list: Vec<_> = constraints
        .iter()
        .map(|(text, dimension)| serde_json::json!({"text": text, "dimension": dimension}))
        .collect();
    serde_json::json!({"instruction": instruction, "constraints": list}).to_string()
}

pub(crate) const BETTER: [(&str, &str); 3] = [
    ("Keep a cheerful tone.", "tone and style"),
    ("Mention an umbrella.", "inclusion"),
    ("Use at most 40 words.", "numerical"),
];
pub(crate) const BETTER_ZH: [(&str, &str); 3] =
    [("保持欢快的语气。", "语气风格"), ("提到雨伞。", "包含"), ("不超过40个字。", "数值约束")];

fn answer(kind: &str, request: &Request) -> String {
    let text = user(request);
    let chinese = is_chinese(text);
    let task = block(text, ["Instruction to rewrite:", "要改写的指令："]);
    let join = |list: &[(&str, &str)]| {
        let texts: Vec<&str> = list.iter().map(|(text, _)| *text).collect();
        let gap = if chinese { "" } else { " " };
        rewrite(&format!("{task}{gap}{}", texts.join(gap)), list)
    };
    match kind {
        "better" if chinese => join(&BETTER_ZH),
        "better" => join(&BETTER),
        // The first one is shared with the better rewrite.
        "other" | "plain" if chinese => join(&[BETTER_ZH[0], ("提到小狗。", "包含")]),
        "other" | "plain" => join(&[BETTER[0], ("Mention a dog.", "inclusion")]),
        "vague" if chinese => rewrite(&format!("{task}写得好一点。"), &[]),
        "vague" => rewrite(&format!("{task} Make it nice."), &[]),
        "judge-better-first" => choice("A"),
        "judge-worse-first" => choice("B"),
        "rating" | "response-rating" => {
            let response = block(text, ["Response to grade:", "待评判的回复："]);
            let score = |constraint: &String| {
                let missing = KEYWORDS
                    .iter()
                    .any(|word| constraint.contains(word) && !response.contains(word));
                if missing { 2 } else { 10 }
            };
            scores(&constraints(text).iter().map(score).collect::<Vec<_>>())
        }
        _ => {
            let words: Vec<&str> =
                KEYWORDS.into_iter().filter(|word| text.contains(word)).collect();
            if chinese {
                format!("街边很热闹：{}。", words.join("，"))
            } else {
                format!("Beside the wet road, people notice: {}.", words.join(" "))
            }
        }
    }
}

pub(crate) fn choice(letter: &str) -> String {
    serde_json::json!({"explanation": "It fits.", "better": letter}).to_string()
}

/// The requirements that a rating asks about.
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

/// A seed in English, or in Chinese.
pub(crate) fn seed(id: &str, chinese: bool) -> FipoSeed {
    let (task, y, naive, holds) = if chinese {
        ("向游客描写一条下雨的街道。", Y_ZH, "街道。", "保持欢快的语气。")
    } else {
        ("Describe a rainy street for a visitor.", Y, "A street.", "Keep a cheerful tone.")
    };
    FipoSeed {
        task_id: id.to_owned(),
        task: task.to_owned(),
        input: None,
        y: y.to_owned(),
        naive: Some(naive.to_owned()),
        holds: vec![holds.to_owned()],
        language: None,
        generator: "given".to_owned(),
    }
}

/// Settings of the tests: all failures are allowed, and few responses are in a part.
pub(crate) fn config(change: impl Fn(&mut FipoConfig)) -> FipoConfig {
    let mut config = FipoConfig::default();
    config.max_failed_share = 1.0;
    config.seeds_per_part = 2;
    config.other_share = 1.0;
    change(&mut config);
    config
}

pub(crate) fn four() -> Vec<FipoSeed> {
    vec![seed("a", false), seed("b", true), seed("c", false), seed("d", true)]
}

/// Runs the collector with one model in all roles.
pub(crate) fn run(
    dir: &Path,
    seeds: Vec<FipoSeed>,
    model: &Model<'_>,
    held_out: &[&str],
    config: &FipoConfig,
) -> Result<FipoSummary, SynthError> {
    let models = FipoModels {
        writer: model,
        worse: None,
        judge: model,
        scorer: Some(&Scorer as &dyn LogProb),
    };
    run_with(dir, seeds, models, held_out, config)
}

/// Runs the collector.
pub(crate) fn run_with(
    dir: &Path,
    seeds: Vec<FipoSeed>,
    models: FipoModels<'_>,
    held_out: &[&str],
    config: &FipoConfig,
) -> Result<FipoSummary, SynthError> {
    let seeds = FipoSeeds::new(seeds, [].into(), [].into());
    run_tested(dir, seeds, models, held_out, config, None)
}

/// Runs the collector with prompts that no rewrite may overlap with.
pub(crate) fn run_tested(
    dir: &Path,
    seeds: FipoSeeds,
    models: FipoModels<'_>,
    held_out: &[&str],
    config: &FipoConfig,
    tested: Option<&OverlapIndex>,
) -> Result<FipoSummary, SynthError> {
    let tasks = seeds.seeds.iter().map(|seed| seed.task_id.clone()).collect();
    let held_out: Vec<String> = held_out.iter().map(ToString::to_string).collect();
    let options = FipoOptions {
        seed: 3,
        held_out: &held_out,
        tasks: &tasks,
        tested,
        fail_at_most: 3.0,
        scorer: Some("scorer"),
    };
    fipo(seeds, &dir.join("out"), models, config, options, &Silent)
}

pub(crate) fn candidates(dir: &Path) -> Vec<PreferenceRow> {
    read(&dir.join("out/candidates.parquet")).expect("rows")
}

pub(crate) fn preferences(dir: &Path) -> Vec<InputPreferenceRow> {
    read(&dir.join("out/input_preferences.parquet")).expect("rows")
}

pub(crate) fn responses(dir: &Path) -> Vec<ResponseRow> {
    read(&dir.join("out/responses.parquet")).expect("rows")
}

/// The bytes of all files, by name.
pub(crate) fn bytes(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = std::fs::read_dir(dir.join("out")).expect("a directory");
    let file = |entry: std::io::Result<std::fs::DirEntry>| {
        let path = entry.expect("an entry").path();
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        (name, std::fs::read(&path).expect("bytes"))
    };
    entries.map(file).collect()
}

//! A writer and a judge by script, in English and Chinese, for the recipe `trace`.
//!
//! The writer adds the same three constraints to every task and follows the keywords of an instruction. The judge looks for the
//! keywords of a constraint.

use iopo_core::random::keyed;
use iopo_llm::{Request, Role};
use rand::RngExt;
use serde_json::json;

/// A constraint that names one of these holds in a response that has it too.
const KEYWORDS: [&str; 10] =
    ["cheerful", "gloomy", "umbrella", "dog", "欢快", "忧郁", "雨伞", "小狗", "路灯", "自行车"];

/// The constraints of English instructions, with their dimensions.
pub const ENGLISH: [(&str, &str); 3] = [
    ("Use at most 40 words.", "numerical"),
    ("Keep a cheerful tone.", "tone and style"),
    ("Mention an umbrella.", "inclusion"),
];
const CHINESE: [(&str, &str); 3] =
    [("保持欢快的语气。", "语气风格"), ("提到雨伞。", "包含"), ("提到路灯。", "包含约束")];

const WORDS: [&str; 24] = [
    "slowly", "bridge", "market", "lanterns", "windows", "children", "stones", "quietly",
    "harbour", "evening", "voices", "copper", "garden", "passing", "river", "wooden", "ladder",
    "clouds", "music", "paper", "tower", "bakers", "silver", "morning",
];
const WORDS_ZH: [&str; 16] = [
    "石桥", "集市", "灯笼", "窗户", "孩子", "石阶", "港口", "傍晚", "歌声", "花园", "河水", "木梯",
    "云朵", "钟楼", "面包", "清晨",
];

/// What a model is asked.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// The name of the schema of the answer.
    pub schema: Option<&'a str>,
    /// The first message.
    pub system: &'a str,
    /// The last message.
    pub user: &'a str,
}

impl<'a> From<&'a Request> for Asked<'a> {
    fn from(request: &'a Request) -> Self {
        let system = request.messages.iter().find(|message| message.role == Role::System);
        let text = |message: Option<&'a iopo_llm::Message>| {
            message.map_or("", |message| message.content.as_str())
        };
        Self {
            schema: request.schema.as_ref().map(|schema| schema.name.as_str()),
            system: text(system),
            user: text(request.messages.last()),
        }
    }
}

impl<'a> Asked<'a> {
    /// Returns the name of the schema, or that of the template.
    pub fn stage(self) -> &'a str {
        let Self { schema, system, user } = self;
        match schema {
            Some(schema) => schema,
            None if user.contains("Rewrite the task below")
                || user.contains("请改写下面的任务") =>
            {
                "expand"
            }
            None if user.contains("A good answer") || user.contains("一个好的回答") => {
                "worse"
            }
            None if system.contains("must clearly not") || system.contains("必须明显不满足") => {
                "free"
            }
            None => "response",
        }
    }

    /// Returns the scripted answer.
    pub fn answer(self) -> String {
        let text = self.user;
        match self.stage() {
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
                json!({"constraint": new, "dimension": dimension}).to_string()
            }
            "trace_rating" => {
                let response = block(text, ["Response to grade:", "待评判的回复："]);
                let score = |constraint: &String| {
                    let missing = KEYWORDS
                        .iter()
                        .any(|word| constraint.contains(word) && !response.contains(word));
                    if missing { 2 } else { 10 }
                };
                scores(&constraints(text).iter().map(score).collect::<Vec<_>>())
            }
            "worse" if text.contains('约') => format!("街上下着雨，{}。", filler(text, true, 20)),
            "worse" => format!("Steady rain, {}.", filler(text, false, 18)),
            // After the removal of the limit, the answer must exceed it.
            "free" if self.system.contains("at most 40 words") => {
                response(&format!("{text} at least 60 words"))
            }
            _ => response(text),
        }
    }
}

/// Returns the fenced text after a heading of a prompt.
pub fn block<'a>(text: &'a str, headings: [&str; 2]) -> &'a str {
    headings
        .iter()
        .find_map(|heading| {
            let (_, rest) = text.split_once(&format!("{heading}\n```"))?;
            // A fence is longer than the fences in its text.
            let longer = rest.len() - rest.trim_start_matches('`').len();
            let inner = rest[longer..].strip_prefix('\n')?;
            let fence = format!("\n```{}", "`".repeat(longer));
            inner.split_once(&fence).map(|(inner, _)| inner)
        })
        .unwrap_or_default()
}

/// Returns the parts of an instruction as the writer writes them.
pub fn parts(task: &str, constraints: &[(&str, &str)], input: &str) -> String {
    let one = |(text, dimension): &(&str, &str)| json!({"text": text, "dimension": dimension});
    let list: Vec<_> = constraints.iter().map(one).collect();
    json!({"quality": "good", "reason": "", "task": task, "constraints": list, "input": input})
        .to_string()
}

/// Returns the constraints that a rating asks about.
pub fn constraints(text: &str) -> Vec<String> {
    let lines = text.lines().filter_map(|line| line.strip_prefix('[')?.split_once("] "));
    lines.map(|(_, constraint)| constraint.to_owned()).collect()
}

/// Returns scores as the judge writes them.
pub fn scores(scores: &[i32]) -> String {
    let one = |(at, score): (usize, &i32)| json!({"index": at + 1, "explanation": "Seen.", "score": score});
    let verdicts: Vec<_> = scores.iter().enumerate().map(one).collect();
    json!({ "verdicts": verdicts }).to_string()
}

/// A response with the keywords of its instruction. Most of its words differ between instructions, so that no two responses are
/// near duplicates.
fn response(instruction: &str) -> String {
    let words: Vec<&str> = KEYWORDS.into_iter().filter(|word| instruction.contains(word)).collect();
    if instruction.contains('描') {
        return format!("雨落下来，{}。{}。", words.join("，"), filler(instruction, true, 20));
    }
    let count = if instruction.contains("at least 60 words") { 64 } else { 18 };
    format!("Rain, {}, {}.", filler(instruction, false, count), words.join(" "))
}

/// Words that depend on a text.
fn filler(text: &str, chinese: bool, count: usize) -> String {
    let mut rng = keyed(0, &["trace", text]);
    let list = if chinese { &WORDS_ZH[..] } else { &WORDS[..] };
    let words: Vec<&str> = (0..count).map(|_| list[rng.random_range(0..list.len())]).collect();
    words.join(if chinese { "" } else { " " })
}

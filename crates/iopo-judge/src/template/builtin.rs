//! The templates that the crate embeds.

use super::{Slots, Template};

/// The language of a prompt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Language {
    /// English.
    English,
    /// Chinese.
    Chinese,
}

impl Language {
    /// The code in keys and file names.
    pub const fn id(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Chinese => "zh",
        }
    }
}

/// A question that a judge is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Prompt {
    /// TRACE: a score from 0 to 10 per constraint, as JSON with indices.
    Trace,
    /// TRACE: the layout that the paper describes, with scores by constraint and a list of overall scores.
    TracePaper,
    /// TRACE: the layout of the published script, with one overall score.
    TraceScript,
    /// CFBench: a mark per criterion.
    CfBench,
    /// FollowBench, level 1.
    FollowBenchOne,
    /// FollowBench, levels 2 to 5.
    FollowBench,
    /// ComplexBench: a yes-no question about a response.
    ComplexBenchJudge,
    /// ComplexBench: a request to copy the part of a response that a question is about.
    ComplexBenchExtract,
}

impl Prompt {
    /// All prompts.
    pub const ALL: [Self; 8] = [
        Self::Trace,
        Self::TracePaper,
        Self::TraceScript,
        Self::CfBench,
        Self::FollowBenchOne,
        Self::FollowBench,
        Self::ComplexBenchJudge,
        Self::ComplexBenchExtract,
    ];

    /// The text of the embedded template, to copy and change. CFBench and ComplexBench have Chinese templates only.
    pub const fn text(self, language: Language) -> &'static str {
        match (self, language) {
            (Self::Trace, Language::English) => include_str!("../../data/templates/trace.en.txt"),
            (Self::Trace, Language::Chinese) => include_str!("../../data/templates/trace.zh.txt"),
            (Self::TracePaper, _) => include_str!("../../data/templates/trace-paper.en.txt"),
            (Self::TraceScript, _) => include_str!("../../data/templates/trace-script.en.txt"),
            (Self::CfBench, _) => include_str!("../../data/templates/cfbench.zh.txt"),
            (Self::FollowBenchOne, Language::English) => {
                include_str!("../../data/templates/followbench-one.en.txt")
            }
            (Self::FollowBenchOne, Language::Chinese) => {
                include_str!("../../data/templates/followbench-one.zh.txt")
            }
            (Self::FollowBench, Language::English) => {
                include_str!("../../data/templates/followbench.en.txt")
            }
            (Self::FollowBench, Language::Chinese) => {
                include_str!("../../data/templates/followbench.zh.txt")
            }
            (Self::ComplexBenchJudge, _) => {
                include_str!("../../data/templates/complexbench-judge.zh.txt")
            }
            (Self::ComplexBenchExtract, _) => {
                include_str!("../../data/templates/complexbench-extract.zh.txt")
            }
        }
    }

    /// The name of the embedded template.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Trace => "trace",
            Self::TracePaper => "trace-paper",
            Self::TraceScript => "trace-script",
            Self::CfBench => "cfbench",
            Self::FollowBenchOne => "followbench-one",
            Self::FollowBench => "followbench",
            Self::ComplexBenchJudge => "complexbench-judge",
            Self::ComplexBenchExtract => "complexbench-extract",
        }
    }
}

impl Slots for Prompt {
    fn slots(self) -> &'static [&'static str] {
        match self {
            Self::Trace => &["task", "constraints", "input", "response", "count"],
            Self::TracePaper => &["task", "constraints", "input", "response"],
            Self::TraceScript => &["query", "constraints", "response"],
            Self::CfBench => &["instruction", "reference", "response", "criteria"],
            Self::FollowBenchOne => &["type", "instructions", "response"],
            Self::FollowBench => &["type", "count", "instructions", "response"],
            Self::ComplexBenchJudge | Self::ComplexBenchExtract => {
                &["instruction", "response", "question"]
            }
        }
    }
}

/// Parses an embedded template.
pub(super) fn template(prompt: Prompt, language: Language) -> Template {
    Template::parse(prompt, prompt.name(), prompt.text(language))
        .unwrap_or_else(|error| unreachable!("a test parses every embedded template: {error}"))
}

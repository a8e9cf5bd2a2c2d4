//! The items of a benchmark: its prompts, the questions to its judge, and the verdicts.

mod cfbench;
mod complexbench;
mod followbench;
mod trace;

use std::collections::BTreeSet;

use iopo_judge::{Answers, Evaluation, Language, Prompt, Responses, Role, Template, Unjudged};
use iopo_llm::Message;
use iopo_schema::{ConstraintRow, PredictionRow, ResponseEnd};

use super::JudgedBenchmark;
use crate::TestPrompt;
use crate::prompt::Asked;

pub(super) use cfbench::CfBench;
pub(super) use complexbench::ComplexBench;
pub(super) use followbench::FollowBench;
pub(super) use trace::Trace;

/// A prompt for the evaluated model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct JudgedPrompt {
    /// The last user turn, with the texts of the constraints, criteria or questions, which have no checks. Its task is the group
    /// of prompts that belong together; empty where prompts are independent.
    pub(super) test: TestPrompt,
    /// All turns.
    messages: Vec<Message>,
}

impl JudgedPrompt {
    /// Makes the prompt of an item, by its key and group.
    pub(super) fn new(
        benchmark: JudgedBenchmark,
        (key, group): (String, String),
        messages: Vec<Message>,
        constraints: Vec<ConstraintRow>,
    ) -> Self {
        let user = messages.iter().rev().find(|one| one.role == iopo_llm::Role::User);
        let prompt = user.map(|message| message.content.clone()).unwrap_or_default();
        let benchmark = benchmark.id().to_owned();
        Self { test: TestPrompt { benchmark, key, task_id: group, prompt, constraints }, messages }
    }
}

impl Asked for JudgedPrompt {
    fn key(&self) -> &str {
        &self.test.key
    }

    fn messages(&self) -> Vec<Message> {
        self.messages.clone()
    }

    fn prediction(&self, response: String, end: ResponseEnd) -> PredictionRow {
        self.test.prediction(response, end)
    }

    fn identity(&self) -> Vec<&str> {
        let turns = self.messages.iter().map(|message| message.content.as_str());
        [self.test.key.as_str()].into_iter().chain(turns).collect()
    }
}

/// A question to the judge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Question {
    pub(super) key: String,
    /// Id of the question within its item; 0 if the item has one.
    pub(super) index: i64,
    /// Positions of the item, and of the question in it.
    pub(super) at: (usize, usize),
    pub(super) messages: Vec<Message>,
}

/// The items of a benchmark in one mode.
pub(super) trait Items {
    /// Returns the prompts, in the order of the data.
    fn prompts(&self) -> Vec<JudgedPrompt>;

    /// Keeps the items with these keys.
    fn keep(&mut self, keys: &BTreeSet<String>);

    /// Returns the questions about the items that have a response and need a judge.
    fn questions(&self, templates: &Templates, responses: &Responses) -> Vec<Question>;

    /// Returns why an answer gives no verdict.
    fn read(&self, question: &Question, response: &str, answer: &str) -> Result<(), Unjudged>;

    /// Whether a response contains text in the form of a verdict.
    fn is_forged(&self, question: &Question, response: &str) -> bool;

    /// Lists the parts of the benchmark that have no item.
    fn absent(&self) -> Vec<&'static str> {
        Vec::new()
    }

    /// Reads the verdicts and computes the metrics.
    fn evaluate(&self, responses: &Responses, answers: &Answers) -> Evaluation;
}

/// The templates of a run.
#[derive(Debug)]
pub(super) struct Templates(Vec<Template>);

impl Templates {
    pub(super) fn built_in(prompts: &[Prompt], language: Language) -> Self {
        Self(prompts.iter().map(|prompt| Template::built_in(*prompt, language)).collect())
    }

    /// Returns the template of a prompt. The caller names one that the run has.
    pub(super) fn of(&self, prompt: Prompt) -> &Template {
        self.0.iter().find(|template| template.prompt() == prompt).unwrap_or(&self.0[0])
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Template> {
        self.0.iter()
    }
}

/// Converts the messages of a judge's prompt.
pub(super) fn messages(prompt: Vec<iopo_judge::Message>) -> Vec<Message> {
    let message = |message: iopo_judge::Message| match message.role {
        Role::System => Message::system(message.content),
        Role::User => Message::user(message.content),
    };
    prompt.into_iter().map(message).collect()
}

/// Creates the row of a constraint that only a judge can decide.
pub(super) fn constraint(text: &str, kind: &str, dimension: &str) -> ConstraintRow {
    ConstraintRow {
        text: text.to_owned(),
        constraint_type: kind.to_owned(),
        dimension: dimension.to_owned(),
        check: None,
    }
}

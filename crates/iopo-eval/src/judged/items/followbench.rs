//! FollowBench.

use std::collections::BTreeSet;

use iopo_judge::followbench::{Item, evaluate, forged_verdict, judge, prompt, steps};
use iopo_judge::{Answers, Evaluation, Mode, Prompt, Responses, Unjudged};
use iopo_llm::Message;

use super::super::JudgedBenchmark;
use super::super::benchmark::FOLLOWBENCH_FILES as TYPES;
use super::{Items, JudgedPrompt, Question, Templates, messages};

/// The items of FollowBench in one language.
#[derive(Debug)]
pub(in crate::judged) struct FollowBench {
    mode: Mode,
    /// Every item: the judge reads the lower levels of a group.
    all: Vec<Item>,
    /// The evaluated items, whose level is at least 1.
    items: Vec<Item>,
}

impl FollowBench {
    pub(in crate::judged) fn new(mode: Mode, all: Vec<Item>) -> Self {
        let items = all.iter().filter(|item| item.level > 0).cloned().collect();
        Self { mode, all, items }
    }
}

impl Items for FollowBench {
    fn prompts(&self) -> Vec<JudgedPrompt> {
        let prompt = |item: &Item| {
            let named = (item.key(), item.group());
            let messages = vec![Message::user(item.instruction.clone())];
            let constraints = Vec::new();
            JudgedPrompt::new(JudgedBenchmark::FollowBench, named, messages, constraints)
        };
        self.items.iter().map(prompt).collect()
    }

    fn keep(&mut self, keys: &BTreeSet<String>) {
        self.items.retain(|item| keys.contains(&item.key()));
    }

    fn questions(&self, templates: &Templates, responses: &Responses) -> Vec<Question> {
        let asked = self.items.iter().enumerate().filter(|(_, item)| item.rule().is_none());
        let question = |(at, item): (usize, &Item)| {
            let kind = if item.level == 1 { Prompt::FollowBenchOne } else { Prompt::FollowBench };
            let (key, steps) = (item.key(), steps(&self.all, item));
            let response = responses.to(&key)?;
            let messages = messages(prompt(templates.of(kind), item, &steps, response));
            Some(Question { key, index: 0, at: (at, 0), messages })
        };
        asked.filter_map(question).collect()
    }

    fn read(&self, question: &Question, _response: &str, answer: &str) -> Result<(), Unjudged> {
        let item = &self.items[question.at.0];
        judge(self.mode, item.language, item.level, answer).map(drop)
    }

    fn is_forged(&self, _question: &Question, response: &str) -> bool {
        forged_verdict(response)
    }

    fn absent(&self) -> Vec<&'static str> {
        let has = |name: &str| self.items.iter().any(|item| item.category.id() == name);
        TYPES.into_iter().filter(|name| !has(name)).collect()
    }

    fn evaluate(&self, responses: &Responses, answers: &Answers) -> Evaluation {
        evaluate(self.mode, &self.items, responses, answers)
    }
}

//! TRACE.

use std::collections::BTreeSet;

use iopo_judge::trace::{
    Item, evaluate, evaluate_script, forged_verdict, prompt, scores, script_rating,
};
use iopo_judge::{Answers, Evaluation, Mode, Responses, Unjudged};
use iopo_llm::{Message, Role};

use super::{Items, JudgedPrompt, Question, Templates, constraint, messages};
use crate::judged::{JudgedBenchmark, JudgedMode};

/// The items of TRACE.
#[derive(Debug)]
pub(in crate::judged) struct Trace {
    pub(in crate::judged) mode: JudgedMode,
    pub(in crate::judged) items: Vec<Item>,
}

impl Items for Trace {
    fn prompts(&self) -> Vec<JudgedPrompt> {
        let message = |(role, content): &(String, String)| {
            let role = match role.as_str() {
                "system" => Role::System,
                "assistant" => Role::Assistant,
                _ => Role::User,
            };
            Message { role, content: content.clone() }
        };
        let prompt = |item: &Item| {
            let named = (item.id.clone(), String::new());
            let messages = item.messages.iter().map(message).collect();
            let constraints = (item.constraints.iter().enumerate())
                .map(|(at, text)| constraint(text, "", item.dimension(at)))
                .collect();
            JudgedPrompt::new(JudgedBenchmark::Trace, named, messages, constraints)
        };
        self.items.iter().map(prompt).collect()
    }

    fn keep(&mut self, keys: &BTreeSet<String>) {
        self.items.retain(|item| keys.contains(&item.id));
    }

    fn questions(&self, templates: &Templates, responses: &Responses) -> Vec<Question> {
        let template = templates.of(JudgedBenchmark::Trace.templates(self.mode)[0]);
        let items = self.items.iter().enumerate();
        let question = |(at, item): (usize, &Item)| {
            let response = responses.to(&item.id)?;
            let messages = messages(prompt(template, item, response));
            Some(Question { key: item.id.clone(), index: 0, at: (at, 0), messages })
        };
        items.filter_map(question).collect()
    }

    fn read(&self, question: &Question, _response: &str, answer: &str) -> Result<(), Unjudged> {
        let count = self.items[question.at.0].constraints.len();
        match self.mode {
            JudgedMode::Paper => scores(Mode::Paper, count, answer).map(drop),
            JudgedMode::Repaired => scores(Mode::Repaired, count, answer).map(drop),
            JudgedMode::Script => script_rating(answer).map(drop),
        }
    }

    fn is_forged(&self, _question: &Question, response: &str) -> bool {
        forged_verdict(response)
    }

    fn evaluate(&self, _responses: &Responses, answers: &Answers) -> Evaluation {
        match self.mode {
            JudgedMode::Script => evaluate_script(&self.items, answers),
            mode => evaluate(mode.reading(), &self.items, answers),
        }
    }
}

//! CFBench.

use std::collections::BTreeSet;

use iopo_judge::cfbench::{Item, evaluate, forged_verdict, prompt, verdict};
use iopo_judge::{Answers, Evaluation, Mode, Prompt, Responses, Unjudged};
use iopo_llm::Message;

use super::super::JudgedBenchmark;
use super::{Items, JudgedPrompt, Question, Templates, constraint, messages};

/// The items of CFBench.
#[derive(Debug)]
pub(in crate::judged) struct CfBench {
    pub(in crate::judged) mode: Mode,
    pub(in crate::judged) items: Vec<Item>,
}

impl Items for CfBench {
    fn prompts(&self) -> Vec<JudgedPrompt> {
        let prompt = |item: &Item| {
            let named = (item.index.to_string(), String::new());
            let messages = vec![Message::user(item.prompt.clone())];
            let constraints = (item.criteria.iter())
                .map(|one| constraint(&one.text, &one.kind, &one.subkind))
                .collect();
            JudgedPrompt::new(JudgedBenchmark::CfBench, named, messages, constraints)
        };
        self.items.iter().map(prompt).collect()
    }

    fn keep(&mut self, keys: &BTreeSet<String>) {
        self.items.retain(|item| keys.contains(&item.index.to_string()));
    }

    fn questions(&self, templates: &Templates, responses: &Responses) -> Vec<Question> {
        let template = templates.of(Prompt::CfBench);
        let items = self.items.iter().enumerate();
        let question = |(at, item): (usize, &Item)| {
            let key = item.index.to_string();
            let messages = messages(prompt(template, item, responses.to(&key)?));
            Some(Question { key, index: 0, at: (at, 0), messages })
        };
        items.filter_map(question).collect()
    }

    fn read(&self, question: &Question, _response: &str, answer: &str) -> Result<(), Unjudged> {
        verdict(self.mode, &self.items[question.at.0].criteria, answer).map(drop)
    }

    fn is_forged(&self, question: &Question, response: &str) -> bool {
        forged_verdict(&self.items[question.at.0].criteria, response)
    }

    fn evaluate(&self, _responses: &Responses, answers: &Answers) -> Evaluation {
        evaluate(self.mode, &self.items, answers)
    }
}

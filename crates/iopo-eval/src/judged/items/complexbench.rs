//! ComplexBench.

use std::collections::BTreeSet;

use iopo_judge::complexbench::{Item, decide, evaluate, forged_verdict, judge, objects, prompt};
use iopo_judge::{Answers, Evaluation, Language, Mode, Prompt, Responses, Unjudged};
use iopo_llm::Message;

use super::super::JudgedBenchmark;
use super::{Items, JudgedPrompt, Question, Templates, constraint, messages};

/// The items of ComplexBench, asked in one language.
#[derive(Debug)]
pub(in crate::judged) struct ComplexBench {
    pub(in crate::judged) mode: Mode,
    pub(in crate::judged) language: Language,
    pub(in crate::judged) items: Vec<Item>,
}

impl ComplexBench {
    fn instruction<'a>(&self, item: &'a Item) -> &'a str {
        match self.language {
            Language::English => &item.instruction_en,
            Language::Chinese => &item.instruction,
        }
    }
}

impl Items for ComplexBench {
    fn prompts(&self) -> Vec<JudgedPrompt> {
        let prompt = |item: &Item| {
            let named = (item.main_id.to_string(), item.group.clone());
            let messages = vec![Message::user(self.instruction(item))];
            let constraints = (item.questions.iter())
                .map(|one| {
                    let text = match self.language {
                        Language::English => &one.question_en,
                        Language::Chinese => &one.question,
                    };
                    constraint(text, &one.compositions.join(", "), &one.dimensions.join(", "))
                })
                .collect();
            JudgedPrompt::new(JudgedBenchmark::ComplexBench, named, messages, constraints)
        };
        self.items.iter().map(prompt).collect()
    }

    fn keep(&mut self, keys: &BTreeSet<String>) {
        self.items.retain(|item| keys.contains(&item.main_id.to_string()));
    }

    fn questions(&self, templates: &Templates, responses: &Responses) -> Vec<Question> {
        let mut questions = Vec::new();
        for (at, item) in self.items.iter().enumerate() {
            let key = item.main_id.to_string();
            let Some(response) = responses.to(&key) else { continue };
            for (place, question) in item.questions.iter().enumerate() {
                let kind = match question.rule {
                    None => Prompt::ComplexBenchJudge,
                    Some(_) => Prompt::ComplexBenchExtract,
                };
                let template = templates.of(kind);
                let prompt = prompt(self.mode, template, self.language, item, question, response);
                questions.push(Question {
                    key: key.clone(),
                    index: question.point_id,
                    at: (at, place),
                    messages: messages(prompt),
                });
            }
        }
        questions
    }

    fn read(&self, question: &Question, response: &str, answer: &str) -> Result<(), Unjudged> {
        let (at, place) = question.at;
        match &self.items[at].questions[place].rule {
            None => judge(self.mode, answer).map(drop),
            Some(rule) => {
                let objects = objects(self.mode, Some(response), answer)?;
                decide(self.mode, rule, &objects).map(drop)
            }
        }
    }

    fn is_forged(&self, _question: &Question, response: &str) -> bool {
        forged_verdict(response)
    }

    fn evaluate(&self, responses: &Responses, answers: &Answers) -> Evaluation {
        evaluate(self.mode, &self.items, responses, answers)
    }
}

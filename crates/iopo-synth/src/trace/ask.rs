//! Asks a model one question per seed, and asks again where an answer does not have the expected form.

use iopo_core::Counts;
use iopo_core::random::keyed_u64;
use iopo_judge::{Language, Message as Prompt, Role as PromptRole};
use iopo_llm::{
    AnsweredBy, FinishReason, LanguageModel, LlmError, Message, Progress, Request, ResponseSchema,
    Sampling, complete_each,
};
use iopo_schema::content_id;

use super::read::{Fault, answer_text};
use super::step::{Refusal, Step};
use super::templates::{Ask, Templates};
use super::{TraceConfig, TraceModels};
use crate::SynthError;

/// Number of times that a question is asked again.
const RETRIES: u32 = 2;

/// A question about one seed.
#[derive(Debug)]
pub(crate) struct Question {
    pub(crate) messages: Vec<Prompt>,
    /// The hashes of the templates that the messages were made of.
    pub(crate) templates: Vec<String>,
    pub(crate) language: Language,
    /// The key of the random stream, besides the stage.
    pub(crate) key: String,
    /// Index among several answers to the same messages.
    pub(crate) sample: u32,
    /// The form of the answer, for servers that enforce it.
    pub(crate) schema: Option<ResponseSchema>,
}

/// Why an answer is not used.
#[derive(Debug)]
pub(crate) enum Reject {
    /// Ask again.
    Again(Fault),
    /// Drop the seed or the response.
    Refuse(Refusal),
}

impl From<Fault> for Reject {
    fn from(fault: Fault) -> Self {
        Self::Again(fault)
    }
}

impl From<Refusal> for Reject {
    fn from(refusal: Refusal) -> Self {
        Self::Refuse(refusal)
    }
}

/// An answer as it is read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Answer<'a> {
    /// The text, without reasoning in front of it.
    pub(crate) text: &'a str,
    /// Whether the token limit cut it.
    pub(crate) cut: bool,
    /// Whether this is the last attempt.
    pub(crate) last: bool,
}

/// The result of one question.
#[derive(Debug)]
pub(crate) struct Reply<T> {
    pub(crate) result: Result<T, Refusal>,
    /// The request, and a hash of it and of the answer.
    pub(crate) mark: Mark,
}

/// The request behind a result.
#[derive(Debug, Clone, Default)]
pub(crate) struct Mark {
    /// The key of the last request in the store of answers; without a store, a hash of the request.
    pub(crate) request: String,
    /// Hash of all requests and answers for the question.
    pub(crate) answers: String,
    /// The random seed of the last request.
    pub(crate) seed: u64,
    /// Number of answers before the last one that could not be used.
    pub(crate) attempt: u32,
    /// The hashes of the templates that the question was made of.
    pub(crate) templates: Vec<String>,
    /// The name of the model that answered.
    pub(crate) model: String,
}

impl Mark {
    /// Describes the request, for the `sampling` column.
    pub(crate) fn to_json(&self) -> serde_json::Value {
        serde_json::json!({
            "model": self.model,
            "request": self.request,
            "templates": self.templates,
            "attempt": self.attempt,
            "seed": self.seed,
        })
    }
}

/// Everything that asking needs.
pub(crate) struct Asker<'a> {
    pub(crate) models: TraceModels<'a>,
    pub(crate) config: &'a TraceConfig,
    pub(crate) templates: &'a Templates,
    pub(crate) seed: u64,
    pub(crate) progress: &'a dyn Progress,
    pub(crate) counts: Counts,
}

impl Asker<'_> {
    /// Asks all questions of a stage in one call, then those again whose answers do not have the expected form.
    pub(crate) fn ask<T>(
        &mut self,
        step: Step,
        questions: &[Question],
        read: impl FnMut(usize, Answer<'_>) -> Result<T, Reject>,
    ) -> Result<Vec<Reply<T>>, SynthError> {
        let limit = self.config.max_new_tokens.of(step);
        let again = |language: Language, fault: &Fault| {
            self.templates.of(Ask::Again, language).fill(&[("fault", &fault.text(language))])
        };
        let (model, temperature) = if step.is_writer() {
            (self.models.writer, self.config.writer_temperature)
        } else {
            (self.models.judge, self.config.judge_temperature)
        };
        let stage = StageCalls {
            recipe: "trace",
            step: step.name(),
            is_rating: step.is_rating(),
            model,
            limit,
            temperature,
            again: &again,
            seed: self.seed,
            progress: self.progress,
        };
        stage.ask(&mut self.counts, questions, read)
    }
}

/// How the questions of one stage are asked.
pub(crate) struct StageCalls<'a> {
    /// The recipe, which is a part of the key of the random stream.
    pub(crate) recipe: &'static str,
    /// The name of the stage.
    pub(crate) step: &'static str,
    /// Whether the answers are ratings.
    pub(crate) is_rating: bool,
    pub(crate) model: &'a dyn LanguageModel,
    /// Maximum number of new tokens.
    pub(crate) limit: usize,
    pub(crate) temperature: f32,
    /// Returns the messages that are added to a question that is asked again.
    pub(crate) again: &'a dyn Fn(Language, &Fault) -> Vec<Prompt>,
    pub(crate) seed: u64,
    pub(crate) progress: &'a dyn Progress,
}

impl StageCalls<'_> {
    /// Asks all questions in one call, then those again whose answers do not have the expected form.
    pub(crate) fn ask<T>(
        &self,
        counts: &mut Counts,
        questions: &[Question],
        mut read: impl FnMut(usize, Answer<'_>) -> Result<T, Reject>,
    ) -> Result<Vec<Reply<T>>, SynthError> {
        let step = self.step;
        let mut replies: Vec<Option<Result<T, Refusal>>> = questions.iter().map(|_| None).collect();
        let mut marks = vec![Mark::default(); questions.len()];
        let mut open: Vec<(usize, Option<Fault>)> =
            (0..questions.len()).map(|at| (at, None)).collect();
        for attempt in 0..=RETRIES {
            if open.is_empty() {
                break;
            }
            if self.progress.cancelled() {
                return Err(SynthError::Cancelled);
            }
            let requests: Vec<Request> = open
                .iter()
                .map(|(at, fault)| self.request(&questions[*at], fault.as_ref(), attempt))
                .collect();
            self.progress.start(step, requests.len() as u64);
            let outcomes = complete_each(self.model, &requests, self.progress)?;
            self.progress.finish();
            counts.add(format!("requests/{step}"), requests.len() as u64);
            let mut again = Vec::new();
            for (((at, _), request), outcome) in open.into_iter().zip(&requests).zip(outcomes) {
                let mark = &mut marks[at];
                let AnsweredBy { model, key } = self.model.answered_by(request)?;
                mark.request = key.map_or_else(|| request_id(request), Ok)?;
                mark.model = model;
                mark.seed = request.sampling.seed;
                mark.attempt = attempt;
                mark.templates.clone_from(&questions[at].templates);
                let answer = match &outcome {
                    Ok(completion) => completion.text.as_str(),
                    Err(failure) => failure.class.name(),
                };
                mark.answers = content_id(&[&mark.answers, &mark.request, answer]);
                let result = match outcome {
                    Err(failure) => {
                        counts.one(format!("failed/{}", failure.class.name()));
                        Err(Reject::Refuse(Refusal::Failed(failure)))
                    }
                    Ok(completion) => {
                        // Without both numbers, neither counts, so that their means have one denominator.
                        match (completion.prompt_tokens, completion.completion_tokens) {
                            (Some(prompt), Some(new)) => {
                                counts.add(format!("prompt_tokens/{step}"), prompt as u64);
                                counts.add(format!("completion_tokens/{step}"), new as u64);
                                counts.one(format!("known_tokens/{step}"));
                            }
                            _ => counts.one(format!("unknown_tokens/{step}")),
                        }
                        let text = answer_text(&completion.text);
                        let cut = completion.finish_reason != FinishReason::Stop;
                        read(at, Answer { text, cut, last: attempt == RETRIES })
                    }
                };
                match result {
                    Ok(value) => replies[at] = Some(Ok(value)),
                    Err(Reject::Refuse(refusal)) => replies[at] = Some(Err(refusal)),
                    Err(Reject::Again(fault)) if attempt < RETRIES => again.push((at, Some(fault))),
                    Err(Reject::Again(fault)) => {
                        let detail = fault.text(Language::English);
                        let refusal = if self.is_rating {
                            Refusal::Unjudged(detail)
                        } else {
                            Refusal::Malformed(detail)
                        };
                        replies[at] = Some(Err(refusal));
                    }
                }
            }
            counts.add(format!("asked_again/{step}"), again.len() as u64);
            open = again;
        }
        let unread = || Err(Refusal::Malformed("found no answer".to_owned()));
        let results = replies.into_iter().map(|reply| reply.unwrap_or_else(unread));
        Ok(results.zip(marks).map(|(result, mark)| Reply { result, mark }).collect())
    }

    fn request(&self, question: &Question, fault: Option<&Fault>, attempt: u32) -> Request {
        let mut messages: Vec<Message> = question.messages.iter().map(message).collect();
        if let (Some(fault), Some(last)) = (fault, messages.last_mut()) {
            for added in (self.again)(question.language, fault) {
                last.content.push_str("\n\n");
                last.content.push_str(&added.content);
            }
        }
        let (sample, again) = (question.sample.to_string(), attempt.to_string());
        let seed = keyed_u64(self.seed, &[self.recipe, self.step, &question.key, &sample, &again]);
        let sampling =
            Sampling::greedy(self.limit).with_temperature(self.temperature).with_seed(seed);
        let request =
            Request::new(messages, sampling).with_sample(question.sample).with_attempt(attempt);
        match &question.schema {
            Some(schema) => request.with_schema(schema.clone()),
            None => request,
        }
    }
}

fn message(prompt: &Prompt) -> Message {
    match prompt.role {
        PromptRole::System => Message::system(prompt.content.clone()),
        PromptRole::User => Message::user(prompt.content.clone()),
    }
}

fn request_id(request: &Request) -> Result<String, SynthError> {
    let text = serde_json::to_string(request)
        .map_err(|error| LlmError::Failed { reason: error.to_string() })?;
    Ok(content_id(&["request", &text]))
}

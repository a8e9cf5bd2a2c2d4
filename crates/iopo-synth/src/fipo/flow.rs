//! The way of a part's responses through the stages. Each stage asks about all open ones at once.

use std::collections::BTreeSet;

use iopo_constraints::{Kind, render_prompt};
use iopo_core::overlap::OverlapIndex;
use iopo_judge::{Language, Message};
use iopo_llm::Progress;
use iopo_schema::{InputPreferenceRow, ResponseRow, ResponseSource, Split, VerdictRow, content_id};

use super::config::FipoConfig;
use super::refusal::FipoRefusal;
use super::run::FipoModels;
use super::seed::Item;
use super::step::{Asked, FipoStep};
use super::templates::Templates;
use crate::SynthError;
use crate::judged::Made;
use crate::trace::ask::{Answer, Mark, Question, Reject, Reply, StageCalls};
use crate::trace::read::Fault;

/// Makes the rows of one part.
pub(crate) struct Flow<'a> {
    pub(crate) models: FipoModels<'a>,
    pub(crate) config: &'a FipoConfig,
    pub(crate) templates: &'a Templates,
    pub(crate) held_out: &'a BTreeSet<Kind>,
    /// Prompts that no rewrite may overlap with.
    pub(crate) tested: Option<&'a OverlapIndex>,
    pub(crate) fail_at_most: f64,
    pub(crate) seed: u64,
    pub(crate) progress: &'a dyn Progress,
    pub(crate) made: Made,
}

impl Flow<'_> {
    /// Runs all stages.
    pub(crate) fn run(mut self, items: &mut [Item<'_>]) -> Result<Made, SynthError> {
        for item in &*items {
            self.made.counts.one(format!("modules/{}", item.modules()));
            self.made.counts.one(format!("orders/{}", item.order.name()));
        }
        self.better(items)?;
        self.worse(items)?;
        self.compare(items, FipoStep::BetterFirst)?;
        self.compare(items, FipoStep::WorseFirst)?;
        self.margin(items)?;
        self.rate_first(items)?;
        self.respond(items)?;
        self.rate_second(items)?;
        for item in &*items {
            self.finish(item);
        }
        let answers: Vec<&str> = items.iter().map(|item| item.answers.as_str()).collect();
        self.made.answers = content_id(&answers);
        Ok(self.made)
    }

    /// Returns the indices of the open items, and counts them as entering a stage.
    pub(super) fn enter(&mut self, step: FipoStep, items: &[Item<'_>]) -> Vec<usize> {
        let for_group = !step.is_of_preference();
        let open: Vec<usize> =
            (0..items.len()).filter(|&at| items[at].is_open(for_group)).collect();
        self.made.counts.add(format!("entered/{}", step.name()), open.len() as u64);
        open
    }

    /// Asks the questions of a stage.
    pub(super) fn ask<T>(
        &mut self,
        step: FipoStep,
        questions: &[Question],
        read: impl FnMut(usize, Answer<'_>) -> Result<T, Reject>,
    ) -> Result<Vec<Reply<T>>, SynthError> {
        let limit = step.limit(&self.config.max_new_tokens);
        let (model, temperature) = match step.asked() {
            Asked::Writer => (self.models.writer, self.config.writer_temperature),
            Asked::Worse => {
                (self.models.worse.unwrap_or(self.models.writer), self.config.writer_temperature)
            }
            Asked::Judge | Asked::Scorer => (self.models.judge, 0.0),
        };
        let templates = self.templates;
        let again = |language: Language, fault: &Fault| -> Vec<Message> {
            templates.again(language).fill(&[("fault", &fault.text(language))])
        };
        let stage = StageCalls {
            recipe: "fipo",
            step: step.name(),
            is_rating: step.is_rating(),
            model,
            limit,
            temperature,
            again: &again,
            seed: self.seed,
            progress: self.progress,
        };
        stage.ask(&mut self.made.counts, questions, read)
    }

    /// Counts the result of an item in a stage. Without one, there is no preference, or no group in a later stage.
    pub(super) fn settle<T>(
        &mut self,
        step: FipoStep,
        item: &mut Item<'_>,
        mark: Option<&Mark>,
        result: Result<T, FipoRefusal>,
    ) -> Option<T> {
        if let Some(mark) = mark {
            item.mark(mark);
        }
        match result {
            Ok(value) => {
                self.made.counts.one(format!("passed/{}", step.name()));
                Some(value)
            }
            Err(refusal) => {
                self.made.counts.one(format!("dropped/{}/{}", step.name(), refusal.name()));
                if let Some(mark) = mark.filter(|_| refusal.is_of_request()) {
                    let failed =
                        RatedText { instruction_id: "", text: "", verdicts: &[], rating: None };
                    let row = self.response_row(step, item, failed, mark, Some(&refusal));
                    self.made.responses.push(row);
                }
                let slot =
                    if step.is_of_preference() { &mut item.dropped } else { &mut item.ungrouped };
                *slot = Some(refusal);
                None
            }
        }
    }

    /// Creates the row of a response, or of a failed request.
    pub(super) fn response_row(
        &self,
        step: FipoStep,
        item: &Item<'_>,
        response: RatedText<'_>,
        mark: &Mark,
        refusal: Option<&FipoRefusal>,
    ) -> ResponseRow {
        let RatedText { instruction_id, text, verdicts, rating } = response;
        let is_writers = step.asked() != Asked::Judge;
        let mut sampling = serde_json::json!({
            "stage": step.name(),
            "seed": mark.seed,
            "temperature": if is_writers { self.config.writer_temperature } else { 0.0 },
            "request": mark.request,
            "templates": mark.templates,
            "attempt": mark.attempt,
            "answers": item.answers,
        });
        if let Some(rating) = rating {
            sampling["rating"] = rating.to_json();
        }
        ResponseRow {
            id: content_id(&["fipo response", &item.id, instruction_id, step.name(), text]),
            instruction_id: instruction_id.to_owned(),
            task_id: item.seed.task_id.clone(),
            text: text.to_owned(),
            verdicts: verdicts.to_vec(),
            accepted: refusal.is_none()
                && !verdicts.is_empty()
                && verdicts.iter().all(|one| one.satisfied),
            source: ResponseSource::Sampled,
            original: None,
            // The verdicts state that a requirement does not hold.
            error: refusal
                .filter(|refusal| **refusal != FipoRefusal::Unsatisfied)
                .map(FipoRefusal::text),
            generator: mark.model.clone(),
            sampling: sampling.to_string(),
        }
    }

    /// Writes the preference of an item, and its group if there is one.
    fn finish(&mut self, item: &Item<'_>) {
        if item.dropped.is_some() {
            return;
        }
        let (Some(better), Some(worse)) = (&item.better, &item.worse) else { return };
        let [Some(first), Some(second)] = &item.decisions else { return };
        self.made.counts.one("preferences");
        match &item.ungrouped {
            None => self.group(item, better, worse),
            Some(refusal) => self.made.counts.one(format!("ungrouped/{}", refusal.name())),
        }
        let none: [&str; 0] = [];
        let render = |text: &str| render_prompt(text, &none, item.seed.input.as_deref());
        let (x_better, x_worse) = (render(&better.instruction), render(&worse.instruction));
        let seed = item.seed;
        self.made.preferences.push(InputPreferenceRow {
            id: content_id(&["input preference", &seed.task_id, &x_better, &x_worse, &seed.y]),
            seed_id: seed.task_id.clone(),
            // A placeholder, until pairing knows the splits.
            split: Split::Train,
            task: seed.task.clone(),
            input: seed.input.clone(),
            x_better,
            x_worse,
            y: seed.y.clone(),
            better_constraints: better.constraints.clone(),
            worse_constraints: worse.constraints.clone(),
            verdict_better_first: first.clone(),
            verdict_worse_first: second.clone(),
            logp_margin: item.margin,
            generator: format!(
                "{} (better prompt), {} (worse prompt), {} (response)",
                better.model, worse.model, seed.generator
            ),
        });
    }
}

/// A response with its instruction and its verdicts.
#[derive(Debug, Clone, Copy)]
pub(super) struct RatedText<'a> {
    pub(super) instruction_id: &'a str,
    pub(super) text: &'a str,
    pub(super) verdicts: &'a [VerdictRow],
    /// The request for the rating, if the judge was asked.
    pub(super) rating: Option<&'a Mark>,
}

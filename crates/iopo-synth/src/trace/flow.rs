//! The way of a part's seeds through the stages. Each stage asks about all open seeds at once.

use std::collections::BTreeSet;

use iopo_constraints::Kind;
use iopo_core::overlap::OverlapIndex;
use iopo_schema::{ResponseRow, ResponseSource, content_id};

use super::ask::{Asker, Mark};
use super::seed::{Rated, Seed};
use super::step::{Refusal, Step};
use crate::SynthError;
use crate::judged::Made;

/// Makes the rows of one part.
pub(crate) struct Flow<'a> {
    pub(crate) asker: Asker<'a>,
    pub(crate) held_out: &'a BTreeSet<Kind>,
    /// Kinds that the writer may propose.
    pub(crate) offered: &'a BTreeSet<Kind>,
    /// Kinds about which judge and code disagree, so that texts are not mapped to them.
    pub(crate) distrusted: &'a BTreeSet<Kind>,
    /// Prompts that no instruction may overlap with.
    pub(crate) tested: Option<&'a OverlapIndex>,
    pub(crate) made: Made,
}

impl Flow<'_> {
    /// Runs all stages.
    pub(crate) fn run(mut self, seeds: &mut [Seed<'_>]) -> Result<Made, SynthError> {
        self.expand(seeds)?;
        self.structure(seeds)?;
        self.quality(seeds, false)?;
        self.respond(seeds, false)?;
        if self.asker.config.worse_answers {
            self.worse(seeds)?;
        }
        self.change(seeds)?;
        self.quality(seeds, true)?;
        self.compatible(seeds)?;
        self.respond(seeds, true)?;
        self.cross(seeds)?;
        let answers: Vec<&str> = seeds.iter().map(|seed| seed.answers.as_str()).collect();
        self.made.answers = content_id(&answers);
        self.made.counts.merge(self.asker.counts);
        Ok(self.made)
    }

    /// Returns the indices of the seeds that are not dropped, and counts them as entering a stage.
    pub(crate) fn enter(&mut self, step: Step, seeds: &[Seed<'_>]) -> Vec<usize> {
        let open: Vec<usize> = (0..seeds.len()).filter(|&at| seeds[at].is_open()).collect();
        self.made.counts.add(format!("entered/{}", step.name()), open.len() as u64);
        open
    }

    /// Counts the result of a seed in a stage, and drops the seed if there is none.
    pub(crate) fn settle<T>(
        &mut self,
        step: Step,
        seed: &mut Seed<'_>,
        mark: Option<&Mark>,
        result: Result<T, Refusal>,
    ) -> Option<T> {
        if let Some(mark) = mark {
            seed.mark(mark);
        }
        match result {
            Ok(value) => {
                self.made.counts.one(format!("passed/{}", step.name()));
                Some(value)
            }
            Err(refusal) => {
                self.count_drop(step, &refusal);
                if let Some(mark) = mark.filter(|_| refusal.is_of_request()) {
                    let second = step >= Step::SecondResponse;
                    let id = seed.instruction(second).map_or("", |row| row.id.as_str());
                    let of = Sampled { sample: 0, mark, rating: None };
                    let row = self.failed_row(step, seed, id, of, &refusal);
                    self.made.responses.push(row);
                }
                seed.dropped = Some(refusal);
                None
            }
        }
    }

    pub(crate) fn count_drop(&mut self, step: Step, refusal: &Refusal) {
        self.made.counts.one(format!("dropped/{}/{}", step.name(), refusal.name()));
    }

    /// Creates the row of a request without a usable answer, about an instruction and a sample.
    pub(crate) fn failed_row(
        &self,
        step: Step,
        seed: &Seed<'_>,
        instruction_id: &str,
        sampled: Sampled<'_>,
        refusal: &Refusal,
    ) -> ResponseRow {
        let none = Rated { id: String::new(), text: String::new(), verdicts: Vec::new() };
        self.response_row(step, seed, instruction_id, sampled, none, Some(refusal))
    }

    /// Creates the row of a response. Its id is computed from the other columns.
    pub(crate) fn response_row(
        &self,
        step: Step,
        seed: &Seed<'_>,
        instruction_id: &str,
        Sampled { sample, mark, rating }: Sampled<'_>,
        rated: Rated,
        refusal: Option<&Refusal>,
    ) -> ResponseRow {
        let config = self.asker.config;
        let mut sampling = serde_json::json!({
            "stage": step.name(),
            "sample": sample,
            "seed": mark.seed,
            "temperature": if step.is_writer() { config.writer_temperature } else { config.judge_temperature },
            "request": mark.request,
            "templates": mark.templates,
            "attempt": mark.attempt,
            "answers": seed.answers,
        });
        if let Some(rating) = rating {
            sampling["rating"] = rating.to_json();
        }
        let held = !rated.verdicts.is_empty() && rated.verdicts.iter().all(|one| one.satisfied);
        let id = if rated.id.is_empty() {
            response_id(seed, instruction_id, step, sample, &rated.text)
        } else {
            rated.id
        };
        ResponseRow {
            id,
            instruction_id: instruction_id.to_owned(),
            task_id: seed.task.id.clone(),
            text: rated.text,
            verdicts: rated.verdicts,
            accepted: held && refusal.is_none(),
            source: if step == Step::Worse {
                ResponseSource::Worse
            } else {
                ResponseSource::Sampled
            },
            original: None,
            error: refusal.filter(|refusal| !is_verdict(refusal)).map(Refusal::text),
            generator: mark.model.clone(),
            sampling: sampling.to_string(),
        }
    }
}

/// The requests behind a response.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sampled<'a> {
    /// Index among several responses to the same instruction.
    pub(crate) sample: u32,
    /// The request that it answers.
    pub(crate) mark: &'a Mark,
    /// The request for its rating, if the judge was asked.
    pub(crate) rating: Option<&'a Mark>,
}

/// Whether the verdicts state the refusal, so that the row needs no error.
fn is_verdict(refusal: &Refusal) -> bool {
    matches!(refusal, Refusal::Unsatisfied | Refusal::NotWorse)
}

/// Returns the id of a response.
pub(crate) fn response_id(
    seed: &Seed<'_>,
    instruction_id: &str,
    step: Step,
    sample: u32,
    text: &str,
) -> String {
    let sample = sample.to_string();
    let parts = ["response", &seed.task.id, instruction_id, step.name(), &sample, text];
    content_id(&parts)
}

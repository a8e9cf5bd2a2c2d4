//! Ratings: by code where a constraint has a check, by the judge otherwise.

use iopo_constraints::Constraint;
use iopo_core::random::keyed;
use iopo_judge::Mode;
use iopo_judge::trace::{Item, prompt, scores};
use iopo_schema::{InstructionRow, Method, VerdictRow};
use rand::RngExt;

use super::ask::Question;
use super::flow::Flow;
use super::read::Fault;
use super::schema;
use super::seed::{Seed, check_of};
use super::step::{Refusal, Step};
use super::text::shorten;
use crate::SynthError;

/// The largest number of characters of a judge's evidence. That of code is kept whole, because admission recomputes it.
const MAX_EVIDENCE: usize = 300;
/// The score of a constraint that holds.
const FULL: f64 = 10.0;

/// A response to rate.
#[derive(Debug)]
pub(crate) struct Job {
    /// Index of its seed.
    pub(crate) at: usize,
    pub(crate) sample: u32,
    /// The instruction; its constraints are those to rate.
    pub(crate) row: InstructionRow,
    pub(crate) text: String,
    /// Whether a failed check is enough to refuse the response.
    pub(crate) must_hold: bool,
}

impl Flow<'_> {
    /// Rates responses: one verdict per constraint, in order.
    ///
    /// The judge sees only constraints without a check, and a random share of those with one, to compare it with code.
    pub(super) fn rate(
        &mut self,
        step: Step,
        seeds: &mut [Seed<'_>],
        jobs: &[Job],
    ) -> Result<Vec<Result<Vec<VerdictRow>, Refusal>>, SynthError> {
        let mut results: Vec<Result<Vec<Option<VerdictRow>>, Refusal>> = Vec::new();
        let mut asked: Vec<(usize, Vec<usize>)> = Vec::new();
        let mut questions = Vec::new();
        for (index, job) in jobs.iter().enumerate() {
            let checks: Vec<Option<Constraint>> =
                job.row.constraints.iter().map(check_of).collect();
            let by_code: Vec<Option<VerdictRow>> = checks
                .iter()
                .map(|check| check.as_ref().map(|check| check.check(&job.text).into()))
                .collect();
            let failed = by_code.iter().flatten().find(|verdict| !verdict.satisfied);
            if let Some(failed) = failed.filter(|_| job.must_hold && by_code.contains(&None)) {
                results.push(Err(Refusal::FailedCheck(failed.evidence.clone())));
                continue;
            }
            let fails = failed.is_some() && job.must_hold;
            let places: Vec<usize> = (0..by_code.len())
                .filter(|&place| by_code[place].is_none() || !fails && self.compares(job, place))
                .collect();
            results.push(Ok(by_code));
            if !places.is_empty() {
                questions.push(self.asks_for_rating(&seeds[job.at], job, &places));
                asked.push((index, places));
            }
        }
        let replies = self.asker.ask(step, &questions, |at, answer| {
            let count = asked[at].1.len();
            Ok(scores(Mode::Repaired, count, answer.text).map_err(Fault::Scores)?)
        })?;
        for ((index, places), reply) in asked.into_iter().zip(replies) {
            seeds[jobs[index].at].mark(&reply.mark);
            let found = match reply.result {
                Ok(found) => found,
                Err(refusal) => {
                    results[index] = Err(refusal);
                    continue;
                }
            };
            let Ok(verdicts) = &mut results[index] else { continue };
            for (place, score) in places.into_iter().zip(found) {
                let satisfied = score.score >= FULL;
                if let Some(by_code) = &verdicts[place] {
                    let check = jobs[index].row.constraints[place].check.as_ref();
                    let kind = check.map_or("", |check| check.id.as_str());
                    let same = if by_code.satisfied == satisfied { "same" } else { "different" };
                    self.made.counts.one(format!("agreement/{same}/{kind}"));
                    continue;
                }
                let evidence = match score.explanation {
                    Some(text) if !text.trim().is_empty() => shorten(&text, MAX_EVIDENCE),
                    Some(_) | None => format!("score {} of 10", score.score),
                };
                let (method, score) = (Method::Judge, score.score);
                verdicts[place] = Some(VerdictRow { satisfied, score, method, evidence });
            }
        }
        let complete = |verdicts: Vec<Option<VerdictRow>>| verdicts.into_iter().flatten().collect();
        Ok(results.into_iter().map(|result| result.map(complete)).collect())
    }

    /// Draws whether the judge is asked about a constraint that code has decided.
    fn compares(&self, job: &Job, place: usize) -> bool {
        let (sample, place) = (job.sample.to_string(), place.to_string());
        let key = ["trace", "agreement", &job.row.id, &sample, &place, &job.text];
        keyed(self.asker.seed, &key).random::<f64>() < self.asker.config.agreement_share
    }

    fn asks_for_rating(&self, seed: &Seed<'_>, job: &Job, places: &[usize]) -> Question {
        let constraints = &job.row.constraints;
        let item = Item {
            id: job.row.id.clone(),
            messages: Vec::new(),
            task: job.row.task.clone(),
            constraints: places.iter().map(|&place| constraints[place].text.clone()).collect(),
            input: job.row.input.clone(),
            dimensions: Vec::new(),
        };
        let template = self.asker.templates.rating(seed.language);
        Question {
            messages: prompt(template, &item, &job.text),
            language: seed.language,
            key: seed.task.id.clone(),
            sample: 0,
            schema: Some(schema::rating()),
        }
    }
}

//! Ratings: by code where a constraint has a check, by the judge otherwise.

use iopo_core::random::keyed;
use iopo_judge::Mode;
use iopo_judge::trace::{Item, Score, prompt, scores};
use iopo_schema::{InstructionRow, Method, VerdictRow};
use rand::RngExt;

use super::ask::{Mark, Question};
use super::flow::{Flow, Sampled};
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

/// The rating of a response.
#[derive(Debug)]
pub(super) struct Rating {
    /// One verdict per constraint, in order, or why there are none.
    pub(super) result: Result<Vec<VerdictRow>, Refusal>,
    /// The request to the judge, if there was one.
    pub(super) mark: Option<Mark>,
}

/// A response whose rating by the judge is pending.
struct Asked {
    /// Index of the job.
    index: usize,
    /// The constraints that the judge sees.
    places: Vec<usize>,
    /// Whether code alone decides, and the judge is asked for comparison only.
    compares_only: bool,
}

impl Flow<'_> {
    /// Rates responses: one verdict per constraint, in order.
    ///
    /// The judge sees only constraints without a check, and a random share of those with one, to compare it with code. It sees
    /// this share of a response that fails a check too, so that the comparison covers both verdicts of code.
    pub(super) fn rate(
        &mut self,
        step: Step,
        seeds: &mut [Seed<'_>],
        jobs: &[Job],
    ) -> Result<Vec<Rating>, SynthError> {
        let mut results: Vec<Result<Vec<Option<VerdictRow>>, Refusal>> = Vec::new();
        let mut by_code: Vec<Vec<Option<VerdictRow>>> = Vec::new();
        let mut asked: Vec<Asked> = Vec::new();
        let mut questions = Vec::new();
        for (index, job) in jobs.iter().enumerate() {
            let decided: Vec<Option<VerdictRow>> = job
                .row
                .constraints
                .iter()
                .map(|row| check_of(row).map(|check| check.check(&job.text).into()))
                .collect();
            let failed = decided.iter().flatten().find(|verdict| !verdict.satisfied);
            let failed = failed.filter(|_| job.must_hold);
            let is_open = |place: usize| decided[place].is_none();
            let places: Vec<usize> =
                (0..decided.len())
                    .filter(|&place| {
                        if is_open(place) { failed.is_none() } else { self.compares(job, place) }
                    })
                    .collect();
            results.push(match failed {
                // The others stay without a verdict.
                Some(failed) if decided.contains(&None) => {
                    Err(Refusal::FailedCheck(failed.evidence.clone()))
                }
                Some(_) | None => Ok(decided.clone()),
            });
            if !places.is_empty() {
                questions.push(self.asks_for_rating(&seeds[job.at], job, &places));
                let compares_only = !places.iter().any(|&place| is_open(place));
                asked.push(Asked { index, places, compares_only });
            }
            by_code.push(decided);
        }
        let replies = self.asker.ask(step, &questions, |at, answer| {
            let count = asked[at].places.len();
            Ok(scores(Mode::Repaired, count, answer.text).map_err(Fault::Scores)?)
        })?;
        let mut marks: Vec<Option<Mark>> = vec![None; jobs.len()];
        for (Asked { index, places, compares_only }, reply) in asked.into_iter().zip(replies) {
            let job = &jobs[index];
            seeds[job.at].mark(&reply.mark);
            let found = match reply.result {
                Ok(found) => found,
                Err(refusal) if compares_only => {
                    // The verdicts are those of code, but the request has its row.
                    let of = Sampled { sample: job.sample, mark: &reply.mark, rating: None };
                    let row = self.failed_row(step, &seeds[job.at], &job.row.id, of, &refusal);
                    self.made.responses.push(row);
                    continue;
                }
                Err(refusal) => {
                    results[index] = Err(refusal);
                    marks[index] = Some(reply.mark);
                    continue;
                }
            };
            for (place, score) in places.into_iter().zip(found) {
                let verdict = by_judge(score);
                if let Some(by_code) = &by_code[index][place] {
                    let check = job.row.constraints[place].check.as_ref();
                    let kind = check.map_or("", |check| check.id.as_str());
                    let is_same = by_code.satisfied == verdict.satisfied;
                    let same = if is_same { "same" } else { "different" };
                    self.made.counts.one(format!("agreement/{same}/{kind}"));
                } else if let Ok(verdicts) = &mut results[index] {
                    verdicts[place] = Some(verdict);
                }
            }
            marks[index] = Some(reply.mark);
        }
        let complete = |verdicts: Vec<Option<VerdictRow>>| verdicts.into_iter().flatten().collect();
        let results = results.into_iter().map(|result| result.map(complete));
        Ok(results.zip(marks).map(|(result, mark)| Rating { result, mark }).collect())
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
            templates: vec![template.hash().to_owned()],
            language: seed.language,
            key: seed.task.id.clone(),
            sample: 0,
            schema: Some(schema::rating()),
        }
    }
}

/// Returns the verdict of a score.
fn by_judge(score: Score) -> VerdictRow {
    let Score { score, explanation } = score;
    let evidence = match explanation {
        Some(text) if !text.trim().is_empty() => shorten(&text, MAX_EVIDENCE),
        Some(_) | None => format!("score {score} of 10"),
    };
    VerdictRow { satisfied: score >= FULL, score, method: Method::Judge, evidence }
}

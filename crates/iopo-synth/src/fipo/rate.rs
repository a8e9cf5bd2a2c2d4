//! Verdicts on a response: by code where a requirement has a check, by the judge otherwise.

use iopo_constraints::Constraint;
use iopo_judge::Mode;
use iopo_judge::trace::{Item as Rated, prompt, scores};
use iopo_schema::{ConstraintRow, Method, VerdictRow};

use super::flow::Flow;
use super::judge::MAX_EVIDENCE;
use super::refusal::FipoRefusal;
use super::seed::Item;
use super::step::FipoStep;
use crate::SynthError;
use crate::trace::ask::{Mark, Question};
use crate::trace::read::Fault;
use crate::trace::schema;
use crate::trace::seed::check_of;
use crate::trace::text::shorten;

/// The score of a requirement that holds.
const FULL: f64 = 10.0;

/// A response to rate.
pub(super) struct Job {
    /// Index of the item.
    pub(super) at: usize,
    /// The requirements.
    pub(super) constraints: Vec<ConstraintRow>,
    pub(super) text: String,
    /// Number of the first requirements that must hold. If code finds one violated, the judge is not asked.
    pub(super) must_hold: usize,
}

/// The rating of a response.
pub(super) struct Rating {
    /// The verdicts, or why there are none.
    pub(super) result: Result<Vec<VerdictRow>, FipoRefusal>,
    /// The request to the judge.
    pub(super) mark: Option<Mark>,
}

impl Flow<'_> {
    /// Rates responses: one verdict per requirement, in order, and the request behind them if the judge was asked.
    pub(super) fn rate(
        &mut self,
        step: FipoStep,
        items: &[Item<'_>],
        jobs: &[Job],
    ) -> Result<Vec<Rating>, SynthError> {
        let mut results: Vec<Result<Vec<Option<VerdictRow>>, FipoRefusal>> = Vec::new();
        let (mut asked, mut questions) = (Vec::new(), Vec::new());
        for (index, job) in jobs.iter().enumerate() {
            let checks: Vec<Option<Constraint>> = job.constraints.iter().map(check_of).collect();
            let by_code: Vec<Option<VerdictRow>> = checks
                .iter()
                .map(|check| check.as_ref().map(|check| check.check(&job.text).into()))
                .collect();
            let must = by_code.iter().take(job.must_hold).flatten();
            if let Some(failed) = must.into_iter().find(|verdict| !verdict.satisfied) {
                results.push(Err(FipoRefusal::FailedCheck(failed.evidence.clone())));
                continue;
            }
            let places: Vec<usize> =
                (0..by_code.len()).filter(|&place| by_code[place].is_none()).collect();
            if !places.is_empty() {
                questions.push(self.asks_for_rating(&items[job.at], job, &places));
                asked.push((index, places));
            }
            results.push(Ok(by_code));
        }
        let mut marks: Vec<Option<Mark>> = vec![None; jobs.len()];
        let replies = self.ask(step, &questions, |at, answer| {
            let count = asked[at].1.len();
            Ok(scores(Mode::Repaired, count, answer.text).map_err(Fault::Scores)?)
        })?;
        for ((index, places), reply) in asked.into_iter().zip(replies) {
            marks[index] = Some(reply.mark);
            let found = match reply.result {
                Ok(found) => found,
                Err(refusal) => {
                    results[index] = Err(refusal.into());
                    continue;
                }
            };
            let Ok(verdicts) = &mut results[index] else { continue };
            for (place, score) in places.into_iter().zip(found) {
                let evidence = match score.explanation {
                    Some(text) if !text.trim().is_empty() => shorten(&text, MAX_EVIDENCE),
                    Some(_) | None => format!("score {} of 10", score.score),
                };
                let (satisfied, score) = (score.score >= FULL, score.score);
                let method = Method::Judge;
                verdicts[place] = Some(VerdictRow { satisfied, score, method, evidence });
            }
        }
        let complete = |verdicts: Vec<Option<VerdictRow>>| verdicts.into_iter().flatten().collect();
        let results = results.into_iter().map(|result| result.map(complete));
        Ok(results.zip(marks).map(|(result, mark)| Rating { result, mark }).collect())
    }

    fn asks_for_rating(&self, item: &Item<'_>, job: &Job, places: &[usize]) -> Question {
        let texts = places.iter().map(|&place| job.constraints[place].text.clone());
        let rated = Rated {
            id: item.id.clone(),
            messages: Vec::new(),
            task: item.seed.task.clone(),
            constraints: texts.collect(),
            input: item.seed.input.clone(),
            dimensions: Vec::new(),
        };
        let template = self.templates.rating(item.language);
        Question {
            messages: prompt(template, &rated, &job.text),
            templates: vec![template.hash().to_owned()],
            language: item.language,
            key: item.id.clone(),
            sample: 0,
            schema: Some(schema::rating()),
        }
    }
}

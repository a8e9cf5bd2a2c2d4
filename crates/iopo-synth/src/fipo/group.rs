//! The stages that make a candidate group of a preference.

use iopo_constraints::Constraint;
use iopo_judge::trace::forged_verdict;
use iopo_schema::{
    ConstraintRow, GroupKind, InstructionRow, Operation, PreferenceRow, Proof, ResponseSource,
    Split, VerdictRow, content_id, render_rows,
};

use super::flow::{Flow, RatedText};
use super::rate::Job;
use super::refusal::FipoRefusal;
use super::seed::{Item, Rewrite};
use super::step::FipoStep;
use super::templates::FipoPrompt;
use crate::SynthError;
use crate::trace::ask::{Mark, Question};
use crate::trace::seed::{check_of, is_multilingual};
use crate::trace::text::{normal, similarity, speaks};

/// Similarity above which the second response counts as the first one.
const MAX_SIMILARITY: f64 = 0.9;

impl Flow<'_> {
    /// Rates the given responses by the requirements of both rewrites. A group needs one of the worse rewrite that is clearly
    /// violated, while those of the better one hold.
    pub(super) fn rate_first(&mut self, items: &mut [Item<'_>]) -> Result<(), SynthError> {
        let step = FipoStep::Rating;
        let open = self.enter(step, items);
        let (mut rated, mut jobs) = (Vec::new(), Vec::new());
        for at in open {
            match added(&items[at]) {
                Ok(added) => {
                    let item = &mut items[at];
                    item.pair.added = added;
                    let constraints = item.union();
                    let must_hold = constraints.len() - item.pair.added.len();
                    let text = item.seed.y.clone();
                    jobs.push(Job { at, constraints, text, must_hold });
                    rated.push(at);
                }
                Err(refusal) => {
                    self.settle::<()>(step, &mut items[at], None, Err(refusal));
                }
            }
        }
        let ratings = self.rate(step, items, &jobs)?;
        for ((at, job), rating) in rated.into_iter().zip(&jobs).zip(ratings) {
            let limit = self.fail_at_most;
            let result = rating.result.and_then(|verdicts| {
                let (held, changed) = verdicts.split_at(job.must_hold.min(verdicts.len()));
                is_violated(held, changed, limit)?;
                Ok(verdicts)
            });
            let mark = rating.mark;
            if let Some(verdicts) = self.settle(step, &mut items[at], mark.as_ref(), result) {
                items[at].pair.y1 = verdicts;
                items[at].pair.ratings[0] = mark;
            }
        }
        Ok(())
    }

    /// Asks for responses that meet both instructions.
    pub(super) fn respond(&mut self, items: &mut [Item<'_>]) -> Result<(), SynthError> {
        let step = FipoStep::Response;
        let open = self.enter(step, items);
        let questions: Vec<Question> = open
            .iter()
            .map(|&at| {
                let item = &items[at];
                let seed = item.seed;
                let instruction = render_rows(&seed.task, &item.union(), seed.input.as_deref());
                let values = [("instruction", instruction.as_str())];
                Question {
                    messages: self.templates.fill(FipoPrompt::Response, item.language, &values),
                    templates: self.templates.hashes_of(&[FipoPrompt::Response], item.language),
                    language: item.language,
                    key: item.id.clone(),
                    sample: 0,
                    schema: None,
                }
            })
            .collect();
        let replies = self.ask(step, &questions, |index, answer| {
            let item = &items[open[index]];
            Ok((answer.text.to_owned(), usable(answer.text, answer.cut, item)))
        })?;
        for (&at, reply) in open.iter().zip(replies) {
            let item = &mut items[at];
            let result = match reply.result {
                Ok((text, used)) => {
                    (item.pair.y2, item.pair.mark) = (text, reply.mark.clone());
                    used
                }
                Err(refusal) => Err(refusal.into()),
            };
            let refusal = result.as_ref().err().filter(|refusal| !refusal.is_of_request()).cloned();
            self.settle(step, item, Some(&reply.mark), result);
            if let Some(refusal) = refusal {
                self.refuse_second(&items[at], &[], &refusal);
            }
        }
        Ok(())
    }

    /// Rates the second responses by the requirements of both rewrites, all of which must hold.
    pub(super) fn rate_second(&mut self, items: &mut [Item<'_>]) -> Result<(), SynthError> {
        let step = FipoStep::ResponseRating;
        let open = self.enter(step, items);
        let job = |at: usize| {
            let constraints = items[at].union();
            let must_hold = constraints.len();
            Job { at, constraints, text: items[at].pair.y2.clone(), must_hold }
        };
        let jobs: Vec<Job> = open.iter().map(|&at| job(at)).collect();
        let ratings = self.rate(step, items, &jobs)?;
        for (at, rating) in open.into_iter().zip(ratings) {
            let item = &mut items[at];
            let result = rating.result.and_then(|verdicts| {
                let held = verdicts.iter().all(|verdict| verdict.satisfied);
                item.pair.y2_verdicts = verdicts;
                if held { Ok(()) } else { Err(FipoRefusal::Unsatisfied) }
            });
            let refusal = result.as_ref().err().cloned();
            self.settle(step, item, rating.mark.as_ref(), result);
            item.pair.ratings[1] = rating.mark;
            if let Some(refusal) = refusal {
                let verdicts = items[at].pair.y2_verdicts.clone();
                self.refuse_second(&items[at], &verdicts, &refusal);
            }
        }
        Ok(())
    }

    /// Writes the row of a second response that is not used, and the instruction that it answers.
    fn refuse_second(&mut self, item: &Item<'_>, verdicts: &[VerdictRow], refusal: &FipoRefusal) {
        let asked = instruction(item, &item.union());
        let rating = item.pair.ratings[1].as_ref();
        let rated = RatedText { instruction_id: &asked.id, text: &item.pair.y2, verdicts, rating };
        let row =
            self.response_row(FipoStep::Response, item, rated, &item.pair.mark, Some(refusal));
        self.made.responses.push(row);
        self.made.counts.one(format!("refused_responses/{}", refusal.name()));
        self.add_instruction(asked);
    }

    /// Adds the row of an instruction, unless there is one.
    fn add_instruction(&mut self, row: InstructionRow) {
        if !self.made.instructions.iter().any(|other| other.id == row.id) {
            self.made.instructions.push(row);
        }
    }

    /// Writes the candidate group of an item, with its instructions and responses.
    pub(super) fn group(&mut self, item: &Item<'_>, better: &Rewrite, worse: &Rewrite) {
        let (seed, pair) = (item.seed, &item.pair);
        let x1_constraints = better.constraints.clone();
        let x2_constraints = aligned(&worse.constraints, &better.constraints);
        let (x1, x2) = (instruction(item, &x1_constraints), instruction(item, &x2_constraints));
        let all = item.union();
        // Both cells of a response have the same verdict on a shared requirement.
        let under = |rows: &[ConstraintRow], verdicts: &[VerdictRow]| -> Vec<VerdictRow> {
            let place = |row: &ConstraintRow| all.iter().position(|other| other == row);
            rows.iter().filter_map(|row| Some(verdicts.get(place(row)?)?.clone())).collect()
        };
        let proof = Proof {
            x1y1: under(&x1_constraints, &pair.y1),
            x1y2: under(&x1_constraints, &pair.y2_verdicts),
            x2y1: under(&x2_constraints, &pair.y1),
            x2y2: under(&x2_constraints, &pair.y2_verdicts),
        };
        let [first, second] = pair.ratings.each_ref().map(Option::as_ref);
        let y1 = RatedText {
            instruction_id: &x1.id,
            text: &seed.y,
            verdicts: &proof.x1y1,
            rating: first,
        };
        let mut y1 = self.response_row(FipoStep::Rating, item, y1, &Mark::default(), None);
        y1.generator.clone_from(&seed.generator);
        let rating = first.map(Mark::to_json);
        y1.sampling = serde_json::json!({ "stage": "given", "rating": rating }).to_string();
        let y2 = RatedText {
            instruction_id: &x2.id,
            text: &pair.y2,
            verdicts: &proof.x2y2,
            rating: second,
        };
        let y2 = self.response_row(FipoStep::Response, item, y2, &pair.mark, None);
        let lacks = |list: &[ConstraintRow], other: &[ConstraintRow]| -> Vec<ConstraintRow> {
            list.iter().filter(|one| !other.contains(one)).cloned().collect()
        };
        self.made.candidates.push(PreferenceRow {
            id: content_id(&[&x1.prompt, &seed.y, &x2.prompt, &pair.y2]),
            task_id: seed.task_id.clone(),
            // A placeholder, until the group is admitted.
            split: Split::Train,
            kind: GroupKind::Sided,
            operation: Some(Operation::Rewrite),
            task: seed.task.clone(),
            input: seed.input.clone(),
            context: Vec::new(),
            x1: x1.prompt.clone(),
            y1: seed.y.clone(),
            x2: Some(x2.prompt.clone()),
            y2: pair.y2.clone(),
            removed: lacks(&x1_constraints, &x2_constraints),
            added: lacks(&x2_constraints, &x1_constraints),
            x1_constraints,
            x2_constraints,
            y1_response_id: y1.id.clone(),
            y2_response_id: y2.id.clone(),
            y1_source: ResponseSource::Sampled,
            y2_source: ResponseSource::Sampled,
            y1_original: None,
            y2_original: None,
            proof,
        });
        self.made.counts.one("candidates/rewrite");
        self.add_instruction(x1);
        self.add_instruction(x2);
        self.made.responses.extend([y1, y2]);
    }
}

/// Creates the row of an instruction with requirements.
fn instruction(item: &Item<'_>, constraints: &[ConstraintRow]) -> InstructionRow {
    let seed = item.seed;
    let prompt = render_rows(&seed.task, constraints, seed.input.as_deref());
    InstructionRow {
        id: content_id(&["instruction", &seed.task_id, &prompt]),
        task_id: seed.task_id.clone(),
        task: seed.task.clone(),
        input: seed.input.clone(),
        constraints: constraints.to_vec(),
        prompt,
        language: item.language.id().to_owned(),
    }
}

/// Returns the requirements of the worse rewrite that the better one lacks.
fn added(item: &Item<'_>) -> Result<Vec<ConstraintRow>, FipoRefusal> {
    let (Some(better), Some(worse)) = (&item.better, &item.worse) else {
        return Err(FipoRefusal::NoConstraints);
    };
    if forged_verdict(&item.seed.y) {
        return Err(FipoRefusal::ForgedVerdict);
    }
    let rows = aligned(&worse.constraints, &better.constraints);
    let added: Vec<ConstraintRow> =
        rows.into_iter().filter(|row| !better.constraints.contains(row)).collect();
    if better.constraints.is_empty() || added.is_empty() {
        return Err(FipoRefusal::NoConstraints);
    }
    let checks: Vec<Constraint> = better.constraints.iter().filter_map(check_of).collect();
    let excluded = |check: Constraint| checks.iter().any(|other| other.excludes(&check));
    if added.iter().filter_map(check_of).any(excluded) {
        return Err(FipoRefusal::Conflict);
    }
    Ok(added)
}

/// Replaces requirements that differ from one of `others` in case or punctuation only, so that both lists have the same row.
fn aligned(rows: &[ConstraintRow], others: &[ConstraintRow]) -> Vec<ConstraintRow> {
    let same = |row: &ConstraintRow| {
        others.iter().find(|other| normal(&other.text) == normal(&row.text)).unwrap_or(row).clone()
    };
    rows.iter().map(same).collect()
}

/// Checks that the requirements of the better rewrite hold, and that one of the worse rewrite is clearly violated.
fn is_violated(
    held: &[VerdictRow],
    changed: &[VerdictRow],
    fail_at_most: f64,
) -> Result<(), FipoRefusal> {
    if held.iter().any(|verdict| !verdict.satisfied) {
        return Err(FipoRefusal::Unsatisfied);
    }
    let lowest = changed.iter().map(|verdict| verdict.score).fold(f64::INFINITY, f64::min);
    if changed.iter().all(|verdict| verdict.satisfied) {
        return Err(FipoRefusal::NotViolated);
    }
    if lowest > fail_at_most { Err(FipoRefusal::Ambiguous) } else { Ok(()) }
}

/// Checks a second response by code.
fn usable(text: &str, cut: bool, item: &Item<'_>) -> Result<(), FipoRefusal> {
    if text.is_empty() {
        return Err(FipoRefusal::Empty);
    }
    if cut {
        return Err(FipoRefusal::Cut);
    }
    if forged_verdict(text) {
        return Err(FipoRefusal::ForgedVerdict);
    }
    if !item.union().iter().any(is_multilingual) && !speaks(text, item.language) {
        return Err(FipoRefusal::Language);
    }
    let is_same = normal(text) == normal(&item.seed.y);
    if is_same || similarity(text, &item.seed.y) > MAX_SIMILARITY {
        return Err(FipoRefusal::Duplicate);
    }
    Ok(())
}

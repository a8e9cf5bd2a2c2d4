//! The stages after the first response: the second instruction, and the cells of the truth table.

use iopo_constraints::Dimension;
use iopo_judge::fence;
use iopo_schema::{ConstraintRow, InstructionRow, Operation};

use super::ask::Question;
use super::candidate::{candidate, changed, is_right};
use super::dimension::list;
use super::flow::{Flow, Sampled};
use super::rate::Job;
use super::read::{constraint, decision};
use super::schema;
use super::seed::{Fenced, Seed, check_of};
use super::step::{Refusal, Step};
use super::templates::Ask;
use crate::SynthError;

impl Flow<'_> {
    /// Makes the second instruction: by code for a removal, with a new constraint of the writer otherwise.
    pub(super) fn change(&mut self, seeds: &mut [Seed<'_>]) -> Result<(), SynthError> {
        let step = Step::Change;
        let open = self.enter(step, seeds);
        let mut asked = Vec::new();
        let mut questions = Vec::new();
        for &at in &open {
            let seed = &seeds[at];
            let (Some(x1), Some(y1)) = (&seed.x1, &seed.y1) else { continue };
            let (shared, old) = shared(x1, seed.operation);
            if seed.operation == Operation::Remove {
                let row = seed.row(x1.task.clone(), shared.to_vec(), x1.input.clone());
                seeds[at].x2 = self.settle(step, &mut seeds[at], None, Ok(row));
                continue;
            }
            let Fenced { task, constraints, input } = Fenced::new(x1, shared);
            let mut values = vec![
                ("task", task),
                ("constraints", constraints),
                ("input", input),
                ("response", fence(&y1.text)),
                ("dimensions", list(&Dimension::ALL, seed.language)),
            ];
            let ask = match old {
                Some(old) => {
                    values.push(("constraint", fence(&old.text)));
                    Ask::Revise
                }
                None => Ask::Add,
            };
            let question = self.question(ask, seed, &values);
            let schema = Some(schema::constraint(self.asker.config.propose_checks));
            questions.push(self.with_checks(Question { schema, ..question }));
            asked.push(at);
        }
        let replies = self
            .asker
            .ask(step, &questions, |_, answer| Ok(constraint(answer.text, answer.last)?))?;
        for (at, reply) in asked.into_iter().zip(replies) {
            let result = match (reply.result, &seeds[at].x1, &seeds[at].y1) {
                (Ok(one), Some(x1), Some(y1)) => {
                    let (shared, old) = shared(x1, seeds[at].operation);
                    let (language, unchanged) = (seeds[at].language, Refusal::Unchanged);
                    let same = |old: &ConstraintRow| {
                        super::text::normal(&old.text) == super::text::normal(&one.text)
                    };
                    if old.is_some_and(same) {
                        Err(unchanged)
                    } else {
                        self.constraint(one, &x1.task, shared, language, unchanged).and_then(
                            |row| {
                                let satisfied = check_of(&row)
                                    .is_some_and(|check| check.check(&y1.text).satisfied);
                                if satisfied {
                                    return Err(Refusal::Satisfied);
                                }
                                let rows = [shared.to_vec(), vec![row]].concat();
                                let row = seeds[at].row(x1.task.clone(), rows, x1.input.clone());
                                self.refuse_tested(&row)?;
                                Ok(row)
                            },
                        )
                    }
                }
                (Err(refusal), ..) => Err(refusal),
                (Ok(_), ..) => Err(Refusal::NoResponse),
            };
            seeds[at].x2 = self.settle(step, &mut seeds[at], Some(&reply.mark), result);
        }
        Ok(())
    }

    /// Tells revisions from swaps: a replacement is a swap if one answer can meet both constraints.
    pub(super) fn compatible(&mut self, seeds: &mut [Seed<'_>]) -> Result<(), SynthError> {
        let step = Step::Compatible;
        let mut asked = Vec::new();
        let mut questions = Vec::new();
        for (at, seed) in seeds.iter_mut().enumerate() {
            if !seed.is_open() || seed.operation != Operation::Revise {
                continue;
            }
            let (Some(x1), Some(x2)) = (&seed.x1, &seed.x2) else { continue };
            let (Some(old), Some(new)) = (x1.constraints.last(), x2.constraints.last()) else {
                continue;
            };
            if let (Some(old), Some(new)) = (check_of(old), check_of(new)) {
                if !old.excludes(&new) {
                    seed.operation = Operation::Swap;
                }
                continue;
            }
            let values = [
                ("task", fence(&x1.task)),
                ("constraint", fence(&old.text)),
                ("other", fence(&new.text)),
            ];
            let question = self.question(Ask::Compatible, seed, &values);
            questions
                .push(Question { schema: Some(schema::decisions(&["compatible"])), ..question });
            asked.push(at);
        }
        self.made.counts.add(format!("entered/{}", step.name()), asked.len() as u64);
        let replies = self
            .asker
            .ask(step, &questions, |_, answer| Ok(decision(answer.text, "compatible")?))?;
        for (at, reply) in asked.into_iter().zip(replies) {
            let found = self.settle(step, &mut seeds[at], Some(&reply.mark), reply.result);
            if found == Some(true) {
                seeds[at].operation = Operation::Swap;
            }
        }
        Ok(())
    }

    /// Rates each response by the changed constraint of the other instruction, and writes the candidates.
    ///
    /// The shared constraints are rated already: they are the same question in both instructions.
    pub(super) fn cross(&mut self, seeds: &mut [Seed<'_>]) -> Result<(), SynthError> {
        let step = Step::Cross;
        let open = self.enter(step, seeds);
        let mut jobs = Vec::new();
        for &at in &open {
            let seed = &seeds[at];
            let (Some(x1), Some(x2)) = (&seed.x1, &seed.x2) else { continue };
            let (Some(y1), Some(y2)) = (&seed.y1, &seed.y2) else { continue };
            let (removed, added) = changed(seed.operation, x1, x2);
            for (row, constraints, text) in [(x2, added, &y1.text), (x1, removed, &y2.text)] {
                if !constraints.is_empty() {
                    let row = InstructionRow { constraints: constraints.to_vec(), ..row.clone() };
                    let text = text.clone();
                    jobs.push(Job { at, sample: 0, row, text, must_hold: false });
                }
            }
        }
        let ratings = self.rate(step, seeds, &jobs)?;
        for (job, rating) in jobs.iter().zip(&ratings) {
            if let (Err(refusal), Some(mark)) = (&rating.result, &rating.mark)
                && refusal.is_of_request()
            {
                let of = Sampled { sample: job.sample, mark, rating: None };
                let row = self.failed_row(step, &seeds[job.at], &job.row.id, of, refusal);
                self.made.responses.push(row);
            }
        }
        let mut ratings = ratings.into_iter().map(|rating| rating.result);
        for at in open {
            let (removed, added) = match (&seeds[at].x1, &seeds[at].x2) {
                (Some(x1), Some(x2)) => {
                    let (removed, added) = changed(seeds[at].operation, x1, x2);
                    (removed.len(), added.len())
                }
                _ => (0, 0),
            };
            let mut next = |count: usize| match count {
                0 => Ok(Vec::new()),
                _ => ratings.next().unwrap_or(Err(Refusal::NoResponse)),
            };
            let (y1_added, y2_removed) = (next(added), next(removed));
            let result = y1_added.and_then(|added| Ok((added, y2_removed?)));
            if let Some((added, removed)) = self.settle(step, &mut seeds[at], None, result)
                && let Some(row) = candidate(&seeds[at], &added, &removed)
            {
                let right = if is_right(&row) { "right" } else { "wrong" };
                self.made.counts.one(format!("table/{right}"));
                let operation = seeds[at].operation;
                self.made.counts.one(format!("candidates/{operation}"));
                self.made.candidates.push(row);
            }
        }
        Ok(())
    }
}

/// Splits the constraints of x1 into those that x2 keeps, and the one that changes.
fn shared(x1: &InstructionRow, operation: Operation) -> (&[ConstraintRow], Option<&ConstraintRow>) {
    match (operation, x1.constraints.split_last()) {
        (Operation::Add, _) | (_, None) => (&x1.constraints, None),
        (_, Some((old, kept))) => (kept, Some(old)),
    }
}

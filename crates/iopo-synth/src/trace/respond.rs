//! The stages that sample and rate responses.

use iopo_judge::trace::forged_verdict;
use iopo_schema::{InstructionRow, Operation, VerdictRow};

use super::ask::{Mark, Question};
use super::candidate::pair;
use super::flow::{Flow, Sampled, response_id};
use super::rate::Job;
use super::seed::{Fenced, Rated, Seed, is_multilingual};
use super::step::{Refusal, Step};
use super::templates::Ask;
use super::text::{Distinct, normal, similarity, speaks};
use crate::SynthError;
use iopo_judge::fence;

/// A response before its rating.
struct Draft {
    /// Index of its seed.
    at: usize,
    sample: u32,
    mark: Mark,
    text: String,
    refusal: Option<Refusal>,
    verdicts: Vec<VerdictRow>,
    /// The request for the rating, if the judge was asked.
    rating: Option<Mark>,
}

impl Flow<'_> {
    /// Samples responses to the instructions, rates them, and keeps the first one that satisfies all constraints.
    pub(super) fn respond(
        &mut self,
        seeds: &mut [Seed<'_>],
        second: bool,
    ) -> Result<(), SynthError> {
        let (step, rating) = if second {
            (Step::SecondResponse, Step::SecondRating)
        } else {
            (Step::Response, Step::Rating)
        };
        let open: Vec<usize> = (0..seeds.len()).filter(|&at| seeds[at].is_open()).collect();
        let mut asked = Vec::new();
        let mut questions = Vec::new();
        for &at in &open {
            let seed = &seeds[at];
            let Some(row) = seed.instruction(second) else { continue };
            let question = self.asks_for_response(seed, row, second);
            for sample in 0..self.asker.config.samples as u32 {
                asked.push((at, sample));
                questions.push(Question {
                    messages: question.messages.clone(),
                    templates: question.templates.clone(),
                    key: question.key.clone(),
                    sample,
                    schema: None,
                    ..question
                });
            }
        }
        let mut drafts = self.drafts(step, seeds, &asked, &questions, second)?;
        if second {
            for draft in &mut drafts {
                let y1 = seeds[draft.at].y1.as_ref();
                let same = y1.is_some_and(|y1| normal(&y1.text) == normal(&draft.text));
                if draft.refusal.is_none() && same {
                    draft.refusal = Some(Refusal::Duplicate);
                }
            }
        }
        self.rate_drafts(step, rating, seeds, &mut drafts, second, true)?;
        for draft in &mut drafts {
            let held = draft.verdicts.iter().all(|one| one.satisfied);
            if draft.refusal.is_none() && !held {
                draft.refusal = Some(Refusal::Unsatisfied);
                self.count_drop(rating, &Refusal::Unsatisfied);
            }
        }
        for draft in drafts {
            self.keep(step, rating, seeds, draft, second);
        }
        for at in open {
            let seed = &mut seeds[at];
            let has = if second { seed.y2.is_some() } else { seed.y1.is_some() };
            if !has {
                self.count_drop(rating, &Refusal::NoResponse);
                seed.dropped = Some(Refusal::NoResponse);
            }
        }
        Ok(())
    }

    /// Asks for an answer that violates a constraint of the first instruction, which makes a pair with the accepted one. It drops
    /// no seed.
    pub(super) fn worse(&mut self, seeds: &mut [Seed<'_>]) -> Result<(), SynthError> {
        let (step, rating) = (Step::Worse, Step::WorseRating);
        let mut asked = Vec::new();
        let mut questions = Vec::new();
        for (at, seed) in seeds.iter().enumerate() {
            let (true, Some(x1), Some(y1)) = (seed.is_open(), &seed.x1, &seed.y1) else { continue };
            let Fenced { task, constraints, input } = Fenced::new(x1, &x1.constraints);
            let values = [
                ("task", task),
                ("constraints", constraints),
                ("input", input),
                ("response", fence(&y1.text)),
            ];
            asked.push((at, 0));
            questions.push(self.question(Ask::Worse, seed, &values));
        }
        let mut drafts = self.drafts(step, seeds, &asked, &questions, false)?;
        for draft in &mut drafts {
            let y1 = seeds[draft.at].y1.as_ref();
            let limit = self.asker.config.max_similarity;
            if draft.refusal.is_none()
                && y1.is_some_and(|y1| similarity(&y1.text, &draft.text) > limit)
            {
                draft.refusal = Some(Refusal::Duplicate);
            }
        }
        self.rate_drafts(step, rating, seeds, &mut drafts, false, false)?;
        for mut draft in drafts {
            if draft.refusal.is_none() && draft.verdicts.iter().all(|one| one.satisfied) {
                draft.refusal = Some(Refusal::NotWorse);
                self.count_drop(rating, &Refusal::NotWorse);
            }
            self.keep(step, rating, seeds, draft, false);
        }
        Ok(())
    }

    /// Creates the question for a response. After a removal, the response must not meet the removed constraint.
    fn asks_for_response(&self, seed: &Seed<'_>, row: &InstructionRow, second: bool) -> Question {
        let removed = seed.x1.as_ref().and_then(|x1| x1.constraints.last());
        match removed.filter(|_| second && seed.operation == Operation::Remove) {
            Some(removed) => {
                let values =
                    [("instruction", row.prompt.clone()), ("constraint", fence(&removed.text))];
                self.question(Ask::ResponseFree, seed, &values)
            }
            None => self.question(Ask::Response, seed, &[("instruction", row.prompt.clone())]),
        }
    }

    /// Samples texts and checks them by code.
    fn drafts(
        &mut self,
        step: Step,
        seeds: &mut [Seed<'_>],
        asked: &[(usize, u32)],
        questions: &[Question],
        second: bool,
    ) -> Result<Vec<Draft>, SynthError> {
        self.made.counts.add(format!("entered/{}", step.name()), asked.len() as u64);
        let config = self.asker.config;
        let replies = self.asker.ask(step, questions, |index, answer| {
            let seed = &seeds[asked[index].0];
            let multilingual = seed
                .instruction(second)
                .is_some_and(|row| row.constraints.iter().any(is_multilingual));
            let refusal = if answer.text.is_empty() {
                Some(Refusal::Empty)
            } else if answer.cut {
                Some(Refusal::Cut)
            } else if config.guard && forged_verdict(answer.text) {
                Some(Refusal::ForgedVerdict)
            } else if !multilingual && !speaks(answer.text, seed.language) {
                Some(Refusal::Language)
            } else {
                None
            };
            Ok((answer.text.to_owned(), refusal))
        })?;
        let mut drafts: Vec<Draft> = Vec::new();
        let mut distinct = Distinct::default();
        for (&(at, sample), reply) in asked.iter().zip(replies) {
            seeds[at].mark(&reply.mark);
            let (text, mut refusal) = match reply.result {
                Ok(found) => found,
                Err(refusal) => (String::new(), Some(refusal)),
            };
            if refusal.is_none() && !distinct.insert(at, &text, config.max_similarity) {
                refusal = Some(Refusal::Duplicate);
            }
            drafts.push(Draft {
                at,
                sample,
                mark: reply.mark,
                text,
                refusal,
                verdicts: Vec::new(),
                rating: None,
            });
        }
        Ok(drafts)
    }

    /// Rates the drafts that are not refused. `must_hold` skips the judge where a check fails.
    fn rate_drafts(
        &mut self,
        step: Step,
        rating: Step,
        seeds: &mut [Seed<'_>],
        drafts: &mut [Draft],
        second: bool,
        must_hold: bool,
    ) -> Result<(), SynthError> {
        let mut jobs = Vec::new();
        let mut rated = Vec::new();
        for (index, draft) in drafts.iter().enumerate() {
            match (&draft.refusal, seeds[draft.at].instruction(second)) {
                (None, Some(row)) => {
                    rated.push(index);
                    jobs.push(Job {
                        at: draft.at,
                        sample: draft.sample,
                        row: row.clone(),
                        text: draft.text.clone(),
                        must_hold,
                    });
                }
                (Some(refusal), _) => self.count_drop(step, &refusal.clone()),
                (None, None) => {}
            }
        }
        self.made.counts.add(format!("passed/{}", step.name()), jobs.len() as u64);
        self.made.counts.add(format!("entered/{}", rating.name()), jobs.len() as u64);
        let ratings = self.rate(rating, seeds, &jobs)?;
        for (index, rated) in rated.into_iter().zip(ratings) {
            drafts[index].rating = rated.mark;
            match rated.result {
                Ok(verdicts) => drafts[index].verdicts = verdicts,
                Err(refusal) => {
                    self.count_drop(rating, &refusal);
                    drafts[index].refusal = Some(refusal);
                }
            }
        }
        Ok(())
    }

    /// Writes the row of a response, and keeps the first accepted one for the group.
    fn keep(
        &mut self,
        step: Step,
        rating: Step,
        seeds: &mut [Seed<'_>],
        draft: Draft,
        second: bool,
    ) {
        let seed = &mut seeds[draft.at];
        let Some(row) = seed.instruction(second) else { return };
        let instruction_id = row.id.clone();
        let Draft { sample, mark, text, refusal, verdicts, rating: rated_by, .. } = draft;
        let id = response_id(seed, &instruction_id, step, sample, &text);
        let rated = Rated { id, text, verdicts };
        let response = self.response_row(
            step,
            seed,
            &instruction_id,
            Sampled { sample, mark: &mark, rating: rated_by.as_ref() },
            rated.clone(),
            refusal.as_ref(),
        );
        self.made.responses.push(response);
        if refusal.is_some() {
            return;
        }
        self.made.counts.one(format!("passed/{}", rating.name()));
        if step == Step::Worse {
            if let Some(row) = pair(seed, &rated) {
                self.made.counts.one("worse_pairs");
                self.made.candidates.push(row);
            }
            return;
        }
        let slot = if second { &mut seed.y2 } else { &mut seed.y1 };
        slot.get_or_insert(rated);
    }
}

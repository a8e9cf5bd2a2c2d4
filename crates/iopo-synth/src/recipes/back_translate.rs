//! The `back-translate` recipe: writes instructions from the constraints that answers satisfy, with a few small edits for kinds
//! that sampling rarely reaches.

use iopo_constraints::Constraint;
use iopo_core::random::{keyed, weighted};
use iopo_schema::{Breakdown, ResponseSource, Total};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use super::choose::{Candidate, candidates, choose};
use super::small_edit::small_edit;
use crate::SynthError;
use crate::clean::Drop;
use crate::rows::instruction_row;
use crate::survey::CleanSample;
use crate::write::{Draft, Place, Writer, Written};

impl Writer<'_> {
    /// Writes instructions for the answers to a task.
    pub(crate) fn back_translate_recipe(
        &mut self,
        place: &mut Place<'_>,
        answers: &[CleanSample],
        out: &mut Written,
    ) -> Result<(), SynthError> {
        let texts: Vec<&str> = answers.iter().map(|answer| answer.text.as_str()).collect();
        let all = candidates(&texts, self.kinds);
        for (answer, found) in answers.iter().zip(&all) {
            let sample = answer.info.sample.to_string();
            let mut rng = keyed(self.config.seed, &["instruction", &place.task.id, &sample]);
            let mut failed = Some(Drop::NoConstraint);
            for _ in 0..self.config.instructions_per_answer {
                let constraints = self.draw(found, Vec::new(), &mut rng);
                if constraints.is_empty() {
                    break;
                }
                let instruction = instruction_row(place.task, &constraints, self.config, &mut rng);
                let source = ResponseSource::BackTranslated;
                let draft = Draft { instruction, constraints, text: answer.text.clone(), source };
                self.emit_or_count(place, answer, draft, &mut failed, out)?;
            }
            if let Some(reason) = failed {
                out.counts.one(Breakdown::Dropped.of(reason.name()));
            }
        }
        if !self.editable.is_empty() {
            self.edits(place, answers, &all, out)?;
        }
        Ok(())
    }

    /// Adds edited answers for kinds that sampling rarely reaches.
    fn edits(
        &mut self,
        place: &mut Place<'_>,
        answers: &[CleanSample],
        found: &[Vec<Candidate>],
        out: &mut Written,
    ) -> Result<(), SynthError> {
        let mut rng = keyed(self.config.seed, &["edits", &place.task.id]);
        let mut texts: Vec<String> = answers.iter().map(|answer| answer.text.clone()).collect();
        let settings = &self.config.back_translate;
        for _ in 0..settings.edits_per_task {
            if !rng.random_bool(settings.edit_probability) {
                continue;
            }
            out.counts.one(Total::EditsTried);
            let sources: Vec<&str> = answers.iter().map(|answer| answer.text.as_str()).collect();
            let task = &place.task.task;
            let edit = small_edit(task, &sources, self.editable, self.config, &mut rng);
            let Some(edit) = edit else {
                out.counts.one(Breakdown::DroppedEdits.of("no_edit"));
                continue;
            };
            if texts.contains(&edit.text) {
                out.counts.one(Breakdown::DroppedEdits.of("duplicate"));
                continue;
            }
            // Use only constraints that the edit did not break.
            let still: Vec<Candidate> = found[edit.answer]
                .iter()
                .filter(|candidate| candidate.constraint.check(&edit.text).satisfied)
                .cloned()
                .collect();
            let kind = edit.constraint.kind();
            let constraints = self.draw(&still, vec![edit.constraint], &mut rng);
            let instruction = instruction_row(place.task, &constraints, self.config, &mut rng);
            let (text, source) = (edit.text.clone(), ResponseSource::Edited);
            let draft = Draft { instruction, constraints, text, source };
            match self.emit(place, &answers[edit.answer], draft, out)? {
                Ok(()) => out.counts.one(Breakdown::Edited.of(kind.id())),
                Err(reason) => out.counts.one(Breakdown::DroppedEdits.of(reason.name())),
            }
            texts.push(edit.text);
        }
        Ok(())
    }

    /// Draws the number of constraints and the constraints.
    fn draw(
        &self,
        found: &[Candidate],
        fixed: Vec<Constraint>,
        rng: &mut ChaCha8Rng,
    ) -> Vec<Constraint> {
        let count = weighted(&self.config.constraints_per_instruction, rng).map_or(1, |i| i + 1);
        choose(found, fixed, count, self.config.back_translate.discriminating_weight, rng)
    }
}

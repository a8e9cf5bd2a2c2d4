//! The `on-policy` recipe: draws the instruction before sampling, as test prompts are drawn, and changes what fails.
//!
//! An answer that satisfies every constraint is used as it is. Otherwise, edits make the failed constraints hold. A constraint
//! that no edit reaches is *reversed*: it is replaced by one of its revisions that the answer satisfies.

use iopo_constraints::{Constraint, Kind, draw_compatible};
use iopo_core::random::{keyed, weighted};
use iopo_schema::{Breakdown, ConstraintRow, InstructionRow, ResponseSource};
use rand::{Rng, RngExt};

use crate::clean::Drop;
use crate::rows::{instruction_of, instruction_row};
use crate::satisfy::edited_to_satisfy;
use crate::survey::CleanSample;
use crate::write::{Draft, Place, Writer, Written};
use crate::{SynthConfig, SynthError, Task};

/// Draws the instruction of one sample: its row and its constraints.
pub fn drawn_instruction(
    task: &Task,
    sample: usize,
    kinds: &[(Kind, f64)],
    config: &SynthConfig,
) -> (InstructionRow, Vec<Constraint>) {
    let mut rng = keyed(config.seed, &["on-policy", &task.id, &sample.to_string()]);
    let kinds: Vec<Kind> = kinds.iter().map(|(kind, _)| *kind).collect();
    let count = weighted(&config.constraints_per_instruction, &mut rng).map_or(1, |i| i + 1);
    let constraints = draw_compatible(&task.task, &kinds, count, &mut rng);
    (instruction_row(task, &constraints, config, &mut rng), constraints)
}

impl Writer<'_> {
    /// Writes the instruction of an answer, with failed constraints reversed if no edit reaches them.
    pub(crate) fn on_policy_recipe(
        &mut self,
        place: &mut Place<'_>,
        answer: &CleanSample,
        out: &mut Written,
    ) -> Result<(), SynthError> {
        let sample = answer.info.sample;
        let (asked, constraints) = drawn_instruction(place.task, sample, self.kinds, self.config);
        let mut rng = keyed(self.config.seed, &["reverse", &place.task.id, &sample.to_string()]);
        let echo = self.config.quality.is_echo(
            &answer.text,
            constraints.iter().zip(asked.constraints.iter().map(|row| row.text.as_str())),
        );
        let written = if constraints.is_empty() {
            Err(Drop::NoConstraint)
        } else if echo {
            Err(Drop::Echo)
        } else {
            match self.changed(place.task, asked, constraints, answer, &mut rng) {
                Some(draft) => self.emit(place, answer, draft, out)?,
                None => Err(Drop::NoRevision),
            }
        };
        if let Err(reason) = written {
            out.counts.one(Breakdown::Dropped.of(reason.name()));
        }
        Ok(())
    }

    /// Edits the answer and reverses constraints until all hold. Returns `None` if a failed constraint has no usable revision
    /// that holds.
    fn changed(
        &self,
        task: &Task,
        asked: InstructionRow,
        mut constraints: Vec<Constraint>,
        answer: &CleanSample,
        rng: &mut impl Rng,
    ) -> Option<Draft> {
        let holds = |constraint: &&Constraint| constraint.check(&answer.text).satisfied;
        let mut reached: Vec<Constraint> = constraints.iter().filter(holds).cloned().collect();
        let mut text = answer.text.clone();
        let mut failed: Vec<usize> = Vec::new();
        for (index, constraint) in constraints.iter().enumerate() {
            if reached.contains(constraint) {
                continue;
            }
            reached.push(constraint.clone());
            let max_edit = self.config.max_edit;
            let edited = edited_to_satisfy(&answer.text, &reached, max_edit);
            if let Some(edited) = edited {
                text = edited;
            } else {
                reached.pop();
                failed.push(index);
            }
        }
        if failed.is_empty() {
            let source =
                if text == answer.text { ResponseSource::Sampled } else { ResponseSource::Edited };
            return Some(Draft { instruction: asked, constraints, text, source });
        }
        let mut rows = asked.constraints;
        let mut source =
            if text == answer.text { ResponseSource::Sampled } else { ResponseSource::Edited };
        for index in failed {
            // A later edit can make it hold.
            if constraints[index].check(&text).satisfied && constraints[index].fits_with(&reached) {
                reached.push(constraints[index].clone());
                continue;
            }
            let usable = |revision: &Constraint| {
                self.kinds.iter().any(|(kind, _)| *kind == revision.kind())
                    && revision.check(&text).satisfied
                    && revision.fits_with(&reached)
            };
            let mut open = constraints[index].revisions();
            open.retain(usable);
            if open.is_empty() {
                return None;
            }
            let revision = open.swap_remove(rng.random_range(0..open.len()));
            rows[index] = ConstraintRow::from_constraint(&revision, revision.draw_phrasing(rng));
            reached.push(revision.clone());
            constraints[index] = revision;
            source = ResponseSource::Reversed;
        }
        let instruction = instruction_of(task, rows, self.config);
        Some(Draft { instruction, constraints, text, source })
    }
}

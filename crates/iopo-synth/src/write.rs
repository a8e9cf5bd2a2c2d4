//! Second half of the second pass: writes the instructions and responses of each task.

use std::collections::BTreeSet;

use iopo_constraints::{Constraint, Kind};
use iopo_schema::{
    Breakdown, InstructionRow, ResponseRow, ResponseSource, Total, VerdictRow, content_id,
};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use crate::answers::info_json;
use crate::choose::{Candidate, candidates, choose};
use crate::clean::Drop;
use crate::decontamination::NgramOwners;
use crate::edit::edit_one;
use crate::rows::instruction_row;
use crate::stats::count_instruction;
use crate::survey::CleanSample;
use crate::{SynthConfig, SynthError, Task};
use iopo_core::Counts;
use iopo_core::random::{keyed, weighted};

/// The rows of one part.
#[derive(Debug, Default)]
pub(crate) struct Written {
    /// The instructions.
    pub(crate) instructions: Vec<InstructionRow>,
    /// The responses to them.
    pub(crate) responses: Vec<ResponseRow>,
    /// The counters of these rows.
    pub(crate) counts: Counts,
}

/// Writes the rows of tasks in order.
pub(crate) struct Writer<'a> {
    /// The settings.
    pub(crate) config: &'a SynthConfig,
    /// The usable kinds.
    pub(crate) kinds: &'a [(Kind, f64)],
    /// The kinds that may be edited.
    pub(crate) editable: &'a [(Kind, f64)],
    /// The owners of n-grams. Edited responses are added.
    pub(crate) owners: NgramOwners,
}

impl Writer<'_> {
    /// Writes the rows of task number `index` from its usable answers.
    pub(crate) fn task(
        &mut self,
        index: usize,
        task: &Task,
        answers: &[CleanSample],
        out: &mut Written,
    ) -> Result<(), SynthError> {
        let before = out.responses.len();
        let texts: Vec<&str> = answers.iter().map(|answer| answer.text.as_str()).collect();
        let mut prompts: BTreeSet<String> = BTreeSet::new();
        let all = candidates(&texts, self.kinds);
        for (answer, found) in answers.iter().zip(&all) {
            let sample = answer.info.sample.to_string();
            let mut rng = keyed(self.config.seed, &["instruction", &task.id, &sample]);
            let mut written = false;
            for _ in 0..self.config.instructions_per_answer {
                let constraints = self.draw(found, Vec::new(), &mut rng);
                if constraints.is_empty() {
                    break;
                }
                written |= self.emit(
                    task,
                    (answer, &answer.text),
                    &constraints,
                    &mut prompts,
                    &mut rng,
                    out,
                )?;
            }
            if !written {
                let reason =
                    if found.is_empty() { Drop::NoConstraint } else { Drop::SameInstruction };
                out.counts.one(Breakdown::Dropped.of(reason.name()));
            }
        }
        if self.config.edit_enabled && !answers.is_empty() && !self.editable.is_empty() {
            self.edits(index, task, answers, &all, &mut prompts, out)?;
        }
        out.counts.add(Total::TasksWithResponses, u64::from(out.responses.len() > before));
        Ok(())
    }

    /// Adds edited answers for kinds that sampling rarely reaches.
    fn edits(
        &mut self,
        index: usize,
        task: &Task,
        answers: &[CleanSample],
        found: &[Vec<Candidate>],
        prompts: &mut BTreeSet<String>,
        out: &mut Written,
    ) -> Result<(), SynthError> {
        let mut rng = keyed(self.config.seed, &["edit", &task.id]);
        let mut texts: Vec<String> = answers.iter().map(|answer| answer.text.clone()).collect();
        for _ in 0..self.config.edits_per_task {
            if !rng.random_bool(self.config.edit_probability) {
                continue;
            }
            out.counts.one(Total::EditsTried);
            let sources: Vec<&str> = answers.iter().map(|answer| answer.text.as_str()).collect();
            let Some(edit) = edit_one(&task.task, &sources, self.editable, self.config, &mut rng)
            else {
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
            let constraints = self.draw(&still, vec![edit.constraint.clone()], &mut rng);
            let mut instruction = vec![task.task.clone(), task.input.clone().unwrap_or_default()];
            let phrasings = 0..edit.constraint.phrasings();
            instruction.extend(phrasings.map(|phrasing| edit.constraint.render(phrasing)));
            let runs = self.owners.instruction_runs(instruction.iter().map(String::as_str));
            if !self.owners.admit(index as u32, &edit.text, &runs) {
                out.counts.one(Breakdown::DroppedEdits.of("shared_ngram"));
                continue;
            }
            let source = (&answers[edit.answer], edit.text.as_str());
            if self.emit(task, source, &constraints, prompts, &mut rng, out)? {
                out.counts.one(Breakdown::Edited.of(edit.constraint.kind().id()));
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
        choose(found, fixed, count, self.config.discriminating_weight, rng)
    }

    /// Writes one instruction and its response. Returns `false` if the instruction exists already or a verdict fails.
    fn emit(
        &self,
        task: &Task,
        (answer, text): (&CleanSample, &str),
        constraints: &[Constraint],
        prompts: &mut BTreeSet<String>,
        rng: &mut ChaCha8Rng,
        out: &mut Written,
    ) -> Result<bool, SynthError> {
        let instruction = instruction_row(task, constraints, self.config, rng);
        let verdicts = VerdictRow::check_all(constraints, text);
        let accepted = verdicts.iter().all(|verdict| verdict.satisfied);
        if !accepted || !prompts.insert(instruction.prompt.clone()) {
            return Ok(false);
        }
        let edited = text != answer.text;
        let source = if edited { ResponseSource::Edited } else { ResponseSource::BackTranslated };
        out.responses.push(ResponseRow {
            id: content_id(&["response", &instruction.id, text]),
            instruction_id: instruction.id.clone(),
            task_id: task.id.clone(),
            text: text.to_owned(),
            verdicts,
            accepted,
            source,
            original: edited.then(|| answer.text.clone()),
            error: None,
            generator: answer.generator.clone(),
            sampling: info_json(&answer.info)?,
        });
        count_instruction(&mut out.counts, &instruction);
        out.counts.one(Total::Responses);
        out.counts.one(Breakdown::Source.of(source));
        out.counts.add(Total::Edited, u64::from(edited));
        out.instructions.push(instruction);
        Ok(true)
    }
}

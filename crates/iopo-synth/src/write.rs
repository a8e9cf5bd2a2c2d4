//! Second half of the second pass: writes the instructions and responses of each task.

use std::collections::BTreeSet;

use iopo_constraints::{Constraint, Kind};
use iopo_schema::{Breakdown, InstructionRow, ResponseRow, Total, VerdictRow, content_id};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use crate::answers::info_json;
use crate::choose::{Candidate, candidates, choose};
use crate::clean::Drop;
use crate::decontamination::NgramOwners;
use crate::repair::repair;
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
    /// The kinds that may be repaired.
    pub(crate) repairable: &'a [(Kind, f64)],
    /// The owners of n-grams. Repaired responses are added.
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
                    (answer, &answer.text, false),
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
        if self.config.repair_enabled && !answers.is_empty() && !self.repairable.is_empty() {
            self.repairs(index, task, answers, &all, &mut prompts, out)?;
        }
        out.counts.add(Total::TasksWithResponses, u64::from(out.responses.len() > before));
        Ok(())
    }

    /// Adds repaired answers for kinds that sampling rarely reaches.
    fn repairs(
        &mut self,
        index: usize,
        task: &Task,
        answers: &[CleanSample],
        found: &[Vec<Candidate>],
        prompts: &mut BTreeSet<String>,
        out: &mut Written,
    ) -> Result<(), SynthError> {
        let mut rng = keyed(self.config.seed, &["repair", &task.id]);
        let mut texts: Vec<String> = answers.iter().map(|answer| answer.text.clone()).collect();
        for _ in 0..self.config.repairs_per_task {
            if !rng.random_bool(self.config.repair_probability) {
                continue;
            }
            out.counts.one(Total::RepairsTried);
            let sources: Vec<&str> = answers.iter().map(|answer| answer.text.as_str()).collect();
            let Some(edit) = repair(&task.task, &sources, self.repairable, self.config, &mut rng)
            else {
                out.counts.one(Breakdown::DroppedRepairs.of("no_edit"));
                continue;
            };
            if texts.contains(&edit.text) {
                out.counts.one(Breakdown::DroppedRepairs.of("duplicate"));
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
                out.counts.one(Breakdown::DroppedRepairs.of("shared_ngram"));
                continue;
            }
            let source = (&answers[edit.answer], edit.text.as_str(), true);
            if self.emit(task, source, &constraints, prompts, &mut rng, out)? {
                out.counts.one(Breakdown::Repaired.of(edit.constraint.kind().id()));
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
        (answer, text, repaired): (&CleanSample, &str, bool),
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
        out.responses.push(ResponseRow {
            id: content_id(&["response", &instruction.id, text]),
            instruction_id: instruction.id.clone(),
            task_id: task.id.clone(),
            text: text.to_owned(),
            verdicts,
            accepted,
            repaired,
            error: None,
            generator: answer.generator.clone(),
            sampling: info_json(&answer.info)?,
        });
        count_instruction(&mut out.counts, &instruction);
        out.counts.one(Total::Responses);
        out.counts.add(Total::Repaired, u64::from(repaired));
        out.instructions.push(instruction);
        Ok(true)
    }
}

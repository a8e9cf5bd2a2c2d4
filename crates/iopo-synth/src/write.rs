//! Second half of the second pass: writes the instructions and responses of each task.

use std::collections::{BTreeMap, BTreeSet};

use iopo_constraints::{Constraint, Kind};
use iopo_core::Counts;
use iopo_schema::{
    Breakdown, InstructionRow, ResponseRow, ResponseSource, Total, VerdictRow, content_id,
};

use crate::answers::info_json;
use crate::clean::Drop;
use crate::decontamination::NgramOwners;
use crate::recipe::Recipe;
use crate::stats::count_instruction;
use crate::survey::CleanSample;
use crate::{SynthConfig, SynthError, Task};

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

/// Writes the rows of tasks in order. Its state depends on the tasks before, so a resumed run visits all of them.
pub(crate) struct Writer<'a> {
    /// The settings.
    pub(crate) config: &'a SynthConfig,
    /// The usable kinds.
    pub(crate) kinds: &'a [(Kind, f64)],
    /// The kinds that back-translation may edit for.
    pub(crate) editable: &'a [(Kind, f64)],
    /// The owners of n-grams. Edited responses are added.
    pub(crate) owners: NgramOwners,
    /// The number of written constraints of each kind.
    pub(crate) examples: BTreeMap<Kind, u64>,
}

/// The task whose rows are written.
pub(crate) struct Place<'a> {
    /// Its number.
    pub(crate) index: usize,
    /// The task.
    pub(crate) task: &'a Task,
    /// The prompts that are written.
    pub(crate) prompts: BTreeSet<String>,
}

/// An instruction with a response that should satisfy it.
#[derive(Debug)]
pub(crate) struct Draft {
    /// The instruction.
    pub(crate) instruction: InstructionRow,
    /// Its constraints.
    pub(crate) constraints: Vec<Constraint>,
    /// The response.
    pub(crate) text: String,
    /// How the response was made.
    pub(crate) source: ResponseSource,
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
        let mut place = Place { index, task, prompts: BTreeSet::new() };
        let by = |recipe: Recipe| answers.iter().filter(move |one| one.info.recipe == recipe);
        for answer in by(Recipe::Edit) {
            self.edit_recipe(&mut place, answer, out)?;
        }
        let found: Vec<CleanSample> = by(Recipe::BackTranslate).cloned().collect();
        if !found.is_empty() {
            self.back_translate_recipe(&mut place, &found, out)?;
        }
        for answer in by(Recipe::OnPolicy) {
            self.on_policy_recipe(&mut place, answer, out)?;
        }
        out.counts.add(Total::TasksWithResponses, u64::from(out.responses.len() > before));
        Ok(())
    }

    /// Writes a draft, or counts why it is dropped. `failed` is why the answer has no instruction yet: `None` once it has one,
    /// else the last reason.
    pub(crate) fn emit_or_count(
        &mut self,
        place: &mut Place<'_>,
        answer: &CleanSample,
        draft: Draft,
        failed: &mut Option<Drop>,
        out: &mut Written,
    ) -> Result<(), SynthError> {
        match self.emit(place, answer, draft, out)? {
            Ok(()) => *failed = None,
            Err(reason) => {
                out.counts.one(Breakdown::DroppedInstructions.of(reason.name()));
                *failed = failed.and(Some(reason));
            }
        }
        Ok(())
    }

    /// Writes an instruction and its response, or returns the reason why not.
    pub(crate) fn emit(
        &mut self,
        place: &mut Place<'_>,
        answer: &CleanSample,
        draft: Draft,
        out: &mut Written,
    ) -> Result<Result<(), Drop>, SynthError> {
        let Draft { instruction, constraints, text, source } = draft;
        let verdicts = VerdictRow::check_all(&constraints, &text);
        if !verdicts.iter().all(|verdict| verdict.satisfied) {
            return Ok(Err(Drop::Unsatisfied));
        }
        let quality = &self.config.quality;
        let sentences = instruction.constraints.iter().map(|row| row.text.as_str());
        if quality.is_echo(&text, constraints.iter().zip(sentences)) {
            return Ok(Err(Drop::Echo));
        }
        if quality.is_loop(&text) {
            return Ok(Err(Drop::Looping));
        }
        if quality.is_thin(&text, &constraints) {
            return Ok(Err(Drop::Thin));
        }
        if place.prompts.contains(&instruction.prompt) {
            return Ok(Err(Drop::SameInstruction));
        }
        let edited = text != answer.text;
        if edited && !self.admit(place, &constraints, &text) {
            return Ok(Err(Drop::SharedNgram));
        }
        place.prompts.insert(instruction.prompt.clone());
        for constraint in &constraints {
            *self.examples.entry(constraint.kind()).or_default() += 1;
        }
        out.responses.push(ResponseRow {
            id: content_id(&["response", &instruction.id, &text]),
            instruction_id: instruction.id.clone(),
            task_id: place.task.id.clone(),
            text,
            verdicts,
            accepted: true,
            source,
            original: edited.then(|| answer.text.clone()),
            error: None,
            generator: answer.generator.clone(),
            sampling: info_json(&answer.info)?,
        });
        count_instruction(&mut out.counts, &instruction);
        out.counts.one(Total::Responses);
        out.counts.one(Breakdown::Source.of(source));
        out.counts.one(Breakdown::Recipe.of(answer.info.recipe));
        out.counts.add(Total::Edited, u64::from(edited));
        out.instructions.push(instruction);
        Ok(Ok(()))
    }

    /// Assigns the n-grams of an edited text to the task. Returns `false` if another task owns one.
    ///
    /// The sentences of the constraints, in any phrasing, belong to no task.
    fn admit(&mut self, place: &Place<'_>, constraints: &[Constraint], text: &str) -> bool {
        let mut instruction =
            vec![place.task.task.clone(), place.task.input.clone().unwrap_or_default()];
        for constraint in constraints {
            instruction.extend((0..constraint.phrasings()).map(|index| constraint.render(index)));
        }
        let runs = self.owners.instruction_runs(instruction.iter().map(String::as_str));
        self.owners.admit(place.index as u32, text, &runs)
    }
}

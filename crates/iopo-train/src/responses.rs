//! Verified responses to the instructions of the train split's tasks.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use iopo_schema::{InstructionRow, ResponseRow, content_id, read};

use crate::TrainError;

/// The files of a synthesis, and the tasks whose rows may be trained on.
#[derive(Debug, Clone, Copy)]
pub struct Responses<'a> {
    /// File of the instructions.
    pub instructions: &'a Path,
    /// File of the responses to them.
    pub responses: &'a Path,
    /// Ids of the tasks of the train split. Rows of other tasks are never read.
    pub train_tasks: &'a BTreeSet<String>,
}

/// A verified response with its prompt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedRow {
    /// Content hash of prompt and response.
    pub id: String,
    /// The task.
    pub task_id: String,
    /// The user turn.
    pub prompt: String,
    /// The response, which satisfies every constraint of the prompt.
    pub response: String,
    /// Kinds of the constraints.
    pub kinds: BTreeSet<String>,
}

impl Responses<'_> {
    /// Reads the accepted responses whose verdicts are all satisfied, by id. Identical rows are read once.
    ///
    /// # Errors
    /// Returns an error if a file cannot be read, or if a response of a train task answers no instruction of these tasks.
    pub fn verified(&self) -> Result<Vec<VerifiedRow>, TrainError> {
        let instructions: BTreeMap<String, InstructionRow> = read(self.instructions)?
            .into_iter()
            .filter(|row: &InstructionRow| self.train_tasks.contains(&row.task_id))
            .map(|row| (row.id.clone(), row))
            .collect();
        let mut rows = BTreeMap::new();
        for response in read::<ResponseRow>(self.responses)? {
            let is_verified = response.accepted
                && response.error.is_none()
                && !response.verdicts.is_empty()
                && response.verdicts.iter().all(|verdict| verdict.satisfied);
            if !is_verified || !self.train_tasks.contains(&response.task_id) {
                continue;
            }
            let Some(instruction) = instructions.get(&response.instruction_id) else {
                return Err(TrainError::MissingInstruction {
                    path: self.instructions.to_owned(),
                    instruction: response.instruction_id,
                    response: response.id,
                });
            };
            let row = row(instruction, response.text);
            rows.insert(row.id.clone(), row);
        }
        Ok(rows.into_values().collect())
    }
}

fn row(instruction: &InstructionRow, response: String) -> VerifiedRow {
    let checks = instruction.constraints.iter().filter_map(|constraint| constraint.check.as_ref());
    VerifiedRow {
        id: content_id(&[&instruction.prompt, &response]),
        task_id: instruction.task_id.clone(),
        prompt: instruction.prompt.clone(),
        response,
        kinds: checks.map(|check| check.id.clone()).collect(),
    }
}

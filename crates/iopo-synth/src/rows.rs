//! Instruction rows and the final files.

use iopo_constraints::Constraint;
use iopo_schema::{
    ConstraintRow, InstructionRow, Parts, ResponseRow, SchemaError, content_id, render_rows,
};
use rand::Rng;

use crate::{SynthConfig, Task};

/// Creates the instruction of a task with these constraints, each in a random phrasing.
pub fn instruction_row(
    task: &Task,
    constraints: &[Constraint],
    config: &SynthConfig,
    rng: &mut impl Rng,
) -> InstructionRow {
    let rows: Vec<ConstraintRow> = constraints
        .iter()
        .map(|constraint| ConstraintRow::from_constraint(constraint, constraint.draw_phrasing(rng)))
        .collect();
    instruction_of(task, rows, config)
}

/// Creates the instruction of a task with constraints that have their sentences.
pub fn instruction_of(
    task: &Task,
    rows: Vec<ConstraintRow>,
    config: &SynthConfig,
) -> InstructionRow {
    let prompt = render_rows(&task.task, &rows, task.input.as_deref());
    InstructionRow {
        id: content_id(&["instruction", &task.id, &prompt]),
        task_id: task.id.clone(),
        task: task.task.clone(),
        input: task.input.clone(),
        constraints: rows,
        prompt,
        language: config.language.clone(),
    }
}

/// Joins the parts of both files, in parallel.
///
/// # Errors
/// Returns an error if a part cannot be read or a file cannot be written.
pub fn finish(
    parts: usize,
    instructions: &Parts<InstructionRow>,
    responses: &Parts<ResponseRow>,
) -> Result<(), SchemaError> {
    std::thread::scope(|scope| {
        let beside = std::thread::Builder::new().spawn_scoped(scope, || responses.finish(parts));
        instructions.finish(parts)?;
        // Without a second thread, this one writes both files.
        let Ok(beside) = beside else { return responses.finish(parts) };
        beside.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

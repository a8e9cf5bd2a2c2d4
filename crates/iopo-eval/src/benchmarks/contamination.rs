//! Refuses benchmark prompts that a run was trained on.

use std::collections::BTreeSet;
use std::path::Path;

use iopo_llm::Progress;
use iopo_schema::{InstructionRow, PreferenceRow, run_files};

use crate::{EvalError, TestPrompt};

/// Refuses a run whose tasks, instructions or earlier turns of the user contain a prompt of the benchmark, word for word.
pub(super) fn refuse_contaminated(
    run: &Path,
    prompts: &[TestPrompt],
    progress: &dyn Progress,
) -> Result<(), EvalError> {
    let tested: BTreeSet<&str> = prompts.iter().map(|prompt| prompt.prompt.trim()).collect();
    let check = |task_id: &str, texts: &[&str]| {
        if texts.iter().any(|text| tested.contains(text.trim())) {
            return Err(EvalError::BenchmarkInTraining { task_id: task_id.to_owned() });
        }
        Ok(())
    };
    let [instructions, preferences] =
        [run_files::INSTRUCTIONS, run_files::PREFERENCES].map(|name| run.join(name));
    if instructions.is_file() {
        for row in iopo_schema::read::<InstructionRow>(&instructions)? {
            check(&row.task_id, &[&row.task, &row.prompt])?;
        }
    }
    if preferences.is_file() {
        for row in iopo_schema::read::<PreferenceRow>(&preferences)? {
            let prompts: Vec<&str> =
                std::iter::once(row.task.as_str()).chain(row.user_texts()).collect();
            check(&row.task_id, &prompts)?;
        }
    }
    if !instructions.is_file() && !preferences.is_file() {
        progress.note(&format!(
            "{} holds neither instructions nor preferences, so the benchmark cannot be compared with its tasks",
            run.display()
        ));
    }
    Ok(())
}

//! No prompt of a benchmark is training data.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::Result;
use iopo_eval::Prompt;
use iopo_schema::{InstructionRow, PreferenceRow};

use crate::failure::Failure;
use crate::printer;

/// Refuses a run that was trained on a prompt of the benchmark, whether it made its instructions or took them over.
pub(super) fn refuse(run: &Path, prompts: &[Prompt]) -> Result<()> {
    let asked: BTreeSet<&str> = prompts.iter().map(|prompt| prompt.prompt.trim()).collect();
    let check = |seed: &str, texts: [&str; 3]| -> Result<()> {
        if texts.iter().any(|text| asked.contains(text.trim())) {
            let what = format!("a prompt of the benchmark is seed `{seed}` of the run");
            return Err(Failure::usage(what)
                .way_out("take it out of the tasks and synthesise again: a benchmark is no training data")
                .into());
        }
        Ok(())
    };
    let [instructions, preferences] =
        ["instructions.parquet", "preferences.parquet"].map(|name| run.join(name));
    if instructions.is_file() {
        for row in iopo_schema::read::<InstructionRow>(&instructions)? {
            check(&row.task_id, [&row.task, &row.prompt, ""])?;
        }
    }
    if preferences.is_file() {
        for row in iopo_schema::read::<PreferenceRow>(&preferences)? {
            check(&row.task_id, [&row.task, &row.x1, &row.x2])?;
        }
    }
    if !instructions.is_file() && !preferences.is_file() {
        printer::note(&format!(
            "{} has neither instructions nor preferences: whether the benchmark is among its tasks is not known",
            run.display()
        ));
    }
    Ok(())
}

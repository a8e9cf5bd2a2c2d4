//! First half of the second pass: decides which answers are used, and which kinds back-translation may edit.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use iopo_constraints::Kind;
use iopo_llm::{FinishReason, Progress};
use iopo_schema::{Breakdown, ResponseRow, Total, stream};

use crate::answers::SampleInfo;
use crate::clean::{Drop, clean};
use crate::decontamination::NgramOwners;
use crate::recipe::Recipe;
use crate::recipes::choose::candidates;
use crate::recipes::on_policy::drawn_instruction;
use crate::{SynthConfig, SynthError, Task};
use iopo_core::Counts;
use iopo_core::text::words;

/// A sampled answer after cleaning.
#[derive(Debug, Clone)]
pub(crate) struct CleanSample {
    /// The text.
    pub(crate) text: String,
    /// How it was sampled.
    pub(crate) info: SampleInfo,
    /// Name of the model.
    pub(crate) generator: String,
}

/// The result of the survey over all answers.
#[derive(Debug)]
pub(crate) struct Survey {
    /// Whether each sampled answer is used, in order.
    pub(crate) used: Vec<bool>,
    /// The owners of n-grams.
    pub(crate) owners: NgramOwners,
    /// The kinds that back-translation may edit for, with their weights.
    pub(crate) editable: Vec<(Kind, f64)>,
    /// The counters so far.
    pub(crate) counts: Counts,
}

/// Calls `visit` with each task and its sampled rows, in order.
pub(crate) fn each_task(
    path: &Path,
    tasks: &[Task],
    samples: usize,
    mut visit: impl FnMut(usize, &Task, &[ResponseRow]) -> Result<(), SynthError>,
) -> Result<(), SynthError> {
    let mut waiting: Vec<ResponseRow> = Vec::new();
    let mut next = 0;
    for batch in stream::<ResponseRow>(path)? {
        waiting.extend(batch?);
        let whole = waiting.len() / samples * samples;
        for rows in waiting[..whole].chunks(samples) {
            let expected = tasks.get(next).map_or("the end of the file", |task| task.id.as_str());
            match tasks.get(next) {
                Some(task) if rows.iter().all(|row| row.task_id == task.id) => {
                    visit(next, task, rows)?;
                }
                _ => return Err(misplaced(path, expected, &rows[0].task_id)),
            }
            next += 1;
        }
        waiting.drain(..whole);
    }
    if let Some(row) = waiting.first() {
        return Err(misplaced(path, &format!("{samples} answers per task"), &row.task_id));
    }
    match tasks.get(next) {
        Some(task) => Err(misplaced(path, &task.id, "the end of the file")),
        None => Ok(()),
    }
}

fn misplaced(path: &Path, expected: &str, got: &str) -> SynthError {
    SynthError::Answers { path: path.to_owned(), expected: expected.into(), got: got.into() }
}

/// Cleans a sampled row. Returns the answer or the reason to drop it.
pub(crate) fn answer_of(
    path: &Path,
    row: &ResponseRow,
    config: &SynthConfig,
) -> Result<Result<CleanSample, Drop>, SynthError> {
    let mut info: SampleInfo = serde_json::from_str(&row.sampling).map_err(|error| {
        misplaced(path, "sampling parameters as JSON", &format!("{:?} ({error})", row.sampling))
    })?;
    if row.error.is_some() {
        return Ok(Err(Drop::Refused));
    }
    let cut = info.finish_reason.is_some_and(|reason| reason != FinishReason::Stop);
    Ok(clean(&row.text, cut, config).map(|cleaned| {
        info.trimmed = cleaned.trimmed;
        CleanSample { text: cleaned.text, info, generator: row.generator.clone() }
    }))
}

/// Visits all answers once, in the order of the tasks.
pub(crate) fn survey(
    path: &Path,
    tasks: &[Task],
    kinds: &[(Kind, f64)],
    relevance: Option<&BTreeMap<String, f64>>,
    config: &SynthConfig,
    progress: &dyn Progress,
) -> Result<Survey, SynthError> {
    let mut used = Vec::with_capacity(tasks.len() * config.samples_per_task);
    let mut owners = NgramOwners::new(config.decontamination_ngram);
    let mut counts = Counts::default();
    let mut reached: BTreeMap<Kind, u64> = BTreeMap::new();
    progress.start("checking answers", tasks.len() as u64);
    each_task(path, tasks, config.samples_per_task, |index, task, rows| {
        if progress.cancelled() {
            return Err(SynthError::Cancelled);
        }
        let instruction =
            owners.instruction_runs([task.task.as_str(), task.input.as_deref().unwrap_or("")]);
        let mut seen: BTreeSet<Vec<String>> = BTreeSet::new();
        let mut texts: Vec<String> = Vec::new();
        for row in rows {
            let verdict = answer_of(path, row, config)?;
            if let Ok(answer) = &verdict
                && answer.info.recipe == Recipe::OnPolicy
            {
                let (asked, _) = drawn_instruction(task, answer.info.sample, kinds, config);
                if asked.id != row.instruction_id {
                    let expected = format!("an answer to the instruction {}", asked.id);
                    return Err(misplaced(path, &expected, &row.instruction_id));
                }
            }
            let relevant = relevance.and_then(|known| known.get(&row.id));
            let verdict = verdict.and_then(|answer| {
                if relevant.is_some_and(|value| *value < config.quality.min_relevance) {
                    Err(Drop::OffTask)
                } else if !seen.insert(words(&answer.text).map(str::to_lowercase).collect()) {
                    Err(Drop::Duplicate)
                } else if !owners.admit(index as u32, &answer.text, &instruction) {
                    Err(Drop::SharedNgram)
                } else {
                    Ok(answer)
                }
            });
            counts.one(Total::Answers);
            used.push(verdict.is_ok());
            match verdict {
                Ok(answer) => {
                    counts.one(Total::Kept);
                    let unchecked = config.check_relevance && relevant.is_none();
                    counts.add(Breakdown::Unchecked.of("relevance"), u64::from(unchecked));
                    counts.add(Breakdown::Trimmed.of("cut"), u64::from(answer.info.trimmed));
                    if answer.info.recipe == Recipe::BackTranslate {
                        texts.push(answer.text);
                    }
                }
                Err(reason) => counts.one(Breakdown::Dropped.of(reason.name())),
            }
        }
        counts.one(Total::Tasks);
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let found = candidates(&texts, kinds);
        let holding: BTreeSet<Kind> =
            found.iter().flatten().map(|candidate| candidate.constraint.kind()).collect();
        for kind in holding {
            *reached.entry(kind).or_default() += 1;
        }
        progress.advance(1);
        Ok(())
    })?;
    progress.finish();
    if !config.recipe.uses(Recipe::BackTranslate) {
        return Ok(Survey { used, owners, editable: Vec::new(), counts });
    }
    for &(kind, _) in kinds {
        counts.add(Breakdown::Reached.of(kind.id()), reached.get(&kind).copied().unwrap_or(0));
    }
    let named = config.named_edit_kinds()?;
    let rare = |kind: Kind| {
        let tasks_reached = reached.get(&kind).copied().unwrap_or(0) as f64;
        tasks_reached < config.back_translate.edit_reach * tasks.len() as f64
    };
    let editable = kinds
        .iter()
        .copied()
        .filter(|(kind, _)| if named.is_empty() { rare(*kind) } else { named.contains(kind) })
        .collect();
    Ok(Survey { used, owners, editable, counts })
}

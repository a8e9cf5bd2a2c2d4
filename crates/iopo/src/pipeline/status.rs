//! The state of a run: which stages are done, which of them are valid, and why the others are not.

use std::fmt;
use std::fs;
use std::path::{Component, Path};

use iopo_llm::Progress;
use iopo_pairs::{is_imported_input_preferences, is_kept_input_preferences};
use iopo_schema::{SchemaError, run_files};

use super::reads::{self, Hashes};
use super::record::{Reason, Record};
use super::{Pipeline, PipelineError, Stage, fipo};

/// File that marks the directory of a finished training.
const FINISHED: &str = "finished.json";

/// The state of a stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StageState {
    /// The stage has not run.
    Missing,
    /// The stage has begun and is not finished.
    Unfinished,
    /// The stage is finished, and its files are those of the present configuration and inputs.
    Valid,
    /// The stage is finished, and a setting or an input has changed since.
    Stale,
    /// The stage is finished, and a file that it wrote has changed or is missing.
    Damaged,
}

impl StageState {
    /// Returns the name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Missing => "not run",
            Self::Unfinished => "unfinished",
            Self::Valid => "valid",
            Self::Stale => "stale",
            Self::Damaged => "damaged",
        }
    }
}

impl fmt::Display for StageState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A stage with its state. Displays as `pairs is stale (pairs.seed: 0 → 5)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StageStatus {
    /// The stage.
    pub stage: Stage,
    /// Its state.
    pub state: StageState,
    /// Why it is not valid.
    pub reasons: Vec<Reason>,
}

impl fmt::Display for StageStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is {}", self.stage, self.state)?;
        if !self.reasons.is_empty() {
            write!(f, " ({})", self.listed())?;
        }
        Ok(())
    }
}

impl StageStatus {
    /// Returns the first reasons and the number of the others.
    pub fn listed(&self) -> String {
        const SHOWN: usize = 6;
        let shown: Vec<String> = self.reasons.iter().take(SHOWN).map(ToString::to_string).collect();
        let mut list = shown.join("; ");
        if self.reasons.len() > SHOWN {
            let more = format!("; and {} more", self.reasons.len() - SHOWN);
            list.push_str(&more);
        }
        list
    }

    /// Returns whether a later stage may not read the results of this one.
    fn blocks(&self, later: Stage) -> bool {
        match self.state {
            StageState::Missing | StageState::Valid => false,
            // A report shows what there is.
            StageState::Unfinished => later != Stage::Report,
            StageState::Stale | StageState::Damaged => true,
        }
    }

    /// Returns whether another base model, or a setting of it that can change its answers, is a reason.
    pub(super) fn has_other_model(&self) -> bool {
        self.reasons.iter().any(|reason| match reason {
            Reason::Model { .. } => true,
            Reason::Setting { key, .. } => reads::OF_MODEL.contains(&key.as_str()),
            Reason::Version { .. }
            | Reason::Input { .. }
            | Reason::Upstream(_)
            | Reason::Output { .. } => false,
        })
    }
}

/// The records of a run, compared with the present configuration and files.
pub(super) struct Examination {
    /// The stages up to the examined one, in order.
    pub(super) stages: Vec<StageStatus>,
    /// The record of the last stage, if it has one.
    pub(super) before: Option<Record>,
    /// What the last stage would read now.
    pub(super) plan: Record,
}

/// Examines the stages up to `last`.
pub(super) fn examine(pipeline: &Pipeline, last: Stage) -> Result<Examination, PipelineError> {
    let mut hashes = Hashes::default();
    let mut stages: Vec<StageStatus> = Vec::new();
    for stage in reads::upstream(last) {
        let (status, ..) = one(pipeline, *stage, &stages, &mut hashes)?;
        stages.push(status);
    }
    let (status, before, plan) = one(pipeline, last, &stages, &mut hashes)?;
    stages.push(status);
    Ok(Examination { stages, before, plan })
}

/// Examines one stage after those before it.
fn one(
    pipeline: &Pipeline,
    stage: Stage,
    earlier: &[StageStatus],
    hashes: &mut Hashes,
) -> Result<(StageStatus, Option<Record>, Record), PipelineError> {
    let file = pipeline.dir().record_file(stage);
    let (before, unreadable) = match Record::read(&file) {
        Ok(before) => (before, false),
        Err(error @ PipelineError::File(SchemaError::Io { .. })) => return Err(error),
        Err(PipelineError::File(_)) => (None, true),
        Err(error) => return Err(error),
    };
    // A collection that the user has removed leaves nothing to compare.
    let is_removed = stage == Stage::Fipo && !fipo::folder(pipeline.dir()).is_dir();
    let (before, unreadable) = if is_removed { (None, false) } else { (before, unreadable) };
    let plan = reads::plan(pipeline, stage, before.as_ref(), hashes)?;
    let mut status = StageStatus { stage, state: StageState::Missing, reasons: Vec::new() };
    if unreadable {
        let name = format!("{}/{stage}.json", iopo_schema::run_files::STAGES);
        status.reasons.push(Reason::Output { file: name, missing: false });
        status.state = StageState::Damaged;
    }
    let Some(record) = &before else { return Ok((status, before, plan)) };
    status.reasons = record.differences(&plan);
    let Some(outputs) = &record.outputs else {
        status.state = StageState::Unfinished;
        return Ok((status, before, plan));
    };
    let first = earlier.iter().find(|earlier| earlier.blocks(stage));
    status.reasons.extend(first.map(|earlier| Reason::Upstream(earlier.stage)));
    let fresh = status.reasons.is_empty();
    status.state = if fresh { StageState::Valid } else { StageState::Stale };
    // A stale stage keeps those results that are still valid, so damage counts there too.
    for (name, written) in outputs {
        let path = pipeline.dir().root().join(name);
        if name == run_files::INPUT_PREFERENCES && is_imported_input_preferences(&path) {
            // An import replaces what pairing kept, and is not damage.
            continue;
        }
        let found = hashes.of(&path)?;
        if found.as_ref() != Some(written) {
            if fresh {
                status.state = StageState::Damaged;
            }
            status.reasons.push(Reason::Output { file: name.clone(), missing: found.is_none() });
        }
    }
    Ok((status, before, plan))
}

/// Fails if an earlier stage is not valid. One without a record is accepted: its files may come from elsewhere.
pub(super) fn refuse_stale_inputs(examined: &Examination) -> Result<(), PipelineError> {
    let Some((own, earlier)) = examined.stages.split_last() else { return Ok(()) };
    match earlier.iter().find(|earlier| earlier.blocks(own.stage)) {
        Some(input) => Err(PipelineError::InvalidInput { stage: own.stage, input: input.clone() }),
        None => Ok(()),
    }
}

/// Says why a stage runs again, and removes its damaged files, so that they are made again.
pub(super) fn renew(
    pipeline: &Pipeline,
    status: &StageStatus,
    progress: &dyn Progress,
) -> Result<(), PipelineError> {
    let again = match status.state {
        StageState::Missing | StageState::Valid => false,
        StageState::Unfinished => !status.reasons.is_empty(),
        StageState::Stale | StageState::Damaged => status.stage != Stage::Report,
    };
    if again {
        progress.note(&format!("{status}; computing it again"));
    }
    for reason in &status.reasons {
        let Reason::Output { file, .. } = reason else { continue };
        let path = pipeline.dir().root().join(file);
        if file == run_files::INPUT_PREFERENCES && !is_kept_input_preferences(&path) {
            // It may be the user's, so pairing refuses it by name.
            continue;
        }
        // A record from elsewhere may name files outside of the run.
        if Path::new(file).components().all(|part| matches!(part, Component::Normal(_))) {
            discard(&path)?;
        }
    }
    Ok(())
}

/// Removes a damaged file. A training starts over if one of its results is damaged; its event file follows from the metrics.
fn discard(path: &Path) -> Result<(), PipelineError> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    // The copy of the tasks is replaced if the original is there.
    if name.starts_with("tasks.") {
        return Ok(());
    }
    remove(path)?;
    if !name.starts_with("events.") {
        remove(&path.with_file_name(FINISHED))?;
    }
    Ok(())
}

fn remove(path: &Path) -> Result<(), PipelineError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(PipelineError::io("remove", path)(error))
        }
        _ => Ok(()),
    }
}

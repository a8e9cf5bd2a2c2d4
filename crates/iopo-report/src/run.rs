//! The files of a run directory, all optional.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use iopo_schema::run_files::{method_of, model_folder, model_name};
use iopo_schema::{
    FlawsRow, MetricRow, PredictionRow, PreferenceRow, Record, SchemaError, ScoreRow, SummaryRow,
    run_files,
};

use crate::{ReportError, models::order};

/// The contents of a run directory.
#[derive(Debug, Default)]
pub(crate) struct Run {
    pub(crate) synth_stats: Option<Vec<MetricRow>>,
    /// The counters of the collector of input preferences.
    pub(crate) fipo_stats: Option<Vec<MetricRow>>,
    pub(crate) pairs_stats: Option<Vec<MetricRow>>,
    pub(crate) preferences: Option<Vec<PreferenceRow>>,
    /// Groups of the rounds after the first, by the name of the model that was trained on them.
    pub(crate) later_preferences: Vec<(String, Vec<PreferenceRow>)>,
    /// Folders under `train/` and those of later rounds with their metrics, in the order of [`order`].
    pub(crate) training: Vec<(String, Vec<MetricRow>)>,
    pub(crate) summary: Option<Vec<SummaryRow>>,
    /// The evaluation on dev prompts, which compares rounds.
    pub(crate) dev: Option<Vec<SummaryRow>>,
    /// The published benchmarks by id.
    pub(crate) benchmarks: Vec<(String, Vec<SummaryRow>)>,
    /// Constraint kinds that the scores mark as unseen.
    pub(crate) unseen_kinds: BTreeSet<String>,
    /// Responses of the compared models, in their order.
    pub(crate) responses: Vec<Responses>,
}

/// The responses of one model to the test prompts.
#[derive(Debug, Default)]
pub(crate) struct Responses {
    /// Folder under `eval/`.
    pub(crate) model: String,
    pub(crate) predictions: Vec<PredictionRow>,
    pub(crate) scores: Vec<ScoreRow>,
    /// Empty if the evaluation did not look for flaws.
    pub(crate) flaws: Vec<FlawsRow>,
}

impl Run {
    /// Loads the `models` of a run, or all if there are none, with the responses of the `compared` models.
    pub(crate) fn load(
        directory: &Path,
        compared: &[String],
        models: &[String],
    ) -> Result<Self, ReportError> {
        if !directory.is_dir() {
            return Err(ReportError::NoRun { path: directory.to_path_buf() });
        }
        let is_shown = |name: &String| models.is_empty() || models.contains(name);
        let (train, eval) = (directory.join(run_files::TRAIN), directory.join(run_files::EVAL));
        let mut training = Vec::new();
        for name in folders(&train)? {
            let path = train.join(&name).join(run_files::METRICS);
            training.extend(load(&path)?.map(|rows| (name, rows)));
        }
        let mut later_preferences = Vec::new();
        for (round, dir) in rounds(&directory.join(run_files::ROUNDS))? {
            for policy in folders(&dir)? {
                let (method, seed) = (method_of(&policy), policy.split_once("-seed"));
                let seed = seed.and_then(|(_, seed)| seed.parse().ok());
                let name = model_folder(&model_name(method, round), seed);
                let dir = dir.join(&policy);
                let groups = load(&dir.join(run_files::PREFERENCES))?;
                later_preferences.extend(groups.map(|rows| (name.clone(), rows)));
                let metrics = dir.join(run_files::TRAIN).join(method).join(run_files::METRICS);
                training.extend(load(&metrics)?.map(|rows| (name, rows)));
            }
        }
        training.retain(|(name, _)| is_shown(name));
        later_preferences.retain(|(name, _)| is_shown(name));
        training.sort_by(|left, right| order(&left.0, &right.0));
        let mut unseen_kinds = BTreeSet::new();
        for name in folders(&eval)?.into_iter().filter(is_shown) {
            let scores: Option<Vec<ScoreRow>> = load(&eval.join(name).join(run_files::SCORES))?;
            let unseen = scores.into_iter().flatten().filter(|score| !score.seen);
            unseen_kinds.extend(unseen.map(|score| score.instruction_id));
        }
        let mut responses = Vec::new();
        for model in compared {
            let folder = eval.join(model);
            if let Some(predictions) = load(&folder.join(run_files::PREDICTIONS))? {
                responses.push(Responses {
                    model: model.clone(),
                    predictions,
                    scores: load(&folder.join(run_files::SCORES))?.unwrap_or_default(),
                    flaws: load(&folder.join(run_files::FLAWS))?.unwrap_or_default(),
                });
            }
        }
        let scored = eval.join(run_files::BENCHMARKS);
        let mut benchmarks = Vec::new();
        for id in folders(&scored)? {
            let rows = load(&scored.join(&id).join(run_files::SUMMARY))?;
            benchmarks.extend(rows.map(|rows| (id, rows)));
        }
        Ok(Self {
            responses,
            later_preferences,
            dev: load(&eval.join(run_files::DEV).join(run_files::SUMMARY))?,
            benchmarks,
            synth_stats: load(&directory.join(run_files::SYNTH_STATS))?,
            fipo_stats: load(&directory.join(run_files::FIPO).join(run_files::SYNTH_STATS))?,
            pairs_stats: load(&directory.join(run_files::PAIRS_STATS))?,
            preferences: load(&directory.join(run_files::PREFERENCES))?,
            training,
            summary: load(&eval.join(run_files::SUMMARY))?,
            unseen_kinds,
        })
    }
}

/// Reads all rows of a file; `None` if it is missing. A damaged file is an error, because a page without it would look
/// complete.
fn load<R: Record>(path: &Path) -> Result<Option<Vec<R>>, ReportError> {
    match iopo_schema::read(path) {
        Ok(rows) => Ok(Some(rows)),
        Err(SchemaError::Missing { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Lists the rounds after the first with their directories, in order.
fn rounds(directory: &Path) -> Result<Vec<(usize, PathBuf)>, ReportError> {
    let numbered = |name: String| Some((name.parse().ok()?, directory.join(name)));
    let mut found: Vec<(usize, PathBuf)> =
        folders(directory)?.into_iter().filter_map(numbered).collect();
    found.sort();
    Ok(found)
}

/// Lists the folders in a directory in the order of models; none if the directory is missing.
fn folders(directory: &Path) -> Result<Vec<String>, ReportError> {
    let failed = |source| ReportError::Io {
        path: directory.to_path_buf(),
        action: "list this directory",
        source,
    };
    let entries = match fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error)
            if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) =>
        {
            return Ok(Vec::new());
        }
        Err(error) => return Err(failed(error)),
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.map_err(failed)?;
        if entry.path().is_dir() {
            names.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    names.sort_by(|left, right| order(left, right));
    Ok(names)
}

/// Returns the series of a metrics file: (step, value) by name, ordered by step.
pub(crate) fn series(rows: &[MetricRow]) -> BTreeMap<&str, Vec<(f64, f64)>> {
    let mut series: BTreeMap<&str, Vec<(f64, f64)>> = BTreeMap::new();
    for row in rows {
        series.entry(&row.name).or_default().push((row.step as f64, row.value));
    }
    for points in series.values_mut() {
        points.sort_by(|left, right| left.0.total_cmp(&right.0));
    }
    series
}

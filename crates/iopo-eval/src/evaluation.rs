//! Evaluates the models of a run on its held-out prompts and test groups.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use iopo_core::text::counted;
use iopo_llm::{LanguageModel, LogProb, Progress, TokenLogps};
use iopo_schema::{
    InstructionRow, PredictionRow, PreferenceRow, Provenance, ReferenceRow, RelevanceRow,
    ResponseLogpsRow, Split, TestPromptRow, content_id, file_hash, run_files,
};
use serde_json::json;

use crate::answer::fits;
use crate::benchmarks::heldout::{HeldOut, TrainingRows, refuse_leaks, test_prompts};
use crate::quality::flaws_of_all;
use crate::score::{PRODUCER, score_file};
use crate::summary::{
    EvaluatedModel, EvaluatedRun, GroupRewards, PlainResponses, ScoredFiles, summarize,
};
use crate::under_base::{self, Work};
use crate::{EvalConfig, EvalError, PlainTasks, TestPrompt, answer};

/// One model to evaluate: the base, or the result of one training run.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// Directory under the evaluation's output, unique among the candidates: `base`, `iopo-seed1`.
    pub folder: String,
    /// Row of the table: `base`, `iopo`. Training runs of one method with several seeds share a row.
    pub model: String,
    /// Directory that training wrote; `None` for the base.
    pub trained: Option<PathBuf>,
    /// Random seed of the training; `None` for the base.
    pub seed: Option<u64>,
    /// Folder of the candidate that training started from; `None` for the base.
    pub reference: Option<String>,
    /// Beta of the implicit reward.
    pub beta: f64,
}

/// The models behind the candidates.
pub trait Models {
    /// A loaded model.
    type Model: LanguageModel + LogProb;

    /// Returns the base model.
    fn base(&self) -> &Self::Model;

    /// Returns the hash of tokenizer and chat template, which all candidates share.
    fn template_hash(&self) -> &str;

    /// Loads the model of a training run from the directory that training wrote.
    ///
    /// # Errors
    /// Returns an error if the directory does not hold a model trained from the base.
    fn trained(&self, candidate: &Candidate, dir: &Path) -> Result<Self::Model, EvalError>;

    /// Returns the groups that rewards are measured on: those of the prompts' split that can be encoded.
    fn groups(&self) -> &[PreferenceRow];

    /// Computes the log-probabilities of these groups under a model, or reads them from `path`.
    ///
    /// # Errors
    /// Returns an error if the model fails, `progress` cancels or the file belongs to other groups.
    fn group_logps(
        &self,
        model: &Self::Model,
        path: &Path,
        progress: &dyn Progress,
    ) -> Result<Vec<ReferenceRow>, EvalError>;
}

/// Files of a run that an evaluation reads and writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EvaluationPaths {
    /// `test_prompts.parquet`: the prompts that every model answers. Without them, only rewards are measured.
    pub prompts: Option<PathBuf>,
    /// The split that the tasks of the prompts belong to.
    pub split: Split,
    /// The files that the models were trained on: of each synthesis, or of an import.
    pub training: Vec<TrainingFiles>,
    /// Output directory: one folder per candidate, and `summary.parquet`.
    pub out: PathBuf,
}

/// The files of one synthesis or import, none of which may name a task of the prompts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrainingFiles {
    /// `instructions.parquet`; an import has none.
    pub instructions: Option<PathBuf>,
    /// `preferences.parquet`.
    pub preferences: PathBuf,
    /// The split of each task.
    pub splits: BTreeMap<String, Split>,
}

/// Result of [`evaluate`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EvaluationSummary {
    /// Prompts that every model answered.
    pub prompts: usize,
    /// Groups and pairs that rewards were measured on.
    pub groups: usize,
    /// Rows of models in the table.
    pub models: usize,
    /// Numbers in `summary.parquet`.
    pub numbers: usize,
}

/// Lets every candidate answer the test prompts, scores the responses and writes `summary.parquet`.
///
/// Finished parts are kept, so an interrupted evaluation resumes. Prompts that do not fit the context are skipped for
/// every model; `progress` receives a note. Without prompts, the summary has the rewards on the groups and pairs only.
///
/// # Errors
/// Returns an error if a file is missing or belongs to another run, there are neither prompts nor groups, a model fails or
/// `progress` cancels.
pub fn evaluate<M: Models>(
    candidates: &[Candidate],
    paths: &EvaluationPaths,
    models: &M,
    config: &EvalConfig,
    progress: &dyn Progress,
) -> Result<EvaluationSummary, EvalError> {
    let prompts = match &paths.prompts {
        Some(file) => Some(Prompts::read(file, paths, models.base(), config, progress)?),
        None if models.groups().is_empty() => {
            return Err(EvalError::NothingHeldOut { split: paths.split });
        }
        None => None,
    };
    let mut measured = Vec::with_capacity(candidates.len());
    for candidate in candidates {
        let loaded =
            candidate.trained.as_ref().map(|dir| models.trained(candidate, dir)).transpose()?;
        let model = loaded.as_ref().unwrap_or_else(|| models.base());
        let dir = paths.out.join(&candidate.folder);
        measured.push(measure(models, model, prompts.as_ref(), &dir, config, progress)?);
    }
    let rows = table_rows(candidates, &measured)?;
    let summary = paths.out.join(run_files::SUMMARY);
    let numbers = summarize(&rows, models.groups(), &summary, config, progress)?.len();
    Ok(EvaluationSummary {
        prompts: prompts.map_or(0, |prompts| prompts.constrained.len()),
        groups: models.groups().len(),
        models: rows.len(),
        numbers,
    })
}

/// The measurements of one candidate.
struct Measured {
    responses: Option<MeasuredResponses>,
    policy: Vec<ReferenceRow>,
}

/// The responses of one candidate, with their measurements.
struct MeasuredResponses {
    files: ScoredFiles,
    base_logps: BTreeMap<String, TokenLogps>,
    relevance: Option<BTreeMap<String, RelevanceRow>>,
    plain: Option<PlainResponses>,
}

/// The prompts of an evaluation.
struct Prompts {
    constrained: Vec<TestPrompt>,
    plain: Vec<TestPrompt>,
    tasks: PlainTasks,
}

impl Prompts {
    /// Reads prompts, and refuses those whose tasks are in training.
    fn read(
        file: &Path,
        paths: &EvaluationPaths,
        base: &dyn LanguageModel,
        config: &EvalConfig,
        progress: &dyn Progress,
    ) -> Result<Self, EvalError> {
        let rows: Vec<TestPromptRow> = iopo_schema::read(file)?;
        if rows.is_empty() {
            return Err(EvalError::NoTestPrompts { path: file.to_owned() });
        }
        let held_out = config.held_out_kinds()?;
        for files in &paths.training {
            let instructions: Vec<InstructionRow> = match &files.instructions {
                Some(path) => iopo_schema::read(path)?,
                None => Vec::new(),
            };
            let groups: Vec<PreferenceRow> = iopo_schema::read(&files.preferences)?;
            let splits = &files.splits;
            let training = TrainingRows { instructions: &instructions, groups: &groups, splits };
            refuse_leaks(&rows, paths.split, training, &held_out)?;
        }
        let tasks = PlainTasks::new(&rows);
        Ok(Self {
            constrained: fitting(test_prompts(&rows), base, config, progress)?,
            plain: fitting(tasks.prompts(), base, config, progress)?,
            tasks,
        })
    }
}

/// Responses, scores and log-probabilities of one model, in its own folder.
fn measure<M: Models>(
    models: &M,
    model: &M::Model,
    prompts: Option<&Prompts>,
    dir: &Path,
    config: &EvalConfig,
    progress: &dyn Progress,
) -> Result<Measured, EvalError> {
    let responses = match prompts {
        Some(prompts) => Some(measure_responses(models, model, prompts, dir, config, progress)?),
        None => None,
    };
    if prompts.is_none() {
        std::fs::create_dir_all(dir)
            .map_err(|source| EvalError::Folder { path: dir.to_owned(), source })?;
    }
    let policy = models.group_logps(model, &dir.join(run_files::GROUP_LOGPS), progress)?;
    Ok(Measured { responses, policy })
}

/// Responses and scores of one model.
fn measure_responses<M: Models>(
    models: &M,
    model: &M::Model,
    prompts: &Prompts,
    dir: &Path,
    config: &EvalConfig,
    progress: &dyn Progress,
) -> Result<MeasuredResponses, EvalError> {
    let tasks = &prompts.tasks;
    let predictions = answer(&prompts.constrained, model, dir, config, progress)?.path;
    let scores = dir.join(run_files::SCORES);
    score_file(&HeldOut::new(config)?, &predictions, &scores)?;
    let logps_file = dir.join(run_files::RESPONSE_LOGPS);
    let base_logps = under_base::logps(models, &predictions, &logps_file, progress)?;
    let logps =
        |row: ResponseLogpsRow| (row.key, TokenLogps { sum: row.logps, tokens: row.tokens });
    let plain_dir = dir.join(run_files::PLAIN);
    let plain = answer(&prompts.plain, model, &plain_dir, config, progress)?.path;
    let own_relevance = relevance(models, tasks, &predictions, dir, progress)?;
    let plain_relevance = relevance(models, tasks, &plain, &plain_dir, progress)?;
    if let Some(relevance) = &own_relevance {
        write_flaws(&predictions, relevance, config, &dir.join(run_files::FLAWS))?;
    }
    if let Some(relevance) = &plain_relevance {
        write_flaws(&plain, relevance, config, &plain_dir.join(run_files::FLAWS))?;
    }
    Ok(MeasuredResponses {
        base_logps: base_logps.into_iter().map(logps).collect(),
        relevance: own_relevance,
        plain: plain_relevance.map(|relevance| PlainResponses { predictions: plain, relevance }),
        files: ScoredFiles { predictions, scores },
    })
}

/// Writes the flaws of the responses of a file.
fn write_flaws(
    predictions: &Path,
    relevance: &BTreeMap<String, RelevanceRow>,
    config: &EvalConfig,
    out: &Path,
) -> Result<(), EvalError> {
    let rows: Vec<PredictionRow> = iopo_schema::read(predictions)?;
    let flaws = flaws_of_all(&rows, relevance, &config.quality)?;
    let provenance = Provenance::new(PRODUCER, json!({ "quality": config.quality }))
        .with_input("predictions", file_hash(predictions)?)
        .with_input("relevance", content_id(&[&format!("{relevance:?}")]));
    Ok(iopo_schema::write(out, &flaws, &provenance)?)
}

/// Computes the relevance of the responses of a file under the base model, or reads it where it exists, by key.
///
/// Returns `None` if there is one test task only, which leaves nothing to compare with.
fn relevance<M: Models>(
    models: &M,
    tasks: &PlainTasks,
    predictions: &Path,
    dir: &Path,
    progress: &dyn Progress,
) -> Result<Option<BTreeMap<String, RelevanceRow>>, EvalError> {
    if tasks.len() < 2 {
        return Ok(None);
    }
    let provenance = under_base::provenance(models, predictions)?
        .with_input("tasks", content_id(&[&format!("{tasks:?}")]));
    let out = dir.join(run_files::RELEVANCE);
    // Each response is scored twice.
    let work = Work { what: "relevance of responses", steps: 2 };
    let rows = under_base::in_parts(predictions, &out, &provenance, work, progress, |rows| {
        tasks.relevance(models.base(), rows, progress)
    })?;
    Ok(Some(rows.into_iter().map(|row| (row.key.clone(), row)).collect()))
}

/// Groups the candidates into rows of the table: one per model, and one per run of a model with several runs.
fn table_rows(
    candidates: &[Candidate],
    measured: &[Measured],
) -> Result<Vec<EvaluatedModel>, EvalError> {
    let mut models: Vec<EvaluatedModel> = Vec::new();
    let mut single = Vec::new();
    for (candidate, own) in candidates.iter().zip(measured) {
        let reference = candidate.reference.as_ref().map(|folder| {
            let at = candidates.iter().position(|other| other.folder == *folder);
            at.map(|at| measured[at].policy.clone()).ok_or_else(|| EvalError::Logps {
                what: format!("the reference of `{}`", candidate.folder),
                expected: format!("candidate `{folder}`"),
                found: "none".to_owned(),
            })
        });
        let responses = own.responses.as_ref();
        let run = EvaluatedRun {
            responses: responses.map(|own| own.files.clone()),
            base_logps: responses.map(|own| own.base_logps.clone()),
            relevance: responses.and_then(|own| own.relevance.clone()),
            plain: responses.and_then(|own| own.plain.clone()),
            seed: candidate.seed,
            groups: Some(GroupRewards {
                policy: own.policy.clone(),
                reference: reference.transpose()?,
                beta: candidate.beta,
            }),
        };
        if candidates.iter().filter(|other| other.model == candidate.model).count() > 1 {
            single
                .push(EvaluatedModel { model: candidate.folder.clone(), runs: vec![run.clone()] });
        }
        match models.iter_mut().find(|model| model.model == candidate.model) {
            Some(model) => model.runs.push(run),
            None => models.push(EvaluatedModel { model: candidate.model.clone(), runs: vec![run] }),
        }
    }
    models.extend(single);
    Ok(models)
}

/// Keeps the prompts that fit the context together with a response.
fn fitting(
    prompts: Vec<TestPrompt>,
    base: &dyn LanguageModel,
    config: &EvalConfig,
    progress: &dyn Progress,
) -> Result<Vec<TestPrompt>, EvalError> {
    let (all, max_new_tokens) = (prompts.len(), config.max_new_tokens);
    let first = prompts.first().map(|prompt| prompt.key.clone()).unwrap_or_default();
    let mut kept = Vec::with_capacity(all);
    for prompt in prompts {
        if fits(&prompt, base, max_new_tokens)? {
            kept.push(prompt);
        }
    }
    if kept.is_empty() && all > 0 {
        return Err(EvalError::TooLong { misfits: all, prompts: all, first, max_new_tokens });
    }
    if kept.len() < all {
        let skipped = all - kept.len();
        progress.note(&format!(
            "skipped {skipped} of {} for every model: too long for the context",
            counted(all, "test prompt")
        ));
    }
    Ok(kept)
}

#[cfg(test)]
mod tests {
    use super::{Candidate, Measured, table_rows};

    fn candidate(folder: &str, model: &str, reference: Option<&str>) -> Candidate {
        let (folder, model) = (folder.to_owned(), model.to_owned());
        Candidate {
            folder,
            model,
            trained: None,
            seed: None,
            reference: reference.map(str::to_owned),
            beta: 0.1,
        }
    }

    fn measured(candidates: &[Candidate]) -> Vec<Measured> {
        candidates.iter().map(|_| Measured { responses: None, policy: Vec::new() }).collect()
    }

    #[test]
    fn seeds_of_a_method_share_a_row_and_have_one_each() {
        let candidates = [
            candidate("base", "base", None),
            candidate("sft-seed0", "sft", Some("base")),
            candidate("sft-seed1", "sft", Some("base")),
        ];
        let rows = table_rows(&candidates, &measured(&candidates)).expect("rows");
        let shape: Vec<_> = rows.iter().map(|row| (row.model.as_str(), row.runs.len())).collect();
        assert_eq!(shape, [("base", 1), ("sft", 2), ("sft-seed0", 1), ("sft-seed1", 1)]);
        assert!(rows[0].runs[0].groups.as_ref().expect("set").reference.is_none());
        assert!(rows[1].runs[0].groups.as_ref().expect("set").reference.is_some());
    }

    #[test]
    fn an_unknown_reference_is_an_error() {
        let candidates = [candidate("iopo", "iopo", Some("sft"))];
        assert!(table_rows(&candidates, &measured(&candidates)).is_err());
    }
}

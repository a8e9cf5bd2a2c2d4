//! The evaluation of a run.

mod models;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use iopo_eval::gain::BASE;
use iopo_eval::{
    Candidate, EvaluationPaths, EvaluationSummary, TrainingFiles, evaluate, write_prompts,
};
use iopo_llm::Progress;
use iopo_pairs::is_imported;
use iopo_schema::run_files::{self, model_folder, model_name};
use iopo_schema::{PreferenceRow, Split};
use iopo_train::Method;
use iopo_train::metadata::{METADATA, Metadata};

use super::{Pipeline, PipelineError, Stage, benchmarks, needs, rounds, tasks, test_tasks};
use crate::config::Lineage;

use models::RunModels;

/// Fails if an earlier stage has not run, if imported rows leave nothing to evaluate on, or if a model was trained on other
/// groups than the run's, among which the test tasks may be.
pub(super) fn check(pipeline: &Pipeline) -> Result<(), PipelineError> {
    let dir = pipeline.dir();
    let preferences = dir.preferences_file();
    if is_imported(&preferences) {
        let eval = &pipeline.config().eval;
        let is_named = eval.prompts.is_some() || eval.tasks.is_some();
        if !is_named && !has_test_rows(&preferences)? {
            return Err(PipelineError::NothingHeldOut { preferences });
        }
    } else {
        needs(&dir.instructions_file(), Stage::Synth)?;
        needs(&preferences, Stage::Pairs)?;
    }
    for model in run_models(pipeline) {
        let stage = if model.round > 1 { Stage::Rounds } else { Stage::Train };
        if let Some(dir) = &model.trained {
            needs(&dir.join(METADATA), stage)?;
            refuse_other_groups(dir)?;
        }
    }
    Ok(())
}

/// Returns whether a file of groups and pairs has rows of the test split.
fn has_test_rows(preferences: &Path) -> Result<bool, PipelineError> {
    for batch in iopo_schema::stream::<PreferenceRow>(preferences)? {
        if batch?.iter().any(|row| row.split == Split::Test) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Returns the number of rounds whose models are evaluated. Imported rows have no tasks for a second round.
fn rounds_of(pipeline: &Pipeline) -> usize {
    if is_imported(&pipeline.dir().preferences_file()) { 1 } else { pipeline.config().rounds }
}

/// Fails if a model was trained on other groups than those beside its directory.
fn refuse_other_groups(model: &Path) -> Result<(), PipelineError> {
    // In a run and in a round, models are in `train/NAME` beside the groups.
    let Some(root) = model.parent().and_then(Path::parent) else { return Ok(()) };
    let preferences = root.join(run_files::PREFERENCES);
    let (expected, found) =
        (iopo_schema::file_hash(&preferences)?, Metadata::read(model)?.preferences_hash);
    if expected == found {
        return Ok(());
    }
    Err(PipelineError::OtherGroups { model: model.to_owned(), preferences, expected, found })
}

/// Evaluates the base model and every trained model on the test prompts, and scores the benchmarks.
///
/// With several rounds, all models answer the dev prompts first, which decide the best round.
pub(super) fn run(
    pipeline: &Pipeline,
    progress: &dyn Progress,
) -> Result<EvaluationSummary, PipelineError> {
    let dir = pipeline.dir();
    if pipeline.config().eval.tasks.is_some() {
        test_tasks::refuse_training(pipeline.config(), &training_files(pipeline)?)?;
    }
    note_other_start(pipeline, progress)?;
    if rounds_of(pipeline) > 1 {
        on_split(pipeline, Split::Dev, &dir.dev_dir(), progress)?;
    }
    let summary = on_split(pipeline, Split::Test, &dir.eval_dir(), progress)?;
    benchmarks::run(pipeline, progress)?;
    Ok(summary)
}

/// Notes that the training of the start of all models is not among the files that are compared with the test prompts.
fn note_other_start(pipeline: &Pipeline, progress: &dyn Progress) -> Result<(), PipelineError> {
    let Some(start) = pipeline.config().train.start.as_ref().filter(|dir| Metadata::exists(dir))
    else {
        return Ok(());
    };
    let own = iopo_schema::file_hash(&pipeline.dir().preferences_file())?;
    if Metadata::read(start)?.preferences_hash != own {
        progress.note(&format!(
            "{} was trained on other groups, whose tasks are not compared with the test prompts",
            start.display()
        ));
    }
    Ok(())
}

/// Evaluates all models on prompts of the dev or test tasks.
fn on_split(
    pipeline: &Pipeline,
    split: Split,
    out: &Path,
    progress: &dyn Progress,
) -> Result<EvaluationSummary, PipelineError> {
    let (dir, config) = (pipeline.dir(), pipeline.config());
    std::fs::create_dir_all(out).map_err(PipelineError::io("create", out))?;
    let prompts = prompts(pipeline, split, out)?;
    let training = training_files(pipeline)?;
    let paths = EvaluationPaths { prompts, split, training, out: out.to_owned() };
    let candidates = candidates(pipeline)?;
    let base = pipeline.base()?.with_escaped_special_tokens(config.eval.escape_special_tokens);
    let (preferences, replaces) = (dir.preferences_file(), pipeline.replaces.get());
    let models = RunModels::new(&base, &preferences, split, &config.train, replaces, progress)?;
    Ok(evaluate(&candidates, &paths, &models, &config.eval, progress)?)
}

/// Lists the files that the models of the run are trained on: of an import, or of every synthesis.
fn training_files(pipeline: &Pipeline) -> Result<Vec<TrainingFiles>, PipelineError> {
    let own = own_training_files(pipeline)?;
    let (has_rounds, splits) = (own.instructions.is_some(), own.splits.clone());
    let later = if has_rounds { rounds::later_dirs(pipeline) } else { Vec::new() };
    let later = later.into_iter().map(|dir| TrainingFiles {
        instructions: Some(dir.instructions_file()),
        preferences: dir.preferences_file(),
        splits: splits.clone(),
    });
    Ok(std::iter::once(own).chain(later).collect())
}

/// Returns the files that the first round is trained on. Imported rows, and rewrites without a synthesis, have no instructions.
pub(super) fn own_training_files(pipeline: &Pipeline) -> Result<TrainingFiles, PipelineError> {
    let (preferences, instructions) =
        (pipeline.dir().preferences_file(), pipeline.dir().instructions_file());
    if is_imported(&preferences) || !instructions.is_file() {
        return Ok(TrainingFiles { instructions: None, preferences, splits: BTreeMap::new() });
    }
    Ok(TrainingFiles { instructions: Some(instructions), preferences, splits: pipeline.splits()? })
}

/// Returns the file of the prompts: the configured one for the test split, or one drawn for the tasks of the split or of
/// `eval.tasks`. Imported rows without either have no prompts.
fn prompts(
    pipeline: &Pipeline,
    split: Split,
    out: &Path,
) -> Result<Option<PathBuf>, PipelineError> {
    let (dir, config) = (pipeline.dir(), pipeline.config());
    let is_test = split == Split::Test;
    if let Some(file) = config.eval.prompts.as_ref().filter(|_| is_test) {
        return Ok(Some(file.clone()));
    }
    let named = if is_test { test_tasks::read(config)? } else { None };
    let tasks = match named {
        Some(tasks) => tasks,
        None if is_imported(&dir.preferences_file()) => return Ok(None),
        None => {
            let splits = pipeline.splits()?;
            let used = tasks::used(config, dir)?.into_iter();
            let of_split = used.filter(|task| splits.get(&task.id) == Some(&split));
            of_split.map(test_tasks::test_task).collect()
        }
    };
    let file = out.join(run_files::TEST_PROMPTS);
    write_prompts(&tasks, &test_tasks::seen_kinds(config)?, &config.eval, &file)?;
    Ok(Some(file))
}

/// A model of the run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RunModel {
    /// Folder under the directory of the evaluation.
    pub(super) folder: String,
    /// Row of the table; the training seeds of a method share it.
    pub(super) model: String,
    /// Directory of its weights; `None` for the base.
    pub(super) trained: Option<PathBuf>,
    /// Random seed of its training; `None` for the base.
    pub(super) seed: Option<u64>,
    round: usize,
    /// Folder of the model that training started from, if it is a model of the run.
    reference: Option<String>,
}

/// Lists the base, and every method with every random seed, round by round.
pub(super) fn run_models(pipeline: &Pipeline) -> Vec<RunModel> {
    let config = pipeline.config();
    let train = &config.train;
    let several = train.resolved_seeds().len() > 1;
    let folder = |round, method: Method, seed| {
        model_folder(&model_name(method.name(), round), several.then_some(seed))
    };
    let of = |round, Lineage { method, seed }, dir| RunModel {
        folder: folder(round, method, seed),
        model: model_name(method.name(), round),
        trained: Some(dir),
        seed: Some(seed),
        round,
        reference: match round {
            2.. => Some(folder(round - 1, method, seed)),
            _ if method.starts_from_base() => Some(BASE.to_owned()),
            // A model that the run did not train has no test logps, so rewards against it are left out.
            _ => train.start.is_none().then(|| folder(1, Method::Sft, seed)),
        },
    };
    let mut models = vec![RunModel {
        folder: BASE.to_owned(),
        model: BASE.to_owned(),
        trained: None,
        seed: None,
        round: 1,
        reference: None,
    }];
    for method in train.resolved_methods() {
        for seed in train.seeds_of(method) {
            let dir = pipeline.dir().train_dir().join(train.folder(method, seed));
            models.push(of(1, Lineage { method, seed }, dir));
        }
    }
    for round in 2..=rounds_of(pipeline) {
        for lineage in config.lineages(round) {
            models.push(of(round, lineage, rounds::trained_dir(pipeline, round, lineage)));
        }
    }
    models
}

/// Returns the models as an evaluation takes them.
fn candidates(pipeline: &Pipeline) -> Result<Vec<Candidate>, PipelineError> {
    let candidate = |model: RunModel| {
        let beta = match &model.trained {
            // With a grid, the chosen one.
            Some(dir) => Metadata::read(dir)?.settings.method.beta,
            // The base has no reference, so its rewards are 0 under any beta.
            None => pipeline.config().train.beta,
        };
        let RunModel { folder, model, trained, reference, seed, .. } = model;
        Ok(Candidate { folder, model, trained, seed, reference, beta })
    };
    run_models(pipeline).into_iter().map(candidate).collect()
}

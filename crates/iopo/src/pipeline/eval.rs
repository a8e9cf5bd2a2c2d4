//! The evaluation of a run.

mod models;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use iopo_constraints::Kind;
use iopo_eval::{
    Candidate, EvalError, EvaluationPaths, EvaluationSummary, TestTask, TrainingFiles, evaluate,
    write_prompts,
};
use iopo_llm::Progress;
use iopo_pairs::{is_imported, split_tasks};
use iopo_schema::Split;
use iopo_synth::Task;
use iopo_train::metadata::{METADATA, Metadata};
use iopo_train::{Method, TrainConfig, TrainError};

use super::{Pipeline, PipelineError, Stage, needs, tasks};

use models::RunModels;

/// Folder and table row of the base model.
const BASE: &str = "base";

/// Fails if an earlier stage has not run, or if the groups are imported, which have no constraints to check.
pub(super) fn check(pipeline: &Pipeline) -> Result<(), PipelineError> {
    let (dir, train) = (pipeline.dir(), &pipeline.config().train);
    let preferences = dir.preferences_file();
    if is_imported(&preferences) {
        return Err(PipelineError::CannotEvaluateImported { preferences });
    }
    needs(&dir.instructions_file(), Stage::Synth)?;
    needs(&preferences, Stage::Pairs)?;
    for (method, seed) in trained(train) {
        let metadata = dir.train_dir().join(train.folder(method, seed)).join(METADATA);
        needs(&metadata, Stage::Train)?;
    }
    Ok(())
}

/// Evaluates the base model and every trained model on the held-out instructions.
pub(super) fn run(
    pipeline: &Pipeline,
    progress: &dyn Progress,
) -> Result<EvaluationSummary, PipelineError> {
    let (dir, config) = (pipeline.dir(), pipeline.config());
    let candidates = candidates(&config.train, &dir.train_dir()).map_err(|error| {
        EvalError::Source { action: "list the trained models".to_owned(), source: error.into() }
    })?;
    let tasks = tasks::used(config, dir)?;
    let ids = tasks.iter().map(|task| task.id.clone()).collect();
    let splits = split_tasks(&ids, &config.pairs);
    let preferences = dir.preferences_file();
    let paths = EvaluationPaths {
        prompts: prompts(pipeline, tasks, &splits)?,
        split: Split::Test,
        training: vec![TrainingFiles {
            instructions: dir.instructions_file(),
            preferences: preferences.clone(),
            splits,
        }],
        out: dir.eval_dir(),
    };
    let base = pipeline.base()?;
    let models = RunModels::new(base, &preferences, paths.split, &config.train, progress)?;
    Ok(evaluate(&candidates, &paths, &models, &config.eval, progress)?)
}

/// Returns the file of the test prompts: the configured one, or one drawn from the test tasks.
fn prompts(
    pipeline: &Pipeline,
    tasks: Vec<Task>,
    splits: &BTreeMap<String, Split>,
) -> Result<PathBuf, PipelineError> {
    let (dir, config) = (pipeline.dir(), pipeline.config());
    if let Some(file) = &config.eval.prompts {
        return Ok(file.clone());
    }
    let test: Vec<TestTask> = tasks
        .into_iter()
        .filter(|task| splits.get(&task.id) == Some(&Split::Test))
        .map(|Task { id, task, input }| TestTask { id, task, input })
        .collect();
    let seen: Vec<Kind> = config.synth.kinds()?.into_iter().map(|(kind, _)| kind).collect();
    let file = dir.test_prompts_file();
    std::fs::create_dir_all(dir.eval_dir()).map_err(PipelineError::io("create", dir.eval_dir()))?;
    write_prompts(&test, &seen, &config.eval, &file)?;
    Ok(file)
}

/// Lists every method with every random seed.
fn trained(train: &TrainConfig) -> impl Iterator<Item = (Method, u64)> {
    let seeds = train.resolved_seeds();
    train
        .resolved_methods()
        .into_iter()
        .flat_map(move |method| seeds.clone().into_iter().map(move |seed| (method, seed)))
}

/// Lists the models to evaluate: the base, then every method with every random seed.
fn candidates(train: &TrainConfig, trained_in: &Path) -> Result<Vec<Candidate>, TrainError> {
    // The base has no reference, so its rewards are 0 under any beta.
    let mut candidates = vec![Candidate {
        folder: BASE.to_owned(),
        model: BASE.to_owned(),
        trained: None,
        reference: None,
        beta: train.beta,
    }];
    for (method, seed) in trained(train) {
        let folder = train.folder(method, seed);
        let dir = trained_in.join(&folder);
        // A model that the run did not train has no test logps, so rewards against it are left out.
        let started_from = train.start.is_none().then(|| {
            if method.starts_from_base() {
                BASE.to_owned()
            } else {
                train.folder(Method::Sft, seed)
            }
        });
        candidates.push(Candidate {
            // With a grid, the chosen one.
            beta: Metadata::read(&dir)?.settings.method.beta,
            folder,
            model: method.to_string(),
            trained: Some(dir),
            reference: started_from,
        });
    }
    Ok(candidates)
}

//! `iopo eval`.

pub(crate) mod benchmark;
mod models;

use std::path::Path;

use anyhow::Result;
use iopo_eval::{Candidate, EvalError, EvaluationPaths, EvaluationSummary, evaluate};
use iopo_train::metadata::{METADATA, Metadata};
use iopo_train::{Method, TrainConfig};

use crate::cli::RunArgs;
use crate::failure::Failure;
use crate::session::Session;

use models::RunModels;

/// Folder and row of the model that was not trained.
const BASE: &str = "base";

/// Runs this stage alone.
pub(crate) fn run(args: &RunArgs) -> Result<()> {
    stage(&mut Session::open(args)?)
}

/// Evaluates the base and every trained model on the held-out prompts.
pub(crate) fn stage(session: &mut Session) -> Result<()> {
    refuse_imported(session)?;
    session.needs(&session.run.instructions(), "synth")?;
    session.needs(&session.run.preferences(), "pairs")?;
    let train = session.config.train.clone();
    for (method, seed) in trained(&train) {
        let dir = session.run.train().join(train.folder(method, seed));
        session.needs(&dir.join(METADATA), "train")?;
    }
    session.timed("eval", |session| {
        let config = session.config.eval.clone();
        let candidates = candidates(&train, &session.run.train())?;
        let paths = EvaluationPaths {
            instructions: session.run.instructions(),
            preferences: session.run.preferences(),
            out: session.run.eval(),
        };
        let (base, bars) = session.base()?;
        let models = RunModels::new(base, &paths.preferences, &train, bars)?;
        let EvaluationSummary { prompts, models, numbers } =
            evaluate(&candidates, &paths, &models, &config, bars).map_err(failure)?;
        Ok(format!("{prompts} prompts, {models} models, {numbers} numbers"))
    })
}

/// Refuses imported groups: they name no constraints, so no response could be checked.
fn refuse_imported(session: &Session) -> Result<()> {
    let preferences = session.run.preferences();
    if !iopo_pairs::is_imported(&preferences) {
        return Ok(());
    }
    Err(Failure::usage(format!(
        "{} holds imported groups, which name no constraints to check responses by",
        preferences.display()
    ))
    .hint("`iopo report` shows the training metrics; `iopo merge` writes a model for other evaluations")
    .into())
}

/// Lists every method with every seed.
fn trained(train: &TrainConfig) -> impl Iterator<Item = (Method, u64)> {
    let seeds = train.resolved_seeds();
    train
        .resolved_methods()
        .into_iter()
        .flat_map(move |method| seeds.clone().into_iter().map(move |seed| (method, seed)))
}

/// Lists the models to evaluate: the base, then every method with every seed.
fn candidates(train: &TrainConfig, trained_in: &Path) -> Result<Vec<Candidate>> {
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
        let started_from =
            if method == Method::Sft { BASE.to_owned() } else { train.folder(Method::Sft, seed) };
        candidates.push(Candidate {
            // With a grid, the chosen one.
            beta: Metadata::read(&dir)?.settings.method.beta,
            folder,
            model: method.to_string(),
            trained: Some(dir),
            reference: Some(started_from),
        });
    }
    Ok(candidates)
}

/// Gives an error of the evaluation its exit code.
fn failure(error: EvalError) -> anyhow::Error {
    if error.is_usage() {
        let text = error.to_string();
        anyhow::Error::new(error).context(Failure::usage(text))
    } else {
        error.into()
    }
}

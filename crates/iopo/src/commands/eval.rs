//! `iopo eval`.

mod logps;

use std::path::PathBuf;

use anyhow::Result;
use iopo_eval::{EvaluatedModel, EvaluatedRun, GroupRewards};
use iopo_train::Method;

use crate::cli::RunArgs;
use crate::session::Session;

use logps::{Evaluator, Measured, TestGroups};

/// The name of the model that nothing was trained on.
const BASE: &str = "base";

/// Runs this stage alone.
pub(crate) fn run(args: &RunArgs) -> Result<()> {
    stage(&mut Session::open(args)?)
}

/// One model to be evaluated.
struct Candidate {
    /// Folder under `eval/`, and name of this run.
    folder: String,
    /// The method; absent for the base.
    method: Option<Method>,
    /// Where what it learned lies.
    trained: Option<PathBuf>,
    /// Folder of the model that its training started from.
    reference: Option<String>,
}

/// Lets every model answer the test instructions, and measures.
pub(crate) fn stage(session: &mut Session) -> Result<()> {
    session.needs(&session.run.instructions(), "synth")?;
    session.needs(&session.run.preferences(), "pairs")?;
    let candidates = candidates(session);
    for dir in candidates.iter().filter_map(|candidate| candidate.trained.as_ref()) {
        session.needs(&dir.join(iopo_train::weights::CARD), "train")?;
    }
    session.timed("eval", |session| {
        let (run, config) = (session.run.clone(), session.config.clone());
        let prompts =
            iopo_eval::heldout_prompts(&run.instructions(), &run.preferences(), &config.eval)?;
        let (base, bars) = session.base()?;
        let groups = TestGroups::read(&run.preferences(), base)?;
        let mut runs = Vec::with_capacity(candidates.len());
        for candidate in &candidates {
            let dir = run.eval().join(&candidate.folder);
            let model = match &candidate.trained {
                Some(trained) => &base.trained(trained, &candidate.folder)?,
                None => base,
            };
            runs.push(
                Evaluator { base, model, dir, config: &config, bars }.run(&prompts, &groups)?,
            );
        }
        let models = models(&candidates, runs, &config.train);
        let rows = iopo_eval::summarize(&models, &groups.rows, &run.summary(), &config.eval, bars)?;
        Ok(format!("{} prompts, {} models, {} numbers", prompts.len(), models.len(), rows.len()))
    })
}

/// The base, then every method with every seed.
fn candidates(session: &Session) -> Vec<Candidate> {
    let train = &session.config.train;
    let base = Candidate { folder: BASE.to_owned(), method: None, trained: None, reference: None };
    let trained = train.resolved_methods().into_iter().flat_map(|method| {
        train.resolved_seeds().into_iter().map(move |seed| {
            let folder = train.folder(method, seed);
            let reference = if method == Method::Sft {
                BASE.to_owned()
            } else {
                train.folder(Method::Sft, seed)
            };
            Candidate {
                trained: Some(session.run.train().join(&folder)),
                folder,
                method: Some(method),
                reference: Some(reference),
            }
        })
    });
    std::iter::once(base).chain(trained).collect()
}

/// The rows of the table: each method over its seeds, and where there are several, each seed too.
fn models(
    candidates: &[Candidate],
    runs: Vec<Measured>,
    train: &iopo_train::TrainConfig,
) -> Vec<EvaluatedModel> {
    let several = train.resolved_seeds().len() > 1;
    let policies: Vec<_> = runs.iter().map(|run| run.policy.clone()).collect();
    let mut models: Vec<EvaluatedModel> = Vec::new();
    let mut single = Vec::new();
    for (candidate, measured) in candidates.iter().zip(runs) {
        let reference = candidate.reference.as_ref().and_then(|folder| {
            candidates
                .iter()
                .position(|other| other.folder == *folder)
                .map(|at| policies[at].clone())
        });
        let beta = candidate.method.map_or(train.beta, |method| train.settings(method).1);
        let run = EvaluatedRun {
            predictions: measured.predictions,
            scores: measured.scores,
            base_logps: Some(measured.base_logps),
            groups: Some(GroupRewards { policy: measured.policy, reference, beta }),
        };
        let name = candidate.method.map_or_else(|| BASE.to_owned(), |method| method.to_string());
        if several && candidate.method.is_some() {
            single
                .push(EvaluatedModel { model: candidate.folder.clone(), runs: vec![run.clone()] });
        }
        match models.iter_mut().find(|model| model.model == name) {
            Some(model) => model.runs.push(run),
            None => models.push(EvaluatedModel { model: name, runs: vec![run] }),
        }
    }
    models.extend(single);
    models
}

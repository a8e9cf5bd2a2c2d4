//! `iopo eval`.

pub(crate) mod ifeval;
mod logps;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use iopo_eval::{EvaluatedModel, EvaluatedRun, GroupRewards, Prompt};
use iopo_train::Method;
use iopo_train::weights::{CARD, Card};

use crate::cli::RunArgs;
use crate::failure::Failure;
use crate::local::Local;
use crate::printer;
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
    refuse_imported(session)?;
    session.needs(&session.run.instructions(), "synth")?;
    session.needs(&session.run.preferences(), "pairs")?;
    let candidates = candidates(session);
    for dir in candidates.iter().filter_map(|candidate| candidate.trained.as_ref()) {
        session.needs(&dir.join(CARD), "train")?;
    }
    session.timed("eval", |session| {
        let (run, config) = (session.run.clone(), session.config.clone());
        let prompts =
            iopo_eval::heldout_prompts(&run.instructions(), &run.preferences(), &config.eval)?;
        let (base, bars) = session.base()?;
        let prompts = fitting(prompts, base, config.eval.max_new_tokens)?;
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
        let models = models(&candidates, runs, &config.train)?;
        let rows = iopo_eval::summarize(&models, &groups.rows, &run.summary(), &config.eval, bars)?;
        Ok(format!("{} prompts, {} models, {} numbers", prompts.len(), models.len(), rows.len()))
    })
}

/// Imported groups name no constraints, so no answer could be checked.
fn refuse_imported(session: &Session) -> Result<()> {
    let preferences = session.run.preferences();
    if !iopo_pairs::is_imported(&preferences) {
        return Ok(());
    }
    Err(Failure::usage(format!(
        "{} holds imported groups, whose instructions name no constraints to check answers by",
        preferences.display()
    ))
    .way_out("`iopo report` shows the metrics of training; `iopo merge` makes a model for another evaluation")
    .into())
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

/// The rows of the table: each method over its tasks, and where there are several, each seed too.
fn models(
    candidates: &[Candidate],
    runs: Vec<Measured>,
    train: &iopo_train::TrainConfig,
) -> Result<Vec<EvaluatedModel>> {
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
        // The base has no reference, so that its rewards are zero under any beta.
        let beta = candidate.trained.as_deref().map_or(Ok(train.beta), chosen_beta)?;
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
    Ok(models)
}

/// The beta that a method was trained with: of a grid search, the one that was chosen.
fn chosen_beta(trained: &Path) -> Result<f64> {
    let path = trained.join(CARD);
    let what = || format!("failed to read the settings in {}", path.display());
    let text = std::fs::read_to_string(&path).with_context(what)?;
    let card: Card = serde_json::from_str(&text).with_context(what)?;
    let beta = card.settings.pointer("/settings/beta").and_then(serde_json::Value::as_f64);
    beta.context("expected a number at `settings.settings.beta`").with_context(what)
}

/// The prompts that fit the context together with an answer; the others are left out for every model.
fn fitting(prompts: Vec<Prompt>, base: &Local, new_tokens: usize) -> Result<Vec<Prompt>> {
    let all = prompts.len();
    let mut kept = Vec::with_capacity(all);
    for prompt in prompts {
        if base.fits(&prompt.prompt, new_tokens)? {
            kept.push(prompt);
        }
    }
    if kept.is_empty() && all > 0 {
        let what =
            format!("none of {all} test prompts fits the context with {new_tokens} new tokens");
        return Err(Failure::usage(what).way_out("lower eval.max_new_tokens").into());
    }
    if kept.len() < all {
        let left = all - kept.len();
        printer::note(&format!(
            "{:>10}  {left} of {all} test prompts left out for every model: too long for the context",
            ""
        ));
    }
    Ok(kept)
}

#[cfg(test)]
mod tests {
    use super::{CARD, chosen_beta};

    #[test]
    fn beta_is_the_one_on_the_card() {
        let dir = tempfile::tempdir().expect("temporary directory");
        let card = |settings: &str| {
            let text = format!(
                r#"{{"base": "b", "base_weights_hash": "h", "template_hash": "t", "method": "iopo",
                    "preferences_hash": "p", "settings": {settings}}}"#
            );
            std::fs::write(dir.path().join(CARD), text).expect("written");
            chosen_beta(dir.path())
        };
        let beta = card(r#"{"settings": {"beta": 0.3}}"#).expect("read");
        assert!((beta - 0.3).abs() < 1e-12);
        let error = card("{}").expect_err("no beta");
        assert!(format!("{error:#}").contains("settings.settings.beta"), "{error:#}");
    }
}

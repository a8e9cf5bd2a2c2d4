//! The text of a run's report.

use std::collections::BTreeSet;

use iopo_eval::Gain;
use iopo_eval::gain::BASE;
use iopo_report::{Headline, ReportMeta, Roles};
use iopo_schema::run_files::{self, model_name};
use iopo_schema::{Subset, SummaryMetric, SummaryRow};
use iopo_train::Method;

use super::eval::{RunModel, run_models};
use super::record::Record;
use super::trained_kinds::FROM_CONFIGURED;
use super::{Pipeline, PipelineError, Stage, benchmarks, fipo, reads, test_tasks};
use crate::config::{PipelineConfig, to_toml};
use crate::roles::{RoleName, judges_itself};

/// Warning in the report of a run with `demonstration = true`.
pub const DEMONSTRATION: &str = "This is a demonstration, small enough for a laptop and too small to draw conclusions from. \
    Look at the intervals before the numbers.";

/// Number of digits of a hash in the report.
const SHOWN_HASH: usize = 12;

/// Returns the headlines, the notes, the facts and the configuration that the report shows.
pub(super) fn meta(pipeline: &Pipeline) -> Result<ReportMeta, PipelineError> {
    let config = pipeline.config();
    let demonstration = config.demonstration.then(|| DEMONSTRATION.to_owned());
    let notes = Some(config.notes.clone()).filter(|notes| !notes.is_empty());
    // Parts of the run may have used other devices, so the configuration is shown without the device of this process.
    // The settings of endpoints are left out, too, except for the models of the roles.
    let mut table = config.without_endpoints(config.to_table()?);
    table.remove("device");
    let mut meta = ReportMeta::new(format!("IOPO: {}", config.name), config.name.as_str());
    meta.notes = demonstration.into_iter().chain(notes).collect();
    if pipeline.dir().eval_dir().join(run_files::BENCHMARKS).is_dir()
        && !benchmarks::trained_kinds(pipeline)?.is_complete
    {
        meta.notes.push(format!("{FROM_CONFIGURED}."));
    }
    meta.facts = facts(pipeline)?;
    meta.config_toml = to_toml(&table)?;
    meta.confidence = Some(config.eval.confidence);
    meta.seed = config.eval.seed;
    if config.synth.recipe.is_trace() {
        meta.roles = Some(roles(pipeline, Stage::Synth)?);
    }
    if fipo::folder(pipeline.dir()).is_dir() {
        meta.fipo_roles = Some(roles(pipeline, Stage::Fipo)?);
    }
    meta.headlines = headlines(pipeline)?;
    // Other folders belong to methods that the configuration no longer has.
    meta.models = run_models(pipeline).into_iter().map(|model| model.folder).collect();
    meta.compared = compared(pipeline)?.into_iter().map(|model| model.folder).collect();
    Ok(meta)
}

/// Returns the models that wrote and judged the data of a stage.
fn roles(pipeline: &Pipeline, stage: Stage) -> Result<Roles, PipelineError> {
    let config = pipeline.config();
    let models = |role: RoleName| {
        let role = role.of(config);
        let names = role.endpoints().iter();
        let model = |name: &String| Some(format!("{} ({name})", config.model_named(name)?));
        names.filter_map(model).collect()
    };
    let mut roles = Roles::default();
    roles.writer = models(RoleName::Writer);
    roles.judge = models(RoleName::Judge);
    roles.is_same = judges_itself(config);
    if stage == Stage::Fipo && !config.fipo.worse.is_empty() {
        roles.worse = models(RoleName::Worse);
    }
    roles.usage = pipeline.usage(stage)?.map(Into::into);
    Ok(roles)
}

/// Lists the version, the model, its weights, the devices, the random seeds and the test tasks of the run.
fn facts(pipeline: &Pipeline) -> Result<Vec<(String, String)>, PipelineError> {
    let config = pipeline.config();
    let (mut weights, mut devices) = (BTreeSet::new(), Vec::new());
    for stage in reads::upstream(Stage::Report) {
        let record = Record::read(&pipeline.dir().record_file(*stage))?;
        let Some(model) = record.and_then(|record| record.model) else { continue };
        let short = |hash: String| hash.get(..SHOWN_HASH).unwrap_or(&hash).to_owned();
        weights.extend(model.weights.map(short));
        if !model.devices.is_empty() {
            devices.push((stage.to_string(), joined(&model.devices)));
        }
    }
    let seeds: Vec<String> =
        config.train.resolved_seeds().iter().map(ToString::to_string).collect();
    let facts = [
        ("iopo", env!("CARGO_PKG_VERSION").to_owned()),
        ("Model", config.model.clone()),
        ("Weights (BLAKE3)", joined(&weights)),
        ("Weight type", config.dtype.name().to_owned()),
        ("Device", by_stage(&devices)),
        ("Random seed", config.seed().to_string()),
        ("Training seeds", seeds.join(", ")),
        ("Test tasks", test_tasks::described(pipeline)?.unwrap_or_default()),
    ];
    let known = facts.into_iter().filter(|(_, value)| !value.is_empty());
    Ok(known.map(|(name, value)| (name.to_owned(), value)).collect())
}

fn joined(names: &BTreeSet<String>) -> String {
    names.iter().map(String::as_str).collect::<Vec<_>>().join(", ")
}

/// Returns the devices of the stages: one text if they are the same, otherwise `synth: flex; train: cuda`.
fn by_stage(devices: &[(String, String)]) -> String {
    match devices {
        [(_, first), others @ ..] if others.iter().all(|(_, other)| other == first) => {
            first.clone()
        }
        _ => {
            let named = devices.iter().map(|(stage, devices)| format!("{stage}: {devices}"));
            named.collect::<Vec<_>>().join("; ")
        }
    }
}

/// Returns a headline for seen and one for held-out kinds, as far as the evaluation measured them.
pub(super) fn headlines(pipeline: &Pipeline) -> Result<Vec<Headline>, PipelineError> {
    let (config, file) = (pipeline.config(), pipeline.dir().summary_file());
    if !file.is_file() {
        return Ok(Vec::new());
    }
    let rows: Vec<SummaryRow> = iopo_schema::read(&file).map_err(iopo_eval::EvalError::from)?;
    let best = best(pipeline)?;
    let subsets = [(Subset::Seen, "seen kinds"), (Subset::Unseen, "unseen kinds")];
    Ok(subsets
        .into_iter()
        .filter_map(|(subset, over)| headline(&rows, config, &best, &subset, over))
        .collect())
}

fn headline(
    rows: &[SummaryRow],
    config: &PipelineConfig,
    model: &str,
    subset: &Subset,
    over: &str,
) -> Option<Headline> {
    let gain = Gain::of(rows, model, subset, &config.eval.gain)?;
    let clean = |name: &str| {
        let found = |row: &&SummaryRow| {
            row.model == name
                && row.baseline.is_none()
                && row.metric == SummaryMetric::CleanAccuracy
                && row.subset == *subset
        };
        rows.iter().find(found).map(|row| (name.to_owned(), row.value))
    };
    let mut names = vec![BASE, Method::Sft.name(), model];
    names.dedup();
    Some(Headline {
        over: over.to_owned(),
        models: names.into_iter().filter_map(clean).collect(),
        difference: gain.difference,
        is_gain: gain.is_claimed(),
        caveats: gain.worse.iter().map(ToString::to_string).collect(),
    })
}

/// Returns the model that the report compares with the base: IOPO if it was trained, else the last method, after the round
/// with the highest clean accuracy on the dev prompts with seen kinds.
///
/// Rounds are compared over the random seeds that all of them have. Of equal rounds, the first counts. Held-out kinds decide
/// nothing.
fn best(pipeline: &Pipeline) -> Result<String, PipelineError> {
    let (config, dev) = (pipeline.config(), pipeline.dir().dev_dir().join(run_files::SUMMARY));
    let method = main_method(config);
    if config.rounds < 2 || !dev.is_file() {
        return Ok(method.to_owned());
    }
    let rows: Vec<SummaryRow> = iopo_schema::read(&dev).map_err(iopo_eval::EvalError::from)?;
    Ok(model_name(method, best_round(&rows, &run_models(pipeline), method, config.rounds)))
}

/// Returns the best round of a method by its rows in the summary of the dev prompts.
fn best_round(rows: &[SummaryRow], models: &[RunModel], method: &str, rounds: usize) -> usize {
    let of_round = |round: usize| {
        let name = model_name(method, round);
        models.iter().filter(move |model| model.model == name)
    };
    let last = (1..=rounds).rev().find(|round| of_round(*round).next().is_some()).unwrap_or(1);
    let seeds: BTreeSet<Option<u64>> = of_round(last).map(|model| model.seed).collect();
    let clean = |name: &str| {
        let found = |row: &&SummaryRow| {
            row.model == name
                && row.baseline.is_none()
                && row.metric == SummaryMetric::CleanAccuracy
                && row.subset == Subset::Seen
        };
        rows.iter().find(found).map(|row| row.value)
    };
    let mean = |round: usize| {
        let same = of_round(round).filter(|model| seeds.contains(&model.seed));
        // A model with one run has a row under its own name only.
        let values = same.filter_map(|model| clean(&model.folder).or_else(|| clean(&model.model)));
        let values: Vec<f64> = values.collect();
        (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
    };
    let mut best = (1, mean(1).unwrap_or(f64::NEG_INFINITY));
    for round in 2..=last {
        if let Some(value) = mean(round).filter(|value| *value > best.1) {
            best = (round, value);
        }
    }
    best.0
}

/// Returns IOPO if it is trained, else the last method.
fn main_method(config: &PipelineConfig) -> &'static str {
    let methods = config.train.resolved_methods();
    let iopo = methods.iter().find(|method| **method == Method::Iopo);
    iopo.or(methods.last()).map_or(BASE, |method| method.name())
}

/// Lists the models that the report shows side by side: the base, SFT and the best one, each with the first random seed.
pub(super) fn compared(pipeline: &Pipeline) -> Result<Vec<RunModel>, PipelineError> {
    let best = best(pipeline)?;
    let mut models: Vec<RunModel> = Vec::new();
    let all = run_models(pipeline);
    for name in [BASE, Method::Sft.name(), best.as_str()] {
        let first = all.iter().find(|candidate| candidate.model == name);
        models.extend(first.filter(|first| !models.contains(first)).cloned());
    }
    Ok(models)
}

#[cfg(test)]
mod tests {
    use iopo_report::KNOWN_MODELS;
    use iopo_train::Method;

    use iopo_schema::{Subset, SummaryMetric, SummaryRow};

    use super::{best_round, by_stage, main_method, run_models};
    use crate::config::PipelineConfig;
    use crate::pipeline::Pipeline;

    #[test]
    fn the_report_knows_the_base_and_every_method() {
        let known: Vec<&str> =
            ["base"].into_iter().chain(Method::ALL.iter().map(|method| method.name())).collect();
        for name in &known {
            assert!(KNOWN_MODELS.contains(name), "{name}");
        }
        assert_eq!(KNOWN_MODELS.len(), known.len());
    }

    fn row(model: &str, value: f64) -> SummaryRow {
        SummaryRow {
            model: model.to_owned(),
            baseline: None,
            metric: SummaryMetric::CleanAccuracy,
            subset: Subset::Seen,
            value,
            low: f64::NAN,
            high: f64::NAN,
            n: 10,
        }
    }

    #[test]
    fn rounds_are_compared_over_the_seeds_that_both_have() {
        let dir = tempfile::tempdir().expect("temporary directory");
        let mut config = PipelineConfig::preset("smoke").expect("a preset");
        config.train.seeds = vec![0, 1];
        config.round.entry("2".to_owned()).or_default().num_seeds = Some(1);
        let pipeline = Pipeline::open(config, dir.path()).expect("opened");
        let models = run_models(&pipeline);
        // The second round loses against the same seed and wins against the mean of both.
        let rows = [
            row("iopo", 0.3),
            row("iopo-seed0", 0.5),
            row("iopo-seed1", 0.1),
            row("iopo-round2", 0.4),
        ];
        assert_eq!(best_round(&rows, &models, "iopo", 2), 1);
        let better = [row("iopo-round2", 0.6), rows[0].clone(), rows[1].clone(), rows[2].clone()];
        assert_eq!(best_round(&better, &models, "iopo", 2), 2);
        // Held-out kinds decide nothing.
        let mut unseen = row("iopo-round2", 0.9);
        unseen.subset = Subset::Unseen;
        assert_eq!(best_round(&[&rows[..3], &[unseen]].concat(), &models, "iopo", 2), 1);
    }

    #[test]
    fn devices_are_shown_by_stage_if_they_differ() {
        let on = |stage: &str, device: &str| (stage.to_owned(), device.to_owned());
        assert_eq!(by_stage(&[]), "");
        assert_eq!(by_stage(&[on("synth", "flex"), on("train", "flex")]), "flex");
        let differing = [on("synth", "flex"), on("train", "cuda")];
        assert_eq!(by_stage(&differing), "synth: flex; train: cuda");
    }

    #[test]
    fn iopo_is_the_main_method_if_it_is_trained() {
        let mut config = PipelineConfig::default();
        assert_eq!(main_method(&config), "iopo");
        config.train.methods = vec![Method::Dpo];
        assert_eq!(main_method(&config), "dpo");
        config.train.methods = Vec::new();
        assert_eq!(main_method(&config), "sft");
    }
}

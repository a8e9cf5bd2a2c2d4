//! The text of a run's report.

use iopo_eval::Gain;
use iopo_report::{Headline, ReportMeta};
use iopo_schema::run_files::{self, model_name};
use iopo_schema::{Subset, SummaryMetric, SummaryRow};
use iopo_train::Method;

use super::eval::{BASE, RunModel, run_models};
use super::{Pipeline, PipelineError};
use crate::config::{PipelineConfig, to_toml};

/// Warning in the report of a run with `demonstration = true`.
pub const DEMONSTRATION: &str = "This is a demonstration, small enough for a laptop and too small to draw conclusions from. \
    Look at the intervals before the numbers.";

/// Returns the headlines, the notes and the configuration that the report shows.
pub(super) fn meta(pipeline: &Pipeline) -> Result<ReportMeta, PipelineError> {
    let config = pipeline.config();
    let demonstration = config.demonstration.then(|| DEMONSTRATION.to_owned());
    let notes = Some(config.notes.clone()).filter(|notes| !notes.is_empty());
    let versions =
        [("iopo", env!("CARGO_PKG_VERSION").to_owned()), ("model", config.model.clone())];
    // Parts of the run may come from other devices, so the report does not show the device of this process.
    let mut table = config.to_table()?;
    table.remove("device");
    let mut meta = ReportMeta::new(format!("IOPO: {}", config.name), config.name.as_str());
    meta.notes = demonstration.into_iter().chain(notes).collect();
    meta.versions = versions.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    meta.config_toml = to_toml(&table)?;
    meta.confidence = Some(config.eval.confidence);
    meta.seed = config.eval.seed;
    meta.headlines = headlines(pipeline)?;
    meta.compared = compared(pipeline)?.into_iter().map(|model| model.folder).collect();
    Ok(meta)
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
/// with the highest clean accuracy on the dev prompts. Of equal rounds, the first counts.
fn best(pipeline: &Pipeline) -> Result<String, PipelineError> {
    let (config, dev) = (pipeline.config(), pipeline.dir().dev_dir().join(run_files::SUMMARY));
    let method = main_method(config);
    if config.rounds < 2 || !dev.is_file() {
        return Ok(method.to_owned());
    }
    let rows: Vec<SummaryRow> = iopo_schema::read(&dev).map_err(iopo_eval::EvalError::from)?;
    let on_dev = |round: usize| {
        let name = model_name(method, round);
        let found = |row: &&SummaryRow| {
            row.model == name
                && row.baseline.is_none()
                && row.metric == SummaryMetric::CleanAccuracy
                && row.subset == Subset::All
        };
        rows.iter().find(found).map(|row| row.value)
    };
    let mut best = (1, on_dev(1).unwrap_or(f64::NEG_INFINITY));
    for round in 2..=config.rounds {
        if let Some(value) = on_dev(round).filter(|value| *value > best.1) {
            best = (round, value);
        }
    }
    Ok(model_name(method, best.0))
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

    use super::main_method;
    use crate::config::PipelineConfig;

    #[test]
    fn the_report_knows_the_base_and_every_method() {
        let known: Vec<&str> =
            ["base"].into_iter().chain(Method::ALL.iter().map(|method| method.name())).collect();
        for name in &known {
            assert!(KNOWN_MODELS.contains(name), "{name}");
        }
        assert_eq!(KNOWN_MODELS.len(), known.len());
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

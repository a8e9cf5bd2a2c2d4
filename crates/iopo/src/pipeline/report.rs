//! The text of a run's report.

use iopo_eval::Gain;
use iopo_report::{Headline, ReportMeta};
use iopo_schema::run_files::model_folder;
use iopo_schema::{Subset, SummaryMetric, SummaryRow};
use iopo_train::Method;

use super::{Pipeline, PipelineError};
use crate::config::{PipelineConfig, to_toml};

/// Warning in the report of a run with `demonstration = true`.
pub const DEMONSTRATION: &str = "This is a demonstration, small enough for a laptop and too small to draw conclusions from. \
    Look at the intervals before the numbers.";

/// The name of the base model in tables.
const BASE: &str = "base";

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
    meta.compared = compared(config);
    Ok(meta)
}

/// Returns a headline for seen and one for held-out kinds, as far as the evaluation measured them.
pub(super) fn headlines(pipeline: &Pipeline) -> Result<Vec<Headline>, PipelineError> {
    let (config, file) = (pipeline.config(), pipeline.dir().summary_file());
    if !file.is_file() {
        return Ok(Vec::new());
    }
    let rows: Vec<SummaryRow> = iopo_schema::read(&file).map_err(iopo_eval::EvalError::from)?;
    let subsets = [(Subset::Seen, "seen kinds"), (Subset::Unseen, "unseen kinds")];
    Ok(subsets
        .into_iter()
        .filter_map(|(subset, over)| headline(&rows, config, &subset, over))
        .collect())
}

fn headline(
    rows: &[SummaryRow],
    config: &PipelineConfig,
    subset: &Subset,
    over: &str,
) -> Option<Headline> {
    let model = best(config);
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

/// Returns the method that the report compares with the base: IOPO if it was trained, else the last one.
fn best(config: &PipelineConfig) -> &'static str {
    let methods = config.train.resolved_methods();
    let iopo = methods.iter().find(|method| **method == Method::Iopo);
    iopo.or(methods.last()).map_or(BASE, |method| method.name())
}

/// Lists the folders of the models whose answers the report shows side by side.
fn compared(config: &PipelineConfig) -> Vec<String> {
    let seeds = config.train.resolved_seeds();
    let seed = (seeds.len() > 1).then(|| seeds[0]);
    let mut models = vec![BASE.to_owned()];
    for method in [Method::Sft.name(), best(config)] {
        let folder = model_folder(method, seed);
        if !models.contains(&folder) {
            models.push(folder);
        }
    }
    models
}

#[cfg(test)]
mod tests {
    use iopo_report::KNOWN_MODELS;
    use iopo_train::Method;

    use super::compared;
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
    fn the_compared_models_are_the_base_sft_and_the_best_method() {
        let mut config = PipelineConfig::default();
        assert_eq!(compared(&config), ["base", "sft", "iopo"]);
        config.train.methods = vec![Method::Dpo];
        config.train.seeds = vec![3, 4];
        assert_eq!(compared(&config), ["base", "sft-seed3", "dpo-seed3"]);
        config.train.methods = Vec::new();
        assert_eq!(compared(&config), ["base", "sft-seed3"]);
    }
}

//! The run: makes the rows of the given responses part by part, and writes the files.

use std::collections::BTreeSet;
use std::path::Path;

use iopo_constraints::Kind;
use iopo_core::Counts;
use iopo_core::overlap::OverlapIndex;
use iopo_judge::Language;
use iopo_llm::{LanguageModel, LogProb, Progress};
use iopo_schema::{Breakdown, Provenance, kinds_named};

use super::config::FipoConfig;
use super::flow::Flow;
use super::seed::Item;
use super::source::{FipoSeed, FipoSeeds};
use super::summary::{FipoSummary, metrics};
use super::templates::Templates;
use crate::judged::{FailedLimit, Files, Made, Outputs};
use crate::trace::TraceLanguage;
use crate::trace::text::language_of;
use crate::{SynthError, TaskLanguage};

/// The models of a run. They may be the same.
#[derive(Clone, Copy)]
pub struct FipoModels<'a> {
    /// Writes the better instructions and the second responses, and the worse instructions if `worse` is `None`.
    pub writer: &'a dyn LanguageModel,
    /// A weaker model that writes the worse instructions.
    pub worse: Option<&'a dyn LanguageModel>,
    /// Compares the instructions and rates responses.
    pub judge: &'a dyn LanguageModel,
    /// Scores the responses, if [`FipoConfig::min_logp_margin`] is set.
    pub scorer: Option<&'a dyn LogProb>,
}

/// What a run needs besides its own settings.
#[derive(Debug, Clone, Copy)]
pub struct FipoOptions<'a> {
    /// The random seed.
    pub seed: u64,
    /// Ids of constraint kinds that no instruction may have.
    pub held_out: &'a [String],
    /// The ids of the tasks that responses may answer.
    pub tasks: &'a BTreeSet<String>,
    /// Prompts of an evaluation that no rewrite may overlap with.
    pub tested: Option<&'a OverlapIndex>,
    /// The highest score at which a requirement counts as violated.
    pub fail_at_most: f64,
    /// Identifies the model of [`FipoModels::scorer`].
    pub scorer: Option<&'a str>,
}

/// Collects input preferences and candidate groups for given responses.
///
/// Writes `instructions.parquet`, `responses.parquet`, `candidates.parquet`, `input_preferences.parquet` and
/// `synth_stats.parquet` into `out_dir`.
///
/// # Errors
/// Returns an error if the settings, a template or the responses cannot be used, a model stops, a file cannot be written, or
/// more requests fail than `max_failed_share` allows. In the last case the files are written first, and the next run makes them
/// again.
pub fn fipo(
    mut source: FipoSeeds,
    out_dir: &Path,
    models: FipoModels<'_>,
    config: &FipoConfig,
    options: FipoOptions<'_>,
    progress: &dyn Progress,
) -> Result<FipoSummary, SynthError> {
    config.validate()?;
    let held_out = kinds_named("held_out", options.held_out)?;
    let templates = Templates::open(config.templates.as_deref())?;
    source.limit(config);
    check(&source, options.tasks)?;
    std::fs::create_dir_all(out_dir)
        .map_err(|source| SynthError::Io { path: out_dir.to_owned(), source })?;
    let worse = models.worse.unwrap_or(models.writer);
    let names = [models.writer.name(), worse.name(), models.judge.name()];
    let provenance = provenance(&source, &models, &names, config, &options, &templates)?;
    let limit = FailedLimit { share: config.max_failed_share, setting: "fipo.max_failed_share" };
    let outputs = Outputs { dir: out_dir, provenance: &provenance, has_preferences: true };
    let accepts = |summary: &FipoSummary| limit.check(summary.failed, summary.requests).is_ok();
    if let Some(summary) = outputs.finished(FipoSummary::from_metrics, accepts)? {
        return Ok(summary);
    }
    let files = Files::open(&outputs)?;
    let mut counts = Counts::default();
    for (part, seeds) in source.seeds.chunks(config.seeds_per_part).enumerate() {
        files.part(part, &mut counts, || {
            let flow = Flow {
                models,
                config,
                templates: &templates,
                held_out: &held_out,
                tested: options.tested,
                fail_at_most: options.fail_at_most,
                seed: options.seed,
                progress,
                made: Made::default(),
            };
            let mut items = items(seeds, &models, &held_out, options.seed, config);
            let mut made = flow.run(&mut items)?;
            made.counts.add("seeds", seeds.len() as u64);
            Ok(made)
        })?;
    }
    for (reason, count) in &source.skipped {
        counts.add(format!("skipped/{reason}"), *count);
    }
    for (benchmark, count) in &source.contaminated {
        counts.add(Breakdown::Contaminated.of(benchmark), *count);
    }
    let parts = source.seeds.len().div_ceil(config.seeds_per_part);
    let rows = files.finish(parts, &metrics(&counts), &provenance)?;
    let summary = FipoSummary::from_metrics(rows);
    limit.check_with_reasons((summary.failed, summary.requests), &summary.dropped, progress)?;
    Ok(summary)
}

/// Fails if there is no response, or one to a task from elsewhere.
fn check(source: &FipoSeeds, tasks: &BTreeSet<String>) -> Result<(), SynthError> {
    let unusable =
        |expected: &str, got| SynthError::GivenResponses { got, expected: expected.to_owned() };
    if source.seeds.is_empty() {
        let reasons = source.reasons();
        let got = if reasons.is_empty() {
            "no usable response".to_owned()
        } else {
            format!("no usable response ({reasons})")
        };
        return Err(unusable("at least one response to a task", got));
    }
    match source.seeds.iter().find(|seed| !tasks.contains(&seed.task_id)) {
        Some(seed) => Err(unusable(
            "responses to tasks of the run",
            format!("a response to the task {}", seed.task_id),
        )),
        None => Ok(()),
    }
}

/// Describes what the rows depend on.
fn provenance(
    source: &FipoSeeds,
    models: &FipoModels<'_>,
    names: &[String; 3],
    config: &FipoConfig,
    options: &FipoOptions<'_>,
    templates: &Templates,
) -> Result<Provenance, SynthError> {
    let [writer, worse, judge] = names;
    let weaker = match models.worse {
        Some(model) => Some([worse.clone(), model.fingerprint()?]),
        None => None,
    };
    let ids: Vec<String> = source
        .seeds
        .iter()
        .map(|seed| {
            let (naive, language) = (seed.naive.as_deref().unwrap_or_default(), seed.language);
            format!("{} {naive:?} {:?} {language:?} {}", seed.id(), seed.holds, seed.generator)
        })
        .collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    let made = Provenance::new(
        crate::PRODUCER,
        serde_json::json!({
            "recipe": "fipo",
            "fipo": config.rows_json()?,
            "seed": options.seed,
            "held_out": options.held_out,
            "fail_at_most": options.fail_at_most,
            "templates": templates.hashes(),
            "writer": [writer, &models.writer.fingerprint()?],
            "worse": weaker,
            "judge": [judge, &models.judge.fingerprint()?],
            "scorer": options.scorer.filter(|_| config.min_logp_margin.is_some()),
        }),
    );
    let mut made = made.with_input("seeds", iopo_schema::content_id(&ids));
    if let Some(tested) = options.tested {
        made = made.with_input("tested_prompts", tested.hash());
    }
    let inputs = source.inputs.iter();
    Ok(inputs.fold(made, |made, (name, hash)| made.with_input(name, hash.clone())))
}

fn items<'a>(
    seeds: &'a [FipoSeed],
    models: &FipoModels<'_>,
    held_out: &BTreeSet<Kind>,
    random_seed: u64,
    config: &FipoConfig,
) -> Vec<Item<'a>> {
    let weaker = models.worse.is_some();
    let item = |seed: &'a FipoSeed| {
        let language = language(seed, config);
        Item::new(seed, language, weaker, held_out, random_seed, config)
    };
    seeds.iter().map(item).collect()
}

/// The language of the instructions for a response: that of its task, the configured one, or that of its letters.
pub(crate) fn language(seed: &FipoSeed, config: &FipoConfig) -> Language {
    match (seed.language, config.language) {
        (Some(TaskLanguage::En), _) | (None, TraceLanguage::En) => Language::English,
        (Some(TaskLanguage::Zh), _) | (None, TraceLanguage::Zh) => Language::Chinese,
        (None, TraceLanguage::Auto) => language_of(&seed.task).unwrap_or(Language::English),
    }
}

//! The run: reads tasks, makes their rows part by part, and writes the files.

use std::collections::BTreeSet;
use std::path::Path;

use iopo_constraints::Kind;
use iopo_core::Counts;
use iopo_judge::Language;
use iopo_llm::{LanguageModel, Progress};
use iopo_schema::{Provenance, kinds_named};

use super::ask::Asker;
use super::config::{TraceConfig, TraceLanguage};
use super::flow::Flow;
use super::seed::Seed;
use super::summary::{TraceSummary, metrics};
use super::templates::Templates;
use super::text::language_of;
use crate::judged::{FailedLimit, Files, Made, Outputs};
use crate::task::check_languages;
use crate::{SynthConfig, SynthError, Task, TaskFile, TaskLanguage};

/// The models of a run. They may be the same.
#[derive(Clone, Copy)]
pub struct TraceModels<'a> {
    /// Writes instructions and responses.
    pub writer: &'a dyn LanguageModel,
    /// Checks instructions and rates responses.
    pub judge: &'a dyn LanguageModel,
}

/// Makes candidate groups from tasks.
///
/// Writes `instructions.parquet`, `responses.parquet`, `candidates.parquet` and `synth_stats.parquet` into `out_dir`. Of `synth`,
/// it uses `seed`, `max_tasks` and `held_out`, and with `propose_checks` also `kinds` and `kind_weights`.
///
/// # Errors
/// Returns an error if the tasks, the settings or a template cannot be read, a model stops, a file cannot be written, or more
/// requests fail than `max_failed_share` allows. In the last case the files are written first, and the next run makes them again.
pub fn trace<'a>(
    tasks: impl Into<TaskFile<'a>>,
    out_dir: &Path,
    models: TraceModels<'_>,
    synth: &SynthConfig,
    config: &TraceConfig,
    progress: &dyn Progress,
) -> Result<TraceSummary, SynthError> {
    config.validate()?;
    let held_out =
        kinds_named("held_out", &synth.held_out).map_err(|error| error.inside("synth"))?;
    let offered = synth.offered_kinds(config)?;
    let templates = Templates::open(config.templates.as_deref())?;
    let file = tasks.into();
    let input = file.read(synth)?;
    let tasks = &input.tasks;
    check_languages(file.path(), tasks)?;
    std::fs::create_dir_all(out_dir)
        .map_err(|source| SynthError::Io { path: out_dir.to_owned(), source })?;
    let names = [models.writer.name(), models.judge.name()];
    let mut settings = serde_json::json!({
        "recipe": "trace",
        "trace": config.rows_json()?,
        "seed": synth.seed,
        "max_tasks": synth.max_tasks,
        "held_out": synth.held_out,
        "templates": templates.hashes(),
        "writer": [&names[0], &models.writer.fingerprint()?],
        "judge": [&names[1], &models.judge.fingerprint()?],
    });
    if !offered.is_empty() {
        settings["kinds"] = offered.iter().map(|kind| kind.id()).collect();
    }
    let mut provenance = input.origin(Provenance::new(crate::PRODUCER, settings));
    if let Some(tested) = file.tested() {
        provenance = provenance.with_input("tested_prompts", tested.hash());
    }
    let limit =
        FailedLimit { share: config.max_failed_share, setting: "synth.trace.max_failed_share" };
    let outputs = Outputs { dir: out_dir, provenance: &provenance, has_preferences: false };
    let accepts = |summary: &TraceSummary| limit.check(summary.failed, summary.requests).is_ok();
    if let Some(summary) = outputs.finished(TraceSummary::from_metrics, accepts)? {
        return Ok(summary);
    }
    let files = Files::open(&outputs)?;
    let mut counts = input.counts.clone();
    let mut left_to_judge = BTreeSet::new();
    for (part, tasks) in tasks.chunks(config.tasks_per_part).enumerate() {
        let distrusted = distrusted(&counts, config);
        left_to_judge.extend(distrusted.iter().copied());
        files.part(part, &mut counts, || {
            let asker = Asker {
                models,
                config,
                templates: &templates,
                seed: synth.seed,
                progress,
                counts: Counts::default(),
            };
            let flow = Flow {
                asker,
                held_out: &held_out,
                offered: &offered,
                tested: file.tested(),
                distrusted: &distrusted,
                made: Made::default(),
            };
            let mut seeds: Vec<Seed<'_>> =
                tasks.iter().map(|task| Seed::new(task, language(task, config))).collect();
            let mut made = flow.run(&mut seeds)?;
            made.counts.add("tasks", tasks.len() as u64);
            made.counts.add("instructions", made.instructions.len() as u64);
            made.counts.add("responses", made.responses.len() as u64);
            Ok(made)
        })?;
    }
    for kind in left_to_judge {
        counts.one(format!("distrusted/{}", kind.id()));
    }
    let parts = tasks.len().div_ceil(config.tasks_per_part);
    let rows = files.finish(parts, &metrics(&counts), &provenance)?;
    let summary = TraceSummary::from_metrics(rows);
    limit.check_with_reasons((summary.failed, summary.requests), &summary.dropped, progress)?;
    Ok(summary)
}

/// The language of a task's instructions and responses: its own, the configured one, or that of its letters.
pub(crate) fn language(task: &Task, config: &TraceConfig) -> Language {
    match (task.language.as_deref().and_then(TaskLanguage::from_tag), config.language) {
        (Some(TaskLanguage::En), _) | (None, TraceLanguage::En) => Language::English,
        (Some(TaskLanguage::Zh), _) | (None, TraceLanguage::Zh) => Language::Chinese,
        (None, TraceLanguage::Auto) => language_of(&task.task).unwrap_or(Language::English),
    }
}

/// Returns the kinds about which judge and code disagree too often.
fn distrusted(counts: &Counts, config: &TraceConfig) -> BTreeSet<Kind> {
    let is_distrusted = |kind: &Kind| {
        let of = |same: &str| counts.get(&format!("agreement/{same}/{}", kind.id()));
        let (same, different) = (of("same"), of("different"));
        let cases = same + different;
        cases >= config.min_agreement_cases as u64
            && different as f64 / cases as f64 > config.max_disagreement
    };
    Kind::ALL.iter().copied().filter(is_distrusted).collect()
}

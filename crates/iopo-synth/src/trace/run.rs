//! The run: reads tasks, makes their rows part by part, and writes the files.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use iopo_constraints::Kind;
use iopo_core::Counts;
use iopo_judge::Language;
use iopo_llm::{LanguageModel, Progress};
use iopo_schema::{
    InstructionRow, MetricRow, Parts, PreferenceRow, Provenance, ResponseRow, clear_parts,
    kinds_named, made_with, read, run_files, stats, write,
};

use super::ask::Asker;
use super::config::{TraceConfig, TraceLanguage};
use super::flow::{Flow, Made};
use super::seed::Seed;
use super::summary::{TraceSummary, metrics};
use super::templates::Templates;
use super::text::language_of;
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
/// it uses `seed`, `max_tasks` and `held_out`.
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
    let templates = Templates::open(config.templates.as_deref())?;
    let file = tasks.into();
    let input = file.read(synth)?;
    let tasks = &input.tasks;
    check_languages(file.path(), tasks)?;
    std::fs::create_dir_all(out_dir)
        .map_err(|source| SynthError::Io { path: out_dir.to_owned(), source })?;
    let names = [models.writer.name(), models.judge.name()];
    let settings = serde_json::json!({
        "recipe": "trace",
        "trace": config.rows_json()?,
        "seed": synth.seed,
        "max_tasks": synth.max_tasks,
        "held_out": synth.held_out,
        "templates": templates.hashes(),
        "writer": [&names[0], &models.writer.fingerprint()?],
        "judge": [&names[1], &models.judge.fingerprint()?],
    });
    let mut provenance = input.origin(Provenance::new(crate::PRODUCER, settings));
    if let Some(tested) = file.tested() {
        provenance = provenance.with_input("tested_prompts", tested.hash());
    }
    let stats = out_dir.join(run_files::SYNTH_STATS);
    let outputs = outputs(out_dir, &provenance);
    if made_with::<MetricRow>(&stats, &provenance) {
        let summary = TraceSummary::from_metrics(read::<MetricRow>(&stats)?);
        let is_complete = outputs.iter().all(|(_, is_made)| *is_made);
        if is_complete && accept(&summary, config).is_ok() {
            return Ok(summary);
        }
        discard(outputs)?;
    }
    let files = Files::open(out_dir, &provenance)?;
    let mut counts = input.counts.clone();
    let mut left_to_judge = BTreeSet::new();
    for (part, tasks) in tasks.chunks(config.tasks_per_part).enumerate() {
        let distrusted = distrusted(&counts, config);
        left_to_judge.extend(distrusted.iter().copied());
        if !files.counts.has(part) {
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
            for row in &made.instructions {
                row.constraints
                    .iter()
                    .for_each(|one| stats::count_constraint(&mut made.counts, one));
            }
            files.write(part, &made)?;
        }
        for row in files.counts.read(part)? {
            counts.add(row.name, row.value as u64);
        }
    }
    for kind in left_to_judge {
        counts.one(format!("distrusted/{}", kind.id()));
    }
    files.finish(tasks.len().div_ceil(config.tasks_per_part), &stats, &counts, &provenance)?;
    let summary = TraceSummary::from_metrics(read::<MetricRow>(&stats)?);
    accept(&summary, config)?;
    Ok(summary)
}

/// Rejects a run with too many failed requests.
fn accept(summary: &TraceSummary, config: &TraceConfig) -> Result<(), SynthError> {
    let (failed, requests) = (summary.failed, summary.requests);
    let (share, limit) = (summary.failed_share(), config.max_failed_share);
    if share > limit {
        let setting = "synth.trace.max_failed_share";
        return Err(SynthError::TooManyFailed { failed, requests, share, limit, setting });
    }
    Ok(())
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

/// Returns the files of a run, and whether each has this provenance.
fn outputs(out_dir: &Path, provenance: &Provenance) -> [(PathBuf, bool); 4] {
    let of = |name: &str, made: fn(&Path, &Provenance) -> bool| {
        let path = out_dir.join(name);
        let is_made = made(&path, provenance);
        (path, is_made)
    };
    [
        of(run_files::SYNTH_STATS, made_with::<MetricRow>),
        of(run_files::INSTRUCTIONS, made_with::<InstructionRow>),
        of(run_files::RESPONSES, made_with::<ResponseRow>),
        of(run_files::CANDIDATES, made_with::<PreferenceRow>),
    ]
}

/// Removes the files of a run that failed or lost a file, so that all are made again from the same answers. Files of another
/// provenance stay: [`Parts::open`] decides about them.
fn discard(outputs: [(PathBuf, bool); 4]) -> Result<(), SynthError> {
    for (path, _) in outputs.into_iter().filter(|(_, is_made)| *is_made) {
        std::fs::remove_file(&path).map_err(|source| SynthError::Io { path, source })?;
    }
    Ok(())
}

/// The files in parts. The counters of a part are written last, so a part with counters is finished.
struct Files {
    instructions: Parts<InstructionRow>,
    responses: Parts<ResponseRow>,
    candidates: Parts<PreferenceRow>,
    counts: Parts<MetricRow>,
    /// The file beside which the parts of the counters are.
    path: PathBuf,
}

impl Files {
    fn open(out_dir: &Path, provenance: &Provenance) -> Result<Self, SynthError> {
        let path = out_dir.join(run_files::SYNTH_STATS);
        Ok(Self {
            instructions: Parts::open(&out_dir.join(run_files::INSTRUCTIONS), provenance)?,
            responses: Parts::open(&out_dir.join(run_files::RESPONSES), provenance)?,
            candidates: Parts::open(&out_dir.join(run_files::CANDIDATES), provenance)?,
            counts: Parts::open(&path, provenance)?,
            path,
        })
    }

    fn write(&self, part: usize, made: &Made) -> Result<(), SynthError> {
        let answers = &made.answers;
        if !self.instructions.is_complete() {
            self.instructions.write_answered(part, &made.instructions, answers)?;
        }
        if !self.responses.is_complete() {
            self.responses.write_answered(part, &made.responses, answers)?;
        }
        if !self.candidates.is_complete() {
            self.candidates.write_answered(part, &made.candidates, answers)?;
        }
        self.counts.write(part, &stats::to_rows(&made.counts, &[]))?;
        Ok(())
    }

    /// Joins the parts. The stats are written last, so that they mark a finished run.
    fn finish(
        self,
        parts: usize,
        stats: &Path,
        counts: &Counts,
        provenance: &Provenance,
    ) -> Result<(), SynthError> {
        self.instructions.finish(parts)?;
        self.responses.finish(parts)?;
        self.candidates.finish(parts)?;
        write(stats, &metrics(counts), provenance)?;
        // The lock on the parts ends here.
        drop(self.counts);
        clear_parts(&self.path);
        Ok(())
    }
}

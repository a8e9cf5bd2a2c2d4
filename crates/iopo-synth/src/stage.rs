//! The stage: reads tasks, writes `instructions`, `responses` and `synth_stats`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use iopo_core::SettingError;
use iopo_llm::{LanguageModel, Progress};
use iopo_schema::{
    InstructionRow, MetricRow, Parts, Provenance, ResponseRow, file_hash, made_with, read,
    run_files, stream, write,
};

use crate::answers::{sample_answers, sampled_answers};
use crate::clean::Drop;
use crate::relevance::{RelevanceModel, measure_relevance, measured_relevance, read_relevance};
use crate::rows::finish;
use crate::stats::metrics;
use crate::survey::{answer_of, each_task, survey};
use crate::task_file::UsedTasks;
use crate::write::{Writer, Written};
use crate::{SynthConfig, SynthError, SynthSummary, Task, TaskFile, read_tasks};

/// Synthesizes constrained instructions with verified responses from tasks.
///
/// Writes `answers.parquet` (the sampled answers), `instructions.parquet`, `responses.parquet` and
/// `synth_stats.parquet` into `out_dir`. Sampling takes most of the time, and a resumed run skips its finished parts.
/// The other files depend on the answers and the configuration only, so a resumed run writes the same bytes as an
/// uninterrupted one.
///
/// `base` measures whether the answers are on their tasks (`relevance.parquet`), if `check_relevance` is set. Without it, the
/// answers are not checked for that, and counted as unchecked.
///
/// # Errors
/// Returns an error if the tasks cannot be read, the model fails, a file cannot be written, no answer is usable, or
/// more responses are edited than `max_edited_share` allows. In the last two cases the stats are written first,
/// because they contain the reasons.
pub fn synthesize<'a>(
    tasks: impl Into<TaskFile<'a>>,
    out_dir: &Path,
    model: &dyn LanguageModel,
    base: Option<RelevanceModel<'_>>,
    config: &SynthConfig,
    progress: &dyn Progress,
) -> Result<SynthSummary, SynthError> {
    let input = read_input(tasks.into(), config)?;
    std::fs::create_dir_all(out_dir)
        .map_err(|source| SynthError::Io { path: out_dir.to_owned(), source })?;
    let answers = sample_answers(&input, out_dir, model, config, progress)?;
    let relevance = match base.filter(|_| config.check_relevance) {
        Some(base) => {
            let tasks = &input.tasks;
            Some(measure_relevance(tasks, &answers, out_dir, base, config, progress)?)
        }
        None => None,
    };
    Output::open(&input, &answers, relevance.as_deref(), out_dir, config)?.complete(progress)
}

/// Completes a synthesis whose answers are sampled and measured, so that no model is needed.
///
/// Returns `None` if answers or relevances are missing, or belong to other tasks or settings; [`synthesize`] makes them.
///
/// # Errors
/// Returns the errors of [`synthesize`], except those of the model.
pub fn synthesize_sampled<'a>(
    tasks: impl Into<TaskFile<'a>>,
    out_dir: &Path,
    config: &SynthConfig,
    progress: &dyn Progress,
) -> Result<Option<SynthSummary>, SynthError> {
    let input = read_input(tasks.into(), config)?;
    let Some(answers) = sampled_answers(&input, out_dir, config)? else { return Ok(None) };
    let relevance =
        if config.check_relevance { measured_relevance(&answers, out_dir, config)? } else { None };
    let output = Output::open(&input, &answers, relevance.as_deref(), out_dir, config)?;
    if config.check_relevance && relevance.is_none() && !output.is_complete() {
        return Ok(None);
    }
    output.complete(progress).map(Some)
}

/// Reads the tasks of a file that a synthesis uses: the first `max_tasks`, or all.
///
/// # Errors
/// Returns the errors of [`read_tasks`].
pub fn used_tasks(path: &Path, config: &SynthConfig) -> Result<Vec<Task>, SynthError> {
    let mut tasks = read_tasks(path)?;
    if let Some(limit) = config.max_tasks {
        tasks.truncate(limit);
    }
    Ok(tasks)
}

/// Reads the tasks of a synthesis that samples one model.
fn read_input(file: TaskFile<'_>, config: &SynthConfig) -> Result<UsedTasks, SynthError> {
    config.validate()?;
    if config.recipe.is_trace() {
        let expected = "a recipe that samples one model; `trace` needs a writer and a judge";
        return Err(SettingError::new("synth.recipe", "`trace`", expected).into());
    }
    file.read(config)
}

/// The files that are written from the sampled answers.
struct Output<'a> {
    input: &'a UsedTasks,
    answers: &'a Path,
    relevance: Option<&'a Path>,
    config: &'a SynthConfig,
    provenance: Provenance,
    instructions: Parts<InstructionRow>,
    responses: Parts<ResponseRow>,
    stats: PathBuf,
}

impl<'a> Output<'a> {
    fn open(
        input: &'a UsedTasks,
        answers: &'a Path,
        relevance: Option<&'a Path>,
        out_dir: &Path,
        config: &'a SynthConfig,
    ) -> Result<Self, SynthError> {
        let mut provenance = input
            .origin(Provenance::new(crate::PRODUCER, config.rows_json()?))
            .with_input("answers", file_hash(answers)?);
        if let Some(relevance) = relevance {
            provenance = provenance.with_input("relevance", file_hash(relevance)?);
        }
        Ok(Self {
            input,
            answers,
            relevance,
            config,
            instructions: Parts::open(&out_dir.join(run_files::INSTRUCTIONS), &provenance)?,
            responses: Parts::open(&out_dir.join(run_files::RESPONSES), &provenance)?,
            stats: out_dir.join(run_files::SYNTH_STATS),
            provenance,
        })
    }

    fn is_complete(&self) -> bool {
        self.instructions.is_complete()
            && self.responses.is_complete()
            && made_with::<MetricRow>(&self.stats, &self.provenance)
    }

    /// Writes instructions, responses and stats unless they are complete.
    fn complete(&self, progress: &dyn Progress) -> Result<SynthSummary, SynthError> {
        let (tasks, config) = (self.input.tasks.as_slice(), self.config);
        if self.is_complete() {
            let summary = SynthSummary::from_metrics(read::<MetricRow>(&self.stats)?);
            self.accept(&summary)?;
            return Ok(summary);
        }
        let kinds = config.kinds()?;
        let relevance = self.relevance.map(read_relevance).transpose()?;
        let found = survey(self.answers, tasks, &kinds, relevance.as_ref(), config, progress)?;
        let mut counts = found.counts;
        counts.merge(self.input.counts.clone());
        let mut writer = Writer {
            config,
            kinds: &kinds,
            editable: &found.editable,
            owners: found.owners,
            examples: BTreeMap::new(),
        };
        progress.start("writing instructions", tasks.len() as u64);
        let samples = config.samples_per_task;
        let mut written = Written::default();
        each_task(self.answers, tasks, samples, |index, task, rows| {
            if progress.cancelled() {
                return Err(SynthError::Cancelled);
            }
            let mut usable = Vec::new();
            for (row, used) in rows.iter().zip(&found.used[index * samples..]) {
                if *used && let Ok(answer) = answer_of(self.answers, row, config)? {
                    usable.push(answer);
                }
            }
            writer.task(index, task, &usable, &mut written)?;
            if (index + 1) % config.tasks_per_part == 0 || index + 1 == tasks.len() {
                let written = std::mem::take(&mut written);
                self.write_part(index / config.tasks_per_part, &written)?;
                counts.merge(written.counts);
            }
            progress.advance(1);
            Ok(())
        })?;
        progress.finish();

        let summary = SynthSummary::from_metrics(metrics(&counts));
        write(&self.stats, &summary.metrics, &self.provenance)?;
        self.accept(&summary)?;
        let parts = tasks.len().div_ceil(config.tasks_per_part);
        finish(parts, &self.instructions, &self.responses)?;
        Ok(summary)
    }

    /// Writes a part that is missing. The rows of an existing part are computed again, because they register n-grams and
    /// count examples.
    fn write_part(&self, part: usize, written: &Written) -> Result<(), SynthError> {
        if !self.instructions.is_complete() && !self.instructions.has(part) {
            self.instructions.write(part, &written.instructions)?;
        }
        if !self.responses.is_complete() && !self.responses.has(part) {
            self.responses.write(part, &written.responses)?;
        }
        Ok(())
    }

    /// Rejects a run without responses or with too many edited ones.
    fn accept(&self, summary: &SynthSummary) -> Result<(), SynthError> {
        if summary.responses == 0 {
            let count = |drop: &Drop| summary.dropped.get(drop.name()).copied().unwrap_or(0);
            let main = Drop::ALL.into_iter().filter(|drop| count(drop) > 0).max_by_key(count);
            let reasons =
                summary.dropped.iter().map(|(reason, count)| format!("{reason}: {count}"));
            return Err(SynthError::NothingAccepted {
                answers: summary.answers,
                reasons: reasons.collect::<Vec<_>>().join(", "),
                main,
                refusal: first_refusal(self.answers)?,
            });
        }
        let (share, limit) = (summary.edited_share(), self.config.max_edited_share);
        if share > limit {
            let (edited, accepted) = (summary.edited, summary.responses);
            return Err(SynthError::TooManyEdited { edited, accepted, share, limit });
        }
        Ok(())
    }
}

/// Returns the reason of the first request that the model rejected, if there is one.
fn first_refusal(answers: &Path) -> Result<Option<String>, SynthError> {
    for batch in stream::<ResponseRow>(answers)? {
        if let Some(reason) = batch?.into_iter().find_map(|row| row.error) {
            return Ok(Some(reason));
        }
    }
    Ok(None)
}

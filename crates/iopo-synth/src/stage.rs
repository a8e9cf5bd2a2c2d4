//! The stage: reads tasks, writes `instructions`, `responses` and `synth_stats`.

use std::collections::BTreeMap;
use std::path::Path;

use iopo_llm::{LanguageModel, Progress};
use iopo_schema::{
    InstructionRow, MetricRow, Parts, Provenance, ResponseRow, file_hash, made_with, read,
    run_files, write,
};

use crate::answers::{sample_answers, sampled_answers};
use crate::rows::finish;
use crate::stats::metrics;
use crate::survey::{answer_of, each_task, survey};
use crate::write::{Writer, Written};
use crate::{SynthConfig, SynthError, SynthSummary, Task, read_tasks};

/// Synthesizes constrained instructions with verified responses from tasks.
///
/// Writes `answers.parquet` (the sampled answers), `instructions.parquet`, `responses.parquet` and
/// `synth_stats.parquet` into `out_dir`. Sampling takes most of the time, and a resumed run skips its finished parts.
/// The other files depend on the answers and the configuration only, so a resumed run writes the same bytes as an
/// uninterrupted one.
///
/// # Errors
/// Returns an error if the tasks cannot be read, the model fails, a file cannot be written, no answer is usable, or
/// more responses are edited than `max_edited_share` allows. In the last two cases the stats are written first,
/// because they contain the reasons.
pub fn synthesize(
    tasks_path: &Path,
    out_dir: &Path,
    model: &dyn LanguageModel,
    config: &SynthConfig,
    progress: &dyn Progress,
) -> Result<SynthSummary, SynthError> {
    let input = Input::read(tasks_path, config)?;
    std::fs::create_dir_all(out_dir)
        .map_err(|source| SynthError::Io { path: out_dir.to_owned(), source })?;
    let answers = sample_answers(&input.tasks, &input.hash, out_dir, model, config, progress)?;
    write_instructions(&input, &answers, out_dir, config, progress)
}

/// Completes a synthesis whose answers are already sampled, so that no model is needed.
///
/// Returns `None` if answers are missing, or belong to other tasks or settings; [`synthesize`] samples them.
///
/// # Errors
/// Returns the errors of [`synthesize`], except those of the model.
pub fn synthesize_sampled(
    tasks_path: &Path,
    out_dir: &Path,
    config: &SynthConfig,
    progress: &dyn Progress,
) -> Result<Option<SynthSummary>, SynthError> {
    let input = Input::read(tasks_path, config)?;
    let Some(answers) = sampled_answers(&input.hash, out_dir, config)? else { return Ok(None) };
    write_instructions(&input, &answers, out_dir, config, progress).map(Some)
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

/// The tasks of a synthesis and the hash of their file.
struct Input {
    tasks: Vec<Task>,
    hash: String,
}

impl Input {
    fn read(path: &Path, config: &SynthConfig) -> Result<Self, SynthError> {
        config.validate()?;
        Ok(Self { tasks: used_tasks(path, config)?, hash: file_hash(path)? })
    }
}

/// Writes instructions, responses and stats from the sampled answers.
fn write_instructions(
    input: &Input,
    answers: &Path,
    out_dir: &Path,
    config: &SynthConfig,
    progress: &dyn Progress,
) -> Result<SynthSummary, SynthError> {
    let Input { tasks, hash } = input;
    let provenance = Provenance {
        producer: crate::PRODUCER.to_owned(),
        config: config.rows_json()?,
        inputs: [("tasks".to_owned(), hash.clone()), ("answers".to_owned(), file_hash(answers)?)]
            .into(),
    };
    let instructions_path = out_dir.join(run_files::INSTRUCTIONS);
    let responses_path = out_dir.join(run_files::RESPONSES);
    let stats_path = out_dir.join(run_files::SYNTH_STATS);
    let instructions = Parts::<InstructionRow>::open(&instructions_path, &provenance)?;
    let responses = Parts::<ResponseRow>::open(&responses_path, &provenance)?;
    let stats_done = made_with::<MetricRow>(&stats_path, &provenance);
    if instructions.is_complete() && responses.is_complete() && stats_done {
        let summary = SynthSummary::from_metrics(read::<MetricRow>(&stats_path)?);
        accept(&summary, config)?;
        return Ok(summary);
    }

    let kinds = config.kinds()?;
    let found = survey(answers, tasks, &kinds, config, progress)?;
    let mut counts = found.counts;
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
    each_task(answers, tasks, samples, |index, task, rows| {
        if progress.cancelled() {
            return Err(SynthError::Cancelled);
        }
        let mut usable = Vec::new();
        for (row, used) in rows.iter().zip(&found.used[index * samples..]) {
            if *used && let Ok(answer) = answer_of(answers, row, config)? {
                usable.push(answer);
            }
        }
        writer.task(index, task, &usable, &mut written)?;
        if (index + 1) % config.tasks_per_part == 0 || index + 1 == tasks.len() {
            let part = index / config.tasks_per_part;
            // The rows of an existing part are computed again, because they register n-grams and count examples.
            if !instructions.is_complete() && !instructions.has(part) {
                instructions.write(part, &written.instructions)?;
            }
            if !responses.is_complete() && !responses.has(part) {
                responses.write(part, &written.responses)?;
            }
            counts.merge(std::mem::take(&mut written).counts);
        }
        progress.advance(1);
        Ok(())
    })?;
    progress.finish();

    let summary = SynthSummary::from_metrics(metrics(&counts));
    write(&stats_path, &summary.metrics, &provenance)?;
    accept(&summary, config)?;
    let parts = tasks.len().div_ceil(config.tasks_per_part);
    finish(parts, &instructions, &responses)?;
    Ok(summary)
}

/// Rejects a run without responses or with too many edited ones.
fn accept(summary: &SynthSummary, config: &SynthConfig) -> Result<(), SynthError> {
    if summary.responses == 0 {
        let reasons: Vec<String> =
            summary.dropped.iter().map(|(reason, count)| format!("{reason}: {count}")).collect();
        return Err(SynthError::NothingAccepted {
            answers: summary.answers,
            reasons: reasons.join(", "),
        });
    }
    let share = summary.edited_share();
    if share > config.max_edited_share {
        return Err(SynthError::TooManyEdited {
            edited: summary.edited,
            accepted: summary.responses,
            share,
            limit: config.max_edited_share,
        });
    }
    Ok(())
}

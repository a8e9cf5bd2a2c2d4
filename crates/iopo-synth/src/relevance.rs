//! Measures under the base model whether the answers are on their tasks.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use iopo_constraints::render_prompt;
use iopo_llm::{
    FinishReason, LogProb, LogProbResponse, PlainTasks, Progress, Relevance, RelevanceRequest,
    relevance,
};
use iopo_schema::{
    Parts, Provenance, RelevanceRow, ResponseRow, file_hash, has_parts, made_with, read, run_files,
};
use serde_json::{Value, json};

use crate::survey::{CleanSample, answer_of};
use crate::{SynthConfig, SynthError, Task};

/// The model that tells whether an answer is on its task: the base model, whichever model is sampled.
#[derive(Clone, Copy)]
pub struct RelevanceModel<'a> {
    /// [Fingerprint](iopo_llm::LanguageModel::fingerprint) of the model.
    pub fingerprint: &'a str,
    /// The model.
    pub model: &'a dyn LogProb,
}

/// Measures the missing relevances of the usable answers, part by part, and returns the path of the file.
///
/// An answer has no row if it is dropped anyway, if there is no other task, or if the model rejects it.
pub(crate) fn measure_relevance(
    tasks: &[Task],
    answers: &Path,
    out_dir: &Path,
    model: RelevanceModel<'_>,
    config: &SynthConfig,
    progress: &dyn Progress,
) -> Result<PathBuf, SynthError> {
    let path = out_dir.join(run_files::RELEVANCE);
    let provenance = provenance(answers, model.fingerprint, config)?;
    let parts = Parts::<RelevanceRow>::open(&path, &provenance)?;
    if parts.is_complete() {
        return Ok(path);
    }
    let rows: Vec<ResponseRow> = read(answers)?;
    let none: [&str; 0] = [];
    let plain = |task: &Task| render_prompt(&task.task, &none, task.input.as_deref());
    let plain_tasks = PlainTasks::new(tasks.iter().map(|task| (task.id.as_str(), plain(task))));
    // Each answer is scored after two prompts.
    let steps = |rows: &[ResponseRow]| 2 * rows.len() as u64;
    progress.start("checking relevance", steps(&rows));
    parts.fill(
        &rows,
        config.samples_per_task * config.tasks_per_part,
        |rows| progress.advance(steps(rows)),
        |rows| {
            if progress.cancelled() {
                return Err(SynthError::Cancelled);
            }
            let mut usable: Vec<(&str, &str, CleanSample)> = Vec::new();
            for row in rows {
                if let Ok(answer) = answer_of(answers, row, config)? {
                    usable.push((&row.id, &row.task_id, answer));
                }
            }
            let (mut keys, mut asked) = (Vec::new(), Vec::new());
            for (key, task_id, answer) in &usable {
                let prompts = plain_tasks.prompt(task_id).zip(plain_tasks.other_prompt(task_id));
                let Some((own, other)) = prompts else { continue };
                let stopped = answer.info.finish_reason == Some(FinishReason::Stop);
                let ended = stopped && !answer.info.trimmed;
                let response = LogProbResponse { text: &answer.text, ended };
                keys.push(*key);
                asked.push(RelevanceRequest { own, other, response });
            }
            progress.advance(2 * (rows.len() - asked.len()) as u64);
            let found = relevance_or_skip(model.model, asked, progress)?;
            let row = |(key, found): (&str, Option<Relevance>)| {
                found.map(|found| RelevanceRow {
                    key: key.to_owned(),
                    own: found.own.sum,
                    other: found.other.sum,
                    tokens: found.own.tokens,
                })
            };
            Ok(keys.into_iter().zip(found).filter_map(row).collect())
        },
    )?;
    progress.finish();
    Ok(path)
}

/// Returns the file of finished relevances of these answers under these settings, by any model.
pub(crate) fn measured_relevance(
    answers: &Path,
    out_dir: &Path,
    config: &SynthConfig,
) -> Result<Option<PathBuf>, SynthError> {
    let path = out_dir.join(run_files::RELEVANCE);
    if !path.is_file() || has_parts(&path) {
        return Ok(None);
    }
    let measured = iopo_schema::provenance(&path)?.config;
    let Some(model) = measured.get("model").and_then(Value::as_str) else { return Ok(None) };
    let expected = provenance(answers, model, config)?;
    Ok(made_with::<RelevanceRow>(&path, &expected).then_some(path))
}

/// Reads the relevances of answers by the ids of their rows.
pub(crate) fn read_relevance(path: &Path) -> Result<BTreeMap<String, f64>, SynthError> {
    let rows: Vec<RelevanceRow> = read(path)?;
    Ok(rows.into_iter().map(|row| (row.key.clone(), row.relevance())).collect())
}

/// Describes what the relevances depend on: the answers, the model, and the settings that clean the answers.
fn provenance(answers: &Path, model: &str, config: &SynthConfig) -> Result<Provenance, SynthError> {
    let settings = json!({
        "model": model,
        "tasks_per_part": config.tasks_per_part,
        "keep_cut": config.keep_cut,
        "min_cut_share": config.min_cut_share,
        "language": config.language,
        "min_script_share": config.min_script_share,
        "max_repetition": config.quality.max_repetition,
    });
    Ok(Provenance::new(crate::PRODUCER, settings).with_input("answers", file_hash(answers)?))
}

/// Scores a batch. A response that the model rejects is removed and the rest is scored again.
fn relevance_or_skip(
    model: &dyn LogProb,
    asked: Vec<RelevanceRequest<'_>>,
    progress: &dyn Progress,
) -> Result<Vec<Option<Relevance>>, SynthError> {
    let mut found: Vec<Option<Relevance>> = vec![None; asked.len()];
    let mut open: Vec<(usize, RelevanceRequest<'_>)> = asked.into_iter().enumerate().collect();
    while !open.is_empty() {
        let batch: Vec<RelevanceRequest<'_>> = open.iter().map(|(_, request)| *request).collect();
        match relevance(model, &batch, progress) {
            Ok(scored) => {
                for ((place, _), scored) in open.drain(..).zip(scored) {
                    found[place] = Some(scored);
                }
            }
            Err(error) => match error.index().filter(|index| *index < open.len()) {
                Some(index) => {
                    open.remove(index);
                    progress.advance(2);
                }
                None => return Err(error.into()),
            },
        }
    }
    Ok(found)
}

//! Lets a model respond to test prompts greedily.

use std::path::{Path, PathBuf};

use iopo_llm::{LanguageModel, LlmError, Progress, Request, complete_all};
use iopo_schema::{Parts, PredictionRow, Provenance, ResponseEnd, content_id, run_files};
use serde_json::json;

use crate::benchmarks::run::request;
use crate::{EvalConfig, EvalError, TestPrompt};

/// Result of [`answer`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnswerSummary {
    /// The file that was written.
    pub path: PathBuf,
    /// Prompts in the file.
    pub prompts: usize,
    /// Prompts that the model answered in this call; earlier calls answered the others.
    pub answered: usize,
}

/// Answers every prompt greedily and writes `predictions.parquet` into `out_dir`.
///
/// The file is written in parts of `config.part_size` prompts, and no batch crosses a part. A killed run therefore
/// resumes with the same batches and ends with the same bytes.
///
/// # Errors
/// Returns an error if a key occurs twice, the model fails, `progress` cancels, or a file cannot be written or belongs to
/// other settings.
pub fn answer(
    prompts: &[TestPrompt],
    model: &dyn LanguageModel,
    out_dir: &Path,
    config: &EvalConfig,
    progress: &dyn Progress,
) -> Result<AnswerSummary, EvalError> {
    config.validate()?;
    crate::score::refuse_duplicates(
        prompts.iter().map(|prompt| prompt.key.as_str()),
        "the prompts",
    )?;
    std::fs::create_dir_all(out_dir)
        .map_err(|source| EvalError::Folder { path: out_dir.to_owned(), source })?;
    let path = out_dir.join(run_files::PREDICTIONS);
    let provenance = provenance(prompts, &model.name(), &model.fingerprint()?, config)
        .map_err(|source| EvalError::Json { path: path.clone(), source })?;
    let parts = Parts::<PredictionRow>::open(&path, &provenance)?;
    let mut summary = AnswerSummary { path, prompts: prompts.len(), answered: 0 };
    if parts.is_complete() {
        return Ok(summary);
    }
    refuse_special_tokens(prompts, model, config.max_new_tokens)?;
    progress.start(&format!("answers of {}", model.name()), prompts.len() as u64);
    parts.fill(
        prompts,
        config.part_size,
        |prompts| progress.advance(prompts.len() as u64),
        |prompts| {
            if progress.cancelled() {
                return Err(EvalError::Cancelled);
            }
            summary.answered += prompts.len();
            answer_part(prompts, model, config, progress)
        },
    )?;
    progress.finish();
    Ok(summary)
}

/// Refuses prompts that spell a special token, by the key of the first, before anything is generated.
fn refuse_special_tokens(
    prompts: &[TestPrompt],
    model: &dyn LanguageModel,
    max_new_tokens: usize,
) -> Result<(), EvalError> {
    for prompt in prompts {
        fits(prompt, model, max_new_tokens)?;
    }
    Ok(())
}

/// Whether a prompt and its longest response fit the model's context.
pub(crate) fn fits(
    prompt: &TestPrompt,
    model: &dyn LanguageModel,
    max_new_tokens: usize,
) -> Result<bool, EvalError> {
    model.fits(&request(prompt, max_new_tokens)).map_err(|error| match error {
        LlmError::SpecialToken { token, .. } => {
            EvalError::SpecialToken { key: prompt.key.clone(), token }
        }
        error => error.into(),
    })
}

/// Answers the prompts of one part in one call of the model.
fn answer_part(
    prompts: &[TestPrompt],
    model: &dyn LanguageModel,
    config: &EvalConfig,
    progress: &dyn Progress,
) -> Result<Vec<PredictionRow>, EvalError> {
    let requests: Vec<Request> =
        prompts.iter().map(|prompt| request(prompt, config.max_new_tokens)).collect();
    let completions = complete_all(model, &requests, progress)?;
    let rows = prompts.iter().zip(completions).map(|(prompt, completion)| {
        let finish_reason = match completion.finish_reason {
            iopo_llm::FinishReason::Stop => ResponseEnd::Stop,
            iopo_llm::FinishReason::Length => ResponseEnd::Length,
        };
        let count = |tokens: Option<usize>| u32::try_from(tokens.unwrap_or(0)).unwrap_or(u32::MAX);
        PredictionRow {
            prompt_tokens: count(completion.prompt_tokens),
            completion_tokens: count(completion.completion_tokens),
            ..prompt.prediction(completion.text, finish_reason)
        }
    });
    Ok(rows.collect())
}

/// Describes what the file depends on: model, prompts and decoding, but not the machine.
fn provenance(
    prompts: &[TestPrompt],
    model: &str,
    fingerprint: &str,
    config: &EvalConfig,
) -> serde_json::Result<Provenance> {
    let constraints = prompts
        .iter()
        .flat_map(|prompt| &prompt.constraints)
        .map(serde_json::to_string)
        .collect::<serde_json::Result<Vec<String>>>()?;
    let texts = prompts.iter().flat_map(|prompt| [prompt.key.as_str(), &prompt.prompt]);
    let asked: Vec<&str> = texts.chain(constraints.iter().map(String::as_str)).collect();
    Ok(Provenance {
        producer: crate::score::PRODUCER.to_owned(),
        config: json!({
            "decoding": "greedy",
            "max_new_tokens": config.max_new_tokens,
            "model": model,
            "fingerprint": fingerprint,
            "part_size": config.part_size,
        }),
        inputs: [("prompts".to_owned(), content_id(&asked))].into(),
    })
}

//! Lets a model respond to the prompts of a judged benchmark.

use std::path::{Path, PathBuf};

use iopo_llm::{
    Completion, FinishReason, LanguageModel, LlmError, Progress, Request, Sampling, complete_all,
};
use iopo_schema::{Parts, PredictionRow, Provenance, ResponseEnd, run_files};
use serde_json::Value;

use super::items::JudgedPrompt;
use crate::EvalError;
use crate::score::PRODUCER;

/// Prompts per part of the file. A killed run loses at most one part of responses.
const PART: usize = 32;

/// Responds greedily to every prompt and writes `predictions.parquet` into `out`.
pub(super) fn respond(
    (benchmark, prompts): (&str, &[JudgedPrompt]),
    model: &dyn LanguageModel,
    out: &Path,
    (protocol, max_new_tokens): (&Value, usize),
    progress: &dyn Progress,
) -> Result<PathBuf, EvalError> {
    let path = out.join(run_files::PREDICTIONS);
    let mut config = protocol.clone();
    config["fingerprint"] = Value::from(model.fingerprint()?);
    let parts = Parts::<PredictionRow>::open(&path, &Provenance::new(PRODUCER, config))?;
    if parts.is_complete() {
        return Ok(path);
    }
    let request = |prompt: &JudgedPrompt| {
        Request::new(prompt.messages.clone(), Sampling::greedy(max_new_tokens))
    };
    refuse_misfits(prompts, model, (request, max_new_tokens))?;
    progress.start(&format!("answers of {}", model.name()), prompts.len() as u64);
    parts.fill(
        prompts,
        PART,
        |prompts| progress.advance(prompts.len() as u64),
        |prompts| {
            if progress.cancelled() {
                return Err(EvalError::Cancelled);
            }
            let requests: Vec<Request> = prompts.iter().map(request).collect();
            let completions = complete_all(model, &requests, progress)?.into_iter();
            Ok(prompts.iter().zip(completions).map(|one| answered(benchmark, one)).collect())
        },
    )?;
    progress.finish();
    Ok(path)
}

/// Refuses prompts that do not fit the context: skipping them would change the benchmark.
fn refuse_misfits(
    prompts: &[JudgedPrompt],
    model: &dyn LanguageModel,
    (request, max_new_tokens): (impl Fn(&JudgedPrompt) -> Request, usize),
) -> Result<(), EvalError> {
    let mut misfits = Vec::new();
    for prompt in prompts {
        let fits = model.fits(&request(prompt)).map_err(|error| match error {
            LlmError::SpecialToken { token, .. } => {
                EvalError::SpecialToken { key: prompt.key.clone(), token }
            }
            error => error.into(),
        })?;
        if !fits {
            misfits.push(prompt.key.clone());
        }
    }
    let count = misfits.len();
    match misfits.into_iter().next() {
        None => Ok(()),
        Some(first) => {
            let prompts = prompts.len();
            Err(EvalError::TooLong { misfits: count, prompts, first, max_new_tokens })
        }
    }
}

fn answered(benchmark: &str, (prompt, completion): (&JudgedPrompt, Completion)) -> PredictionRow {
    let finish_reason = match completion.finish_reason {
        FinishReason::Stop => ResponseEnd::Stop,
        FinishReason::Length => ResponseEnd::Length,
    };
    let count = |tokens: Option<usize>| u32::try_from(tokens.unwrap_or(0)).unwrap_or(u32::MAX);
    PredictionRow {
        finish_reason,
        prompt_tokens: count(completion.prompt_tokens),
        completion_tokens: count(completion.completion_tokens),
        ..given(benchmark, prompt, completion.text)
    }
}

/// Creates the prediction of a response from a file.
pub(super) fn given(benchmark: &str, prompt: &JudgedPrompt, response: String) -> PredictionRow {
    PredictionRow {
        benchmark: benchmark.to_owned(),
        key: prompt.key.clone(),
        task_id: prompt.group.clone(),
        prompt: prompt.text().to_owned(),
        constraints: prompt.constraints.clone(),
        response,
        finish_reason: ResponseEnd::Given,
        prompt_tokens: 0,
        completion_tokens: 0,
    }
}

//! Lets a model respond to test prompts greedily.

use std::path::{Path, PathBuf};

use iopo_llm::{
    Failure, FinishReason, LanguageModel, LlmError, Outcome, Progress, Request, complete_each,
};
use iopo_schema::{Parts, PredictionRow, Provenance, ResponseEnd, content_id, run_files};
use serde_json::json;

use crate::prompt::Asked;
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
    let settings = Answering {
        max_new_tokens: config.max_new_tokens,
        part_size: config.part_size,
        failures: Failures::Refused,
    };
    let answered = fill(prompts, model, (&path, &provenance), settings, progress)?;
    Ok(AnswerSummary { path, prompts: prompts.len(), answered })
}

/// What becomes of a request that fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Failures {
    /// It ends the call.
    Refused,
    /// Its row has an error instead of a response.
    Kept,
}

/// How prompts are answered.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Answering {
    pub(crate) max_new_tokens: usize,
    /// Prompts per part of the file.
    pub(crate) part_size: usize,
    pub(crate) failures: Failures,
}

/// Answers the prompts that a file lacks, part by part, and returns their number.
pub(crate) fn fill<P: Asked>(
    prompts: &[P],
    model: &dyn LanguageModel,
    (path, provenance): (&Path, &Provenance),
    settings: Answering,
    progress: &dyn Progress,
) -> Result<usize, EvalError> {
    let parts = Parts::<PredictionRow>::open(path, provenance)?;
    if parts.is_complete() {
        return Ok(0);
    }
    refuse_special_tokens(prompts, model, settings.max_new_tokens)?;
    let mut answered = 0;
    progress.start(&format!("answers of {}", model.name()), prompts.len() as u64);
    parts.fill(
        prompts,
        settings.part_size,
        |prompts| progress.advance(prompts.len() as u64),
        |prompts| {
            if progress.cancelled() {
                return Err(EvalError::Cancelled);
            }
            answered += prompts.len();
            answer_part(prompts, model, settings, progress)
        },
    )?;
    progress.finish();
    Ok(answered)
}

/// Refuses prompts that spell a special token, by the key of the first, before anything is generated.
fn refuse_special_tokens<P: Asked>(
    prompts: &[P],
    model: &dyn LanguageModel,
    max_new_tokens: usize,
) -> Result<(), EvalError> {
    for prompt in prompts {
        fits(prompt, model, max_new_tokens)?;
    }
    Ok(())
}

/// Whether a prompt and its longest response fit the model's context.
pub(crate) fn fits<P: Asked>(
    prompt: &P,
    model: &dyn LanguageModel,
    max_new_tokens: usize,
) -> Result<bool, EvalError> {
    model.fits(&prompt.request(max_new_tokens)).map_err(|error| match error {
        LlmError::SpecialToken { token, .. } => {
            EvalError::SpecialToken { key: prompt.key().to_owned(), token }
        }
        error => error.into(),
    })
}

/// Refuses prompts that do not fit the context: skipping them would change the benchmark.
pub(crate) fn refuse_misfits<P: Asked>(
    prompts: &[P],
    model: &dyn LanguageModel,
    max_new_tokens: usize,
) -> Result<(), EvalError> {
    let (mut misfits, mut first) = (0, None);
    for prompt in prompts {
        if !fits(prompt, model, max_new_tokens)? {
            misfits += 1;
            first.get_or_insert_with(|| prompt.key().to_owned());
        }
    }
    match first {
        None => Ok(()),
        Some(first) => {
            let prompts = prompts.len();
            Err(EvalError::TooLong { misfits, prompts, first, max_new_tokens })
        }
    }
}

/// Answers the prompts of one part in one call of the model.
fn answer_part<P: Asked>(
    prompts: &[P],
    model: &dyn LanguageModel,
    settings: Answering,
    progress: &dyn Progress,
) -> Result<Vec<PredictionRow>, EvalError> {
    let requests: Vec<Request> =
        prompts.iter().map(|prompt| prompt.request(settings.max_new_tokens)).collect();
    let outcomes = complete_each(model, &requests, progress)?.into_iter().enumerate();
    let rows = prompts.iter().zip(outcomes).map(|(prompt, (index, outcome))| match outcome {
        Err(failure) if settings.failures == Failures::Refused => {
            Err(LlmError::Request { index, failure }.into())
        }
        outcome => Ok(prediction(prompt, outcome)),
    });
    rows.collect()
}

/// Makes the row of a response, or of a failed request.
fn prediction<P: Asked>(prompt: &P, outcome: Outcome) -> PredictionRow {
    let completion = match outcome {
        Ok(completion) => completion,
        Err(Failure { class, .. }) => {
            let row = prompt.prediction(String::new(), ResponseEnd::Failed);
            return PredictionRow { error: Some(class.name().to_owned()), ..row };
        }
    };
    let end = match completion.finish_reason {
        FinishReason::Stop => ResponseEnd::Stop,
        FinishReason::Length => ResponseEnd::Length,
        FinishReason::Other => ResponseEnd::Given,
    };
    let count = |tokens: Option<usize>| u32::try_from(tokens.unwrap_or(0)).unwrap_or(u32::MAX);
    PredictionRow {
        prompt_tokens: count(completion.prompt_tokens),
        completion_tokens: count(completion.completion_tokens),
        ..prompt.prediction(completion.text, end)
    }
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

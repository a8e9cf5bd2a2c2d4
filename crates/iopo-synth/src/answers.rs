//! The first pass: samples answers from the language model into `answers.parquet`.

use std::path::{Path, PathBuf};

use iopo_constraints::{Kind, render_prompt};
use iopo_core::SettingError;
use iopo_llm::{
    FinishReason, LanguageModel, LlmError, Message, Progress, Request, Sampling, complete_each,
};
use iopo_schema::{
    Parts, Provenance, ResponseRow, ResponseSource, content_id, has_parts, made_with, run_files,
};
use serde::{Deserialize, Serialize};

use crate::recipe::Recipe;
use crate::recipes::on_policy::drawn_instruction;
use crate::style_prompts::style_prompt_of;
use crate::task_file::UsedTasks;
use crate::{SynthConfig, SynthError, Task};
use iopo_core::random::keyed_u64;

/// How an answer was sampled. The `sampling` column stores it as JSON.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SampleInfo {
    /// Index of the sample within its task.
    pub sample: usize,
    /// The recipe that the sample is for.
    pub recipe: Recipe,
    /// The style prompt that was added to the task, if any.
    pub style_prompt: Option<String>,
    /// Softmax temperature.
    pub temperature: f32,
    /// Probability mass of nucleus sampling.
    pub top_p: f32,
    /// Number of likeliest tokens to sample from.
    pub top_k: usize,
    /// Maximum number of tokens.
    pub max_new_tokens: usize,
    /// Seed of the random stream.
    pub seed: u64,
    /// Why the completion ended; `None` if the model rejected the request.
    pub finish_reason: Option<FinishReason>,
    /// Number of prompt tokens; `None` if it is unknown.
    pub prompt_tokens: Option<usize>,
    /// Number of generated tokens; `None` if it is unknown.
    pub completion_tokens: Option<usize>,
    /// Whether the text was trimmed to its last complete sentence.
    #[serde(default)]
    pub trimmed: bool,
}

/// Samples the missing answers, part by part, and returns the path of the file.
///
/// The file has `samples_per_task` rows for each task, in order. A row is a response without verdicts, and without an
/// instruction unless its recipe draws one before sampling. If the model rejects a request, the reason is in `error`.
///
/// # Errors
/// Returns an error if the model fails, the call is cancelled, or a file cannot be read or written.
pub(crate) fn sample_answers(
    input: &UsedTasks,
    out_dir: &Path,
    model: &dyn LanguageModel,
    config: &SynthConfig,
    progress: &dyn Progress,
) -> Result<PathBuf, SynthError> {
    let path = out_dir.join(run_files::ANSWERS);
    let generator = model.name();
    let style_prompts = config.open_style_prompts()?;
    let by = Origin { generator: &generator, fingerprint: &model.fingerprint()? };
    let provenance = provenance(input, by, &style_prompts, config)?;
    let tasks = &input.tasks;
    let parts = Parts::<ResponseRow>::open(&path, &provenance)?;
    if parts.is_complete() {
        return Ok(path);
    }
    let planned: Vec<(&Task, Vec<Recipe>)> = {
        let recipes = config.recipe.split(tasks.len(), config.samples_per_task);
        tasks.iter().zip(recipes).collect()
    };
    let kinds = config.kinds()?;
    let sampler = Sampler { style_prompts, generator, kinds, model, config };
    progress.start("sampling answers", (tasks.len() * config.samples_per_task) as u64);
    parts.fill(
        &planned,
        config.tasks_per_part,
        |tasks| progress.advance((tasks.len() * config.samples_per_task) as u64),
        |tasks| {
            if progress.cancelled() {
                return Err(SynthError::Cancelled);
            }
            sampler.part(tasks, progress)
        },
    )?;
    progress.finish();
    Ok(path)
}

/// Returns the file of a finished sampling of these tasks under these settings, by any model.
///
/// Returns `None` if answers are missing, or belong to other tasks or settings.
///
/// # Errors
/// Returns an error if the file is damaged or a setting is invalid.
pub(crate) fn sampled_answers(
    input: &UsedTasks,
    out_dir: &Path,
    config: &SynthConfig,
) -> Result<Option<PathBuf>, SynthError> {
    let path = out_dir.join(run_files::ANSWERS);
    // Parts beside the file belong to a newer sampling that is not finished.
    if !path.is_file() || has_parts(&path) {
        return Ok(None);
    }
    let sampled = iopo_schema::provenance(&path)?.config;
    let text = |key: &str| sampled.get(key).and_then(serde_json::Value::as_str);
    let (Some(generator), Some(fingerprint)) = (text("generator"), text("fingerprint")) else {
        return Ok(None);
    };
    let by = Origin { generator, fingerprint };
    let expected = provenance(input, by, &config.open_style_prompts()?, config)?;
    Ok(made_with::<ResponseRow>(&path, &expected).then_some(path))
}

/// The model that sampled answers.
#[derive(Debug, Clone, Copy)]
struct Origin<'a> {
    /// Its name.
    generator: &'a str,
    /// Its fingerprint, which covers its tokenizer and chat template.
    fingerprint: &'a str,
}

fn provenance(
    input: &UsedTasks,
    by: Origin<'_>,
    style_prompts: &[String],
    config: &SynthConfig,
) -> Result<Provenance, SynthError> {
    let mut settings = config.answers_json(by.generator, style_prompts)?;
    settings["fingerprint"] = by.fingerprint.into();
    Ok(input.origin(Provenance::new(crate::PRODUCER, settings)))
}

/// Everything that sampling a part needs.
struct Sampler<'a> {
    style_prompts: Vec<String>,
    generator: String,
    kinds: Vec<(Kind, f64)>,
    model: &'a dyn LanguageModel,
    config: &'a SynthConfig,
}

impl Sampler<'_> {
    /// Samples one part in one call of the model.
    fn part(
        &self,
        tasks: &[(&Task, Vec<Recipe>)],
        progress: &dyn Progress,
    ) -> Result<Vec<ResponseRow>, SynthError> {
        let mut asked = Vec::new();
        let mut requests = Vec::new();
        for (task, recipes) in tasks {
            for (sample, recipe) in recipes.iter().enumerate() {
                // Plain samples and style prompts are counted within the recipe.
                let turn = recipes[..sample].iter().filter(|other| *other == recipe).count();
                let (info, instruction_id, request) = self.ask(task, (sample, turn), *recipe);
                asked.push((*task, info, instruction_id));
                requests.push(request);
            }
        }
        let answers = complete_each(self.model, &requests, progress)?;
        // A part is never sampled again, so it has no failure that a later run may not see.
        for (index, answer) in answers.iter().enumerate() {
            if let Err(failure) = answer
                && !failure.class.is_permanent()
            {
                return Err(LlmError::Request { index, failure: failure.clone() }.into());
            }
        }
        let rows = asked.into_iter().zip(answers).map(|((task, mut info, asked), answer)| {
            let (text, error) = match answer {
                Ok(completion) => {
                    info.finish_reason = Some(completion.finish_reason);
                    info.prompt_tokens = completion.prompt_tokens;
                    info.completion_tokens = completion.completion_tokens;
                    (completion.text, None)
                }
                Err(failure) => (String::new(), Some(failure.reason)),
            };
            Ok(ResponseRow {
                id: content_id(&["answer", &task.id, &info.sample.to_string(), &text]),
                instruction_id: asked,
                task_id: task.id.clone(),
                text,
                verdicts: Vec::new(),
                accepted: false,
                source: ResponseSource::Sampled,
                original: None,
                error,
                generator: self.generator.clone(),
                sampling: info_json(&info)?,
            })
        });
        rows.collect()
    }

    /// Creates the request of one sample, with the id of its instruction; empty if there is none yet. `turn` is the sample's
    /// number within its recipe.
    fn ask(
        &self,
        task: &Task,
        (sample, turn): (usize, usize),
        recipe: Recipe,
    ) -> (SampleInfo, String, Request) {
        let config = self.config;
        let (instruction_id, prompt, style_prompt) = match recipe {
            Recipe::OnPolicy => {
                let (instruction, _) = drawn_instruction(task, sample, &self.kinds, config);
                (instruction.id, instruction.prompt, None)
            }
            Recipe::Edit | Recipe::BackTranslate => {
                let (plain, seed) = (config.plain_samples, config.seed);
                let style_prompt =
                    style_prompt_of(&self.style_prompts, plain, seed, &task.id, turn);
                let asked = match style_prompt {
                    Some(style_prompt) => format!("{} {style_prompt}", task.task),
                    None => task.task.clone(),
                };
                let none: [&str; 0] = [];
                let prompt = render_prompt(&asked, &none, task.input.as_deref());
                (String::new(), prompt, style_prompt.map(str::to_owned))
            }
        };
        let stream = keyed_u64(config.seed, &["answer", &task.id, &sample.to_string()]);
        let sampling = Sampling::greedy(config.sampling.max_new_tokens)
            .with_temperature(config.sampling.temperature)
            .with_top_p(config.sampling.top_p)
            .with_top_k(config.sampling.top_k)
            .with_quantization(config.sampling.quantization)
            .with_seed(stream);
        let info = SampleInfo {
            sample,
            recipe,
            style_prompt,
            temperature: sampling.temperature,
            top_p: sampling.top_p,
            top_k: sampling.top_k,
            max_new_tokens: sampling.max_new_tokens,
            seed: stream,
            finish_reason: None,
            prompt_tokens: Some(0),
            completion_tokens: Some(0),
            trimmed: false,
        };
        (info, instruction_id, Request::new(vec![Message::user(prompt)], sampling))
    }
}

/// Formats the `sampling` column.
pub(crate) fn info_json(info: &SampleInfo) -> Result<String, SynthError> {
    let expected = "settings that JSON can hold";
    serde_json::to_string(info)
        .map_err(|error| SettingError::new("synth.sampling", error, expected).into())
}

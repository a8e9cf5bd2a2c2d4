//! The flags that every benchmark has: its prompts, who responds, and where files go.
//!
//! clap does not enforce `requires` if the required flag excludes one that is given, so flags of one source of responses also name the
//! other sources as conflicts.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{ArgMatches, Args};
use iopo_model::Dtype;

/// Prompts, responses and files of a benchmark.
#[derive(Debug, Args)]
pub(crate) struct EvaluatedArgs {
    /// Prompts: a file, or the hub id of a dataset with one such file.
    #[arg(long, value_name = "FILE|ID")]
    pub(crate) data: String,
    /// Model that responds: a Hugging Face directory, a .gguf file, smollm2-135m-instruct, a hub id, or tiny.
    #[arg(long)]
    pub(crate) model: Option<String>,
    /// Responses to score, instead of a model: JSON with `response` and `prompt` or `key`, a file of samples that lm-eval or
    /// evalscope wrote, or predictions.parquet.
    #[arg(long, value_name = "FILE")]
    pub(crate) responses: Option<PathBuf>,
    /// Endpoint that responds, instead of a model: the name of a section `[endpoints.NAME]` in --config.
    #[arg(long, value_name = "NAME")]
    pub(crate) endpoint: Option<String>,
    /// Adapter for the model: the directory of a method under train/ of a run.
    #[arg(long, value_name = "DIR", requires = "model", conflicts_with_all = ["responses", "endpoint"])]
    pub(crate) adapter: Option<PathBuf>,
    /// Directory for all files; an interrupted command resumes from it [default: runs/<benchmark>].
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Evaluate only the first N prompts.
    #[arg(long, value_name = "N")]
    pub(crate) limit: Option<NonZeroUsize>,
    /// Skip prompts that have no response, instead of failing.
    #[arg(long)]
    pub(crate) partial: bool,
    /// Remove reasoning in `<think>` tags from the beginning of each response in the file.
    #[arg(long, requires = "responses", conflicts_with_all = ["model", "endpoint"])]
    pub(crate) strip_reasoning: bool,
    /// Maximum number of tokens of a response.
    #[arg(long, value_name = "N", default_value = "1280", conflicts_with = "responses")]
    pub(crate) max_new_tokens: NonZeroUsize,
    /// Treat special tokens in the text of a prompt as ordinary text instead of failing.
    #[arg(long, requires = "model", conflicts_with_all = ["responses", "endpoint"])]
    pub(crate) escape_special_tokens: bool,
    #[command(flatten)]
    pub(crate) on: ComputeArgs,
    /// Run that trained the model: its data are compared with the prompts, and the kinds of the constraints in its rows separate seen
    /// from unseen types [default: the run of --adapter, or the kinds that the default preset draws].
    #[arg(long, value_name = "DIR")]
    pub(crate) run: Option<PathBuf>,
}

/// How models on this machine compute.
#[derive(Debug, Args)]
pub(crate) struct ComputeArgs {
    /// Prompts that a model on this machine answers together.
    #[arg(long, value_name = "N", default_value = "16")]
    pub(crate) batch: NonZeroUsize,
    /// Device to compute on: auto, cpu, or one that `iopo devices` lists, with a number for one of several GPUs (cuda:1).
    #[arg(long, default_value = "auto")]
    pub(crate) device: String,
    /// Type of the weights of models on this machine: f32 or bf16.
    #[arg(long, value_name = "TYPE", default_value = "f32")]
    pub(crate) dtype: Dtype,
}

/// Refuses flags that have no effect, because none of the flags that they belong to is given.
///
/// clap cannot express this: it does not enforce `requires` if the required flag excludes one that is given.
pub(super) fn refuse_without(
    flags: &ArgMatches,
    rules: &[(&[&str], &[&str])],
) -> Result<(), clap::Error> {
    let is_given = |id: &str| {
        // A flag that the command does not have is not given.
        let source = flags.try_contains_id(id).ok().and_then(|_| flags.value_source(id));
        source == Some(ValueSource::CommandLine)
    };
    let long = |id: &&str| format!("--{}", id.replace('_', "-"));
    for (dependent, owners) in rules {
        let Some(flag) = dependent.iter().find(|id| is_given(id)) else { continue };
        if !owners.iter().any(|id| is_given(id)) {
            let owners = owners.iter().map(long).collect::<Vec<_>>().join(" or ");
            let what = format!("'{}' has no effect without {owners}", long(flag));
            return Err(clap::Error::raw(ErrorKind::ArgumentConflict, what));
        }
    }
    Ok(())
}

/// Reads a share.
pub(super) fn share(text: &str) -> Result<f64, String> {
    let number: f64 = text.parse().map_err(|_| "expected a number from 0 to 1".to_owned())?;
    (0.0..=1.0)
        .contains(&number)
        .then_some(number)
        .ok_or("expected a number from 0 to 1".to_owned())
}

//! The flags of every command, without behavior; [`crate::commands`] has the behavior.

mod benchmark;
mod evaluated;
mod fipo;
mod judged;
mod llm;
#[cfg(feature = "serve")]
mod verifier;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use iopo_model::Dtype;
use iopo_pairs::exchange::{Container, Format};
use iopo_schema::Split;

use crate::size;

pub(crate) use benchmark::{BenchmarkArgs, BenchmarkCommand, EvalCommand, Harness};
pub(crate) use evaluated::{ComputeArgs, EvaluatedArgs};
pub(crate) use fipo::FipoArgs;
pub(crate) use judged::{JudgeCheckArgs, JudgedArgs, JudgedCommand};
pub(crate) use llm::{CheckArgs, LlmArgs, LlmCommand, PaidArgs, TemplateRecipe, TemplatesArgs};
#[cfg(feature = "serve")]
pub(crate) use verifier::VerifierArgs;

/// Improves how well a language model follows instructions with several constraints at once.
///
/// Implements the full IOPO pipeline: synthesizes constrained instructions with verified responses, builds preference
/// groups, trains adapters, and evaluates them with confidence intervals. Each stage is a command; `pipeline` runs all of
/// them. Run a command again to resume it.
#[derive(Debug, Parser)]
#[command(name = "iopo", version, after_help = ENVIRONMENT)]
pub(crate) struct Cli {
    /// The command to run.
    #[command(subcommand)]
    pub(crate) command: Command,
}

const ENVIRONMENT: &str = "\
Environment:
  IOPO_CACHE  directory for downloaded models [default: $XDG_CACHE_HOME/iopo or ~/.cache/iopo]
  IOPO_LOG    level of the log on stderr, for instance info or warn,iopo_train=debug [default: warn]
  NO_COLOR    if not empty, nothing is printed in color or bold

Exit codes: 0 success, 1 failure, 2 invalid usage or configuration, 130 interrupted (run again to resume).";

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Synthesize constrained instructions with verified responses from tasks.
    Synth(RunArgs),
    /// Collect preferences between two instructions for a given response, by language models.
    ///
    /// For each accepted response, the model of `llm.writer` rewrites its task into an instruction that the response answers well
    /// and, itself or the model of `fipo.worse`, into one that it answers worse. The model of `llm.judge` must name the better
    /// one in both orders. A preference becomes a candidate group if the response clearly violates a requirement of the worse
    /// instruction and a second response meets both; `iopo pairs` adds these candidates to the groups of the run. Every other
    /// preference is a row of the input preferences in RUN/fipo.
    ///
    /// Run the command again to resume it; stored answers are not asked for again.
    Fipo(FipoArgs),
    /// Build preference groups from instructions and responses.
    Pairs(RunArgs),
    /// Train one adapter (or full model) per method on the preference groups.
    Train(RunArgs),
    /// Sample, pair and train again from each trained policy, for every round after the first.
    Rounds(RunArgs),
    /// Evaluate the base model and every trained model on held-out instructions, or on a benchmark.
    Eval(EvalArgs),
    /// Write an HTML report of a run and print its table.
    Report(RunArgs),
    /// Run all stages, skipping finished ones and computing stale ones again.
    Pipeline(RunArgs),
    /// Show which stages of a run are done, which of them are valid, and why the others are not.
    Status(StatusArgs),
    /// Merge an adapter into its base model and write a Hugging Face directory.
    Merge(MergeArgs),
    /// Export preference groups as rows for TRL or LLaMA-Factory.
    Export(ExportArgs),
    /// Import rows of TRL or LLaMA-Factory as preference groups and pairs.
    ///
    /// A row has a prompt with a chosen and a rejected response, which SFT, DPO, SimPO, ORPO and TPO train on as a pair. A group
    /// has two instructions and a response to each, which IOPO compares. Two TRL rows of one file give a group if they have
    /// two prompts and the same responses, with chosen and rejected swapped. A LLaMA-Factory row with two instructions is a
    /// group.
    ///
    /// A prompt is in one split only. If it occurs in several files, the first of train, dev and test keeps it. Rows with
    /// tools, tool calls, images, videos, sounds or without text are skipped and counted. Imported labels are not checked; they
    /// are marked as unverified.
    ///
    /// To train, write RUN/preferences.parquet, then run `iopo train --out RUN`. With rows of the test split, `iopo eval --out
    /// RUN` reports the reward accuracy of every model.
    Import(ImportArgs),
    /// Show the schema, version, provenance and first rows of a Parquet file that iopo wrote.
    Inspect(InspectArgs),
    /// List the devices of this binary with their types and memory.
    Devices(DevicesArgs),
    /// List every setting with its type, default, range and effect.
    Config(ConfigArgs),
    /// Check the endpoints of a configuration, or write the prompts to change.
    Llm(LlmArgs),
    /// Serve the checks of IFEval, IFBench and iopo's constraints over HTTP, as rewards for RL trainers.
    ///
    /// POST /v1/verify takes a batch of responses with instructions or constraints and returns verdicts and rewards;
    /// /openapi.json describes it. The address of the server is printed to stdout. There is no authentication, so only this
    /// machine is served unless --allow-remote is set. Ctrl-C or SIGTERM lets open requests finish.
    #[cfg(feature = "serve")]
    ServeVerifier(VerifierArgs),
}

/// Flags of `iopo devices`.
#[derive(Debug, Args)]
pub(crate) struct DevicesArgs {
    /// List only this device.
    #[arg(value_name = "DEVICE")]
    pub(crate) only: Option<String>,
    /// Probe the device in this process instead of a child process.
    #[arg(long, hide = true, requires = "only")]
    pub(crate) here: bool,
}

/// Values of `--gradient-checkpointing`.
const GRADIENT_CHECKPOINTING: [&str; 3] = ["auto", "always", "never"];

/// Flags of `iopo config`.
#[derive(Debug, Args)]
pub(crate) struct ConfigArgs {
    /// A section or setting, for instance train.lora [default: all settings].
    #[arg(value_name = "KEY")]
    pub(crate) key: Option<String>,
    /// Print the reference of all settings as Markdown, as in docs/configuration.md.
    #[arg(long, conflicts_with = "key")]
    pub(crate) markdown: bool,
}

/// Values of `--dtype`.
const DTYPES: [&str; 2] = [Dtype::F32.name(), Dtype::Bf16.name()];

/// Flags of every stage.
#[derive(Debug, Default, Args)]
pub(crate) struct RunArgs {
    /// Preset: default, study, study-small, smoke, trace-endpoint or trace-local [default: the config.toml of --out, else
    /// default].
    #[arg(long, value_name = "NAME", conflicts_with = "config")]
    pub(crate) preset: Option<String>,
    /// Configuration file, for instance a changed copy of a preset.
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Run directory [default: runs/<preset>].
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Base model: a Hugging Face directory, a .gguf file, smollm2-135m-instruct, a hub id, or tiny.
    #[arg(long)]
    pub(crate) model: Option<String>,
    /// Device to compute on: auto, cpu, or one that `iopo devices` lists, with a number for one of several GPUs (cuda:1) [default: auto].
    #[arg(long)]
    pub(crate) device: Option<String>,
    /// Type of the base model's weights; trained weights are always f32 [default: f32].
    #[arg(long, value_name = "TYPE", value_parser = DTYPES)]
    pub(crate) dtype: Option<String>,
    /// Random seed of every stage. If `train.seeds` is set, its values are replaced by SEED, SEED+1, …
    #[arg(long)]
    pub(crate) seed: Option<u64>,
    /// Recompute activations during training, which saves memory and takes longer. The flag alone means `always`
    /// [default: auto].
    #[arg(long, value_name = "WHEN", num_args = 0..=1, default_missing_value = "always", value_parser = GRADIENT_CHECKPOINTING)]
    pub(crate) gradient_checkpointing: Option<String>,
    /// Set any other setting to a TOML value; can be repeated. `iopo config` lists the settings.
    #[arg(long = "set", value_name = "SECTION.KEY=VALUE")]
    pub(crate) sets: Vec<String>,
    #[command(flatten)]
    pub(crate) paid: PaidArgs,
}

/// Flags of `status`.
#[derive(Debug, Args)]
pub(crate) struct StatusArgs {
    /// Run directory.
    #[arg(value_name = "DIR")]
    pub(crate) dir: PathBuf,
    /// Preset to compare the run with [default: the config.toml of DIR].
    #[arg(long, value_name = "NAME", conflicts_with = "config")]
    pub(crate) preset: Option<String>,
    /// Configuration file to compare the run with.
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Compare the run with another value of a setting; can be repeated.
    #[arg(long = "set", value_name = "SECTION.KEY=VALUE")]
    pub(crate) sets: Vec<String>,
}

/// Flags of `eval`: those of a stage, or a benchmark with its own.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, disable_help_subcommand = true)]
pub(crate) struct EvalArgs {
    #[command(flatten)]
    pub(crate) run: RunArgs,
    /// Benchmark to evaluate on, instead of the test instructions of a run.
    #[command(subcommand)]
    pub(crate) benchmark: Option<EvalCommand>,
}

/// Flags of `merge`.
#[derive(Debug, Args)]
pub(crate) struct MergeArgs {
    /// Base model: a Hugging Face directory, a .gguf file, smollm2-135m-instruct, or a hub id.
    #[arg(long)]
    pub(crate) model: String,
    /// Adapter: the directory of a method under train/ of a run.
    #[arg(long, value_name = "DIR")]
    pub(crate) adapter: PathBuf,
    /// Directory for the merged model; must be empty or not exist.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// Maximum number of bytes of one weights file.
    #[arg(long, value_name = "SIZE", default_value = "5GB", value_parser = size::parse)]
    pub(crate) max_shard_size: u64,
}

/// A row format of another trainer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Foreign {
    /// Preference pairs: prompt, chosen, rejected.
    Trl,
    /// Whole groups: conversations with two instructions, chosen, rejected.
    LlamaFactory,
    /// Input preferences of FIPO: a response with a better and a worse prompt.
    Fipo,
}

impl Foreign {
    /// Returns the format of preference groups and pairs; `None` for input preferences.
    pub(crate) fn of_groups(self) -> Option<Format> {
        match self {
            Self::Trl => Some(Format::Trl),
            Self::LlamaFactory => Some(Format::LlamaFactory),
            Self::Fipo => None,
        }
    }
}

/// A file format for rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum FileFormat {
    /// One JSON object per line.
    Jsonl,
    /// Parquet.
    Parquet,
}

impl From<FileFormat> for Container {
    fn from(format: FileFormat) -> Self {
        match format {
            FileFormat::Jsonl => Self::Jsonl,
            FileFormat::Parquet => Self::Parquet,
        }
    }
}

/// A choice of groups by split.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Splits {
    /// The training split.
    Train,
    /// The dev split, for early stopping and tuning.
    Dev,
    /// The test split.
    Test,
    /// All groups, the test split included.
    All,
}

impl From<Splits> for Option<Split> {
    fn from(splits: Splits) -> Self {
        match splits {
            Splits::Train => Some(Split::Train),
            Splits::Dev => Some(Split::Dev),
            Splits::Test => Some(Split::Test),
            Splits::All => None,
        }
    }
}

/// Flags of `export`.
#[derive(Debug, Args)]
pub(crate) struct ExportArgs {
    /// Groups to export: the preferences.parquet of a run, or its file of input preferences for FIPO.
    pub(crate) preferences: PathBuf,
    /// Row format to write.
    #[arg(long, value_name = "FORMAT")]
    pub(crate) to: Foreign,
    /// Write lists of turns instead of texts, so that TRL applies a chat template.
    #[arg(long)]
    pub(crate) conversational: bool,
    /// File format [default: by the extension of --out].
    #[arg(long, value_name = "FORMAT")]
    pub(crate) format: Option<FileFormat>,
    /// Split to export. The exported rows do not record it.
    #[arg(long, value_enum, default_value_t = Splits::Train)]
    pub(crate) split: Splits,
    /// File to write; must not exist.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
}

/// Flags of `import`.
#[derive(Debug, Args)]
pub(crate) struct ImportArgs {
    /// Rows to train on: a .jsonl, .json or .parquet file.
    pub(crate) file: PathBuf,
    /// Row format of the files.
    #[arg(long, value_name = "FORMAT")]
    pub(crate) from: Foreign,
    /// Rows of the dev split, which early stopping, grid search and `load_best_model_at_end` require.
    #[arg(long, value_name = "FILE")]
    pub(crate) dev: Option<PathBuf>,
    /// Rows of the test split, on which `iopo eval` measures reward accuracy.
    #[arg(long, value_name = "FILE")]
    pub(crate) test: Option<PathBuf>,
    /// Share of the prompts of the train rows that is held out for the dev split, from 0 to below 1.
    #[arg(long, value_name = "SHARE", default_value_t = 0.0)]
    pub(crate) dev_size: f64,
    /// Share of the prompts of the train rows that is held out for the test split, from 0 to below 1.
    #[arg(long, value_name = "SHARE", default_value_t = 0.0)]
    pub(crate) test_size: f64,
    /// Random seed of the held-out prompts.
    #[arg(long, default_value_t = 0)]
    pub(crate) seed: u64,
    /// File to write, preferences.parquet in a run directory; must not exist.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
}

/// Flags of `inspect`.
#[derive(Debug, Args)]
pub(crate) struct InspectArgs {
    /// Parquet file of a run.
    pub(crate) file: PathBuf,
    /// Rows to show.
    #[arg(long, default_value_t = 3, value_name = "N")]
    pub(crate) rows: usize,
}

//! What the command line looks like; what the commands do is in [`crate::commands`].

use std::path::PathBuf;

use clap::{ArgGroup, Args, Parser, Subcommand, ValueEnum};
use iopo_constraints::ifeval::Mode;
use iopo_model::Dtype;
use iopo_pairs::exchange::{Container, Format};
use iopo_schema::Split;

use crate::size;

/// Makes a language model better at following instructions with many constraints.
///
/// The whole way of the IOPO paper: tasks, constrained instructions with verified responses,
/// preference groups, a fine-tuned adapter, scores with confidence intervals. Every stage is a
/// command of its own; `pipeline` runs them all. Running a command again goes on where it stopped.
#[derive(Debug, Parser)]
#[command(name = "iopo", version, disable_help_subcommand = true, after_help = ENVIRONMENT)]
pub(crate) struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

const ENVIRONMENT: &str = "\
Environment:
  IOPO_CACHE  where fetched models are kept [default: $XDG_CACHE_HOME/iopo or ~/.cache/iopo]
  IOPO_LOG    what is logged to stderr, for instance info or iopo_train=debug [default: warn]

Exit codes: 0 done, 1 failure, 2 wrong usage or configuration, 130 interrupted (run it again to go on).";

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Tasks to constrained instructions with verified responses.
    Synth(RunArgs),
    /// Instructions and responses to preference groups.
    Pairs(RunArgs),
    /// Preference groups to one adapter a method.
    Train(RunArgs),
    /// Answers of the base and each trained model, checked by code.
    Eval(EvalArgs),
    /// One HTML page from the files of a run, and its table in the terminal.
    Report(RunArgs),
    /// All stages, one after the other.
    Pipeline(RunArgs),
    /// An adapter and its base to one model, as a Hugging Face directory.
    Merge(MergeArgs),
    /// Preference groups to rows that TRL or LLaMA-Factory reads.
    Export(ExportArgs),
    /// Rows of TRL or LLaMA-Factory to preference groups.
    ///
    /// A group is two instructions with a response for each. A row of LLaMA-Factory is one. A row of TRL is half of one:
    /// the other half is its mirror in the same file, a row with another prompt and with chosen and rejected swapped.
    /// Rows without a mirror, as in most preference data, are left out and counted.
    ///
    /// A task that is in two files stays with the first of train, dev and test. Labels are taken as they stand; nothing
    /// is checked. To train: write RUN/preferences.parquet, then run `iopo train --out RUN`.
    Import(ImportArgs),
    /// Schema, version, provenance and first rows of any of our files.
    Inspect(InspectArgs),
    /// The devices that this binary was built with.
    Devices(DevicesArgs),
}

/// Flags of `iopo devices`.
#[derive(Debug, Args)]
pub(crate) struct DevicesArgs {
    /// Only this one.
    #[arg(value_name = "DEVICE")]
    pub(crate) only: Option<String>,
    /// In this process and not in one of its own, which is how that one is started.
    #[arg(long, hide = true, requires = "only")]
    pub(crate) here: bool,
}

/// Values of `--gradient-checkpointing`.
const GRADIENT_CHECKPOINTING: [&str; 3] = ["auto", "always", "never"];

/// Values of `--dtype`.
const DTYPES: [&str; 2] = [Dtype::F32.name(), Dtype::Bf16.name()];

/// Flags that every stage takes.
#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    /// A preset: default, study or smoke [default: the run's own config.toml, else default].
    #[arg(long, value_name = "NAME", conflicts_with = "config")]
    pub(crate) preset: Option<String>,
    /// A configuration file, for instance a copy of a preset.
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// The run directory [default: runs/<preset>].
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// A Hugging Face directory, a .gguf file, smollm2-135m-instruct, a hub id, or tiny.
    #[arg(long)]
    pub(crate) model: Option<String>,
    /// What to compute on; `iopo devices` lists what there is.
    #[arg(long)]
    pub(crate) device: Option<String>,
    /// What the base's weights are held in; what is trained is f32 in any case [default: f32].
    #[arg(long, value_name = "TYPE", value_parser = DTYPES)]
    pub(crate) dtype: Option<String>,
    /// The seed of everything random; where training has several, they count on from it.
    #[arg(long)]
    pub(crate) seed: Option<u64>,
    /// Recompute activations during training to save memory, slower; without a value: always [default: auto].
    #[arg(long, value_name = "WHEN", num_args = 0..=1, default_missing_value = "always", value_parser = GRADIENT_CHECKPOINTING)]
    pub(crate) gradient_checkpointing: Option<String>,
    /// Any other value of the configuration, as TOML; may be repeated.
    #[arg(long = "set", value_name = "SECTION.KEY=VALUE")]
    pub(crate) sets: Vec<String>,
}

/// Flags of `eval`: those of a stage, or a benchmark.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, disable_help_subcommand = true)]
pub(crate) struct EvalArgs {
    #[command(flatten)]
    pub(crate) run: RunArgs,
    /// A benchmark instead of a run's own test prompts.
    #[command(subcommand)]
    pub(crate) benchmark: Option<Benchmark>,
}

/// The benchmarks.
#[derive(Debug, Subcommand)]
pub(crate) enum Benchmark {
    /// IFEval: a model's answers, or those of a file, by 25 types of instructions that code can check.
    Ifeval(Box<IfevalArgs>),
}

/// By which rules IFEval is decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum IfevalMode {
    /// As published, oddities included: for numbers beside those of other papers.
    Paper,
    /// What the instructions say to a reader; the two do not compare.
    Repaired,
}

impl From<IfevalMode> for Mode {
    fn from(mode: IfevalMode) -> Self {
        match mode {
            IfevalMode::Paper => Self::Paper,
            IfevalMode::Repaired => Self::Repaired,
        }
    }
}

/// Flags of `eval ifeval`.
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("answers").required(true).args(["model", "responses"])))]
pub(crate) struct IfevalArgs {
    /// The prompts: IFEval's file, IFBench's, or the hub id of a data set that holds one.
    #[arg(long, value_name = "FILE|ID")]
    pub(crate) data: String,
    /// Who answers: a Hugging Face directory, a .gguf file, smollm2-135m-instruct, a hub id, or tiny.
    #[arg(long)]
    pub(crate) model: Option<String>,
    /// Answers instead of a model: objects with `response` and `prompt` or `key`, one a line.
    #[arg(long, value_name = "FILE")]
    pub(crate) responses: Option<PathBuf>,
    /// What training gave the model: a method's directory under train/ of a run.
    #[arg(long, value_name = "DIR", requires = "model")]
    pub(crate) adapter: Option<PathBuf>,
    /// By which rules.
    #[arg(long, value_enum, default_value_t = IfevalMode::Paper)]
    pub(crate) mode: IfevalMode,
    /// Where predictions, scores and summary go; an interrupted command goes on from there.
    #[arg(long, value_name = "DIR", default_value = "runs/ifeval")]
    pub(crate) out: PathBuf,
    /// Only the first prompts.
    #[arg(long, value_name = "N")]
    pub(crate) limit: Option<usize>,
    /// Leave prompts out that have no response, instead of refusing them.
    #[arg(long, requires = "responses")]
    pub(crate) partial: bool,
    /// At most so many tokens an answer.
    #[arg(long, value_name = "N", default_value_t = 1280)]
    pub(crate) max_new_tokens: usize,
    /// So many answers are generated together.
    #[arg(long, value_name = "N", default_value_t = 16)]
    pub(crate) batch: usize,
    /// What to compute on; `iopo devices` lists what there is.
    #[arg(long, default_value = "auto")]
    pub(crate) device: String,
    /// What the model's weights are held in: f32 or bf16.
    #[arg(long, value_name = "TYPE", default_value = "f32")]
    pub(crate) dtype: Dtype,
    /// The run whose held-out kinds tell seen types from unseen ones [default: those of the default preset].
    #[arg(long, value_name = "DIR")]
    pub(crate) run: Option<PathBuf>,
}

/// Flags of `merge`.
#[derive(Debug, Args)]
pub(crate) struct MergeArgs {
    /// The base: a Hugging Face directory, a .gguf file, smollm2-135m-instruct, or a hub id.
    #[arg(long)]
    pub(crate) model: String,
    /// The adapter: a method's directory under train/ of a run.
    #[arg(long, value_name = "DIR")]
    pub(crate) adapter: PathBuf,
    /// Where the model goes; a directory that is not there, or an empty one.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// Where one file of weights ends and the next begins.
    #[arg(long, value_name = "SIZE", default_value = "5GB", value_parser = size::parse)]
    pub(crate) max_shard_size: u64,
}

/// Whose rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Foreign {
    /// Pairs: prompt, chosen, rejected.
    Trl,
    /// Groups: conversations (two instructions), chosen, rejected.
    LlamaFactory,
}

impl From<Foreign> for Format {
    fn from(foreign: Foreign) -> Self {
        match foreign {
            Foreign::Trl => Self::Trl,
            Foreign::LlamaFactory => Self::LlamaFactory,
        }
    }
}

/// What rows stand in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum FileFormat {
    /// A JSON object a line.
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

/// Which groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Splits {
    /// Those to train on.
    Train,
    /// Those to choose by.
    Dev,
    /// Those that are held out.
    Test,
    /// Every group, held-out ones among them.
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
    /// The groups: preferences.parquet of a run.
    pub(crate) preferences: PathBuf,
    /// Whose rows to write.
    #[arg(long, value_name = "FORMAT")]
    pub(crate) to: Foreign,
    /// Lists of turns instead of texts, so that a trainer renders its chat template (TRL).
    #[arg(long)]
    pub(crate) conversational: bool,
    /// What the rows stand in [default: what the ending of --out says].
    #[arg(long, value_name = "FORMAT")]
    pub(crate) format: Option<FileFormat>,
    /// Which groups; a row does not say which split it is of.
    #[arg(long, value_enum, default_value_t = Splits::Train)]
    pub(crate) split: Splits,
    /// The file to write; one that is not there.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
}

/// Flags of `import`.
#[derive(Debug, Args)]
pub(crate) struct ImportArgs {
    /// The rows to train on: a .jsonl, .json or .parquet file.
    pub(crate) file: PathBuf,
    /// Whose rows they are.
    #[arg(long, value_name = "FORMAT")]
    pub(crate) from: Foreign,
    /// Rows to choose by: early stopping, `keep = "best"` and grids need them.
    #[arg(long, value_name = "FILE")]
    pub(crate) dev: Option<PathBuf>,
    /// Rows to hold out.
    #[arg(long, value_name = "FILE")]
    pub(crate) test: Option<PathBuf>,
    /// The file to write, preferences.parquet in a run directory; one that is not there.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
}

/// Flags of `inspect`.
#[derive(Debug, Args)]
pub(crate) struct InspectArgs {
    /// A Parquet file of a run.
    pub(crate) file: PathBuf,
    /// How many rows to show.
    #[arg(long, default_value_t = 3, value_name = "N")]
    pub(crate) rows: usize,
}

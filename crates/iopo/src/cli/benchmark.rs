//! The flags of `iopo eval BENCHMARK`; every published benchmark of `iopo-eval` is a subcommand.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::builder::{PossibleValue, PossibleValuesParser};
use clap::error::ErrorKind;
use clap::{Arg, ArgGroup, ArgMatches, Args, Command, FromArgMatches, Subcommand};
use iopo_eval::{PUBLISHED, Published, PublishedMode};
use iopo_model::Dtype;

/// Flags of every benchmark.
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("answers").required(true).args(["model", "responses"])))]
pub(crate) struct BenchmarkArgs {
    /// Prompts: a file, or the hub id of a dataset with one such file.
    #[arg(long, value_name = "FILE|ID")]
    pub(crate) data: String,
    /// Model that responds: a Hugging Face directory, a .gguf file, smollm2-135m-instruct, a hub id, or tiny.
    #[arg(long)]
    pub(crate) model: Option<String>,
    /// Responses to score, instead of a model: JSON lines with `response` and `prompt` or `key`.
    #[arg(long, value_name = "FILE")]
    pub(crate) responses: Option<PathBuf>,
    /// Adapter for the model: the directory of a method under train/ of a run.
    #[arg(long, value_name = "DIR", requires = "model")]
    pub(crate) adapter: Option<PathBuf>,
    /// Directory for predictions, scores and summary; an interrupted command resumes from it [default:
    /// runs/<benchmark>].
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Evaluate only the first N prompts.
    #[arg(long, value_name = "N")]
    pub(crate) limit: Option<NonZeroUsize>,
    /// Skip prompts that have no response, instead of failing.
    #[arg(long, requires = "responses")]
    pub(crate) partial: bool,
    /// Maximum number of tokens of a response.
    #[arg(long, value_name = "N", default_value = "1280")]
    pub(crate) max_new_tokens: NonZeroUsize,
    /// Responses generated together.
    #[arg(long, value_name = "N", default_value = "16")]
    pub(crate) batch: NonZeroUsize,
    /// Treat special tokens in the text of a prompt as ordinary text instead of failing.
    #[arg(long, requires = "model")]
    pub(crate) escape_special_tokens: bool,
    /// Device to compute on: auto, cpu, or one that `iopo devices` lists.
    #[arg(long, default_value = "auto")]
    pub(crate) device: String,
    /// Type of the model's weights: f32 or bf16.
    #[arg(long, value_name = "TYPE", default_value = "f32")]
    pub(crate) dtype: Dtype,
    /// Run whose held-out kinds separate seen from unseen types [default: those of the default preset].
    #[arg(long, value_name = "DIR")]
    pub(crate) run: Option<PathBuf>,
}

/// A benchmark that the command line names, with its flags.
#[derive(Debug)]
pub(crate) struct BenchmarkCommand {
    pub(crate) benchmark: &'static Published,
    pub(crate) mode: &'static PublishedMode,
    pub(crate) args: BenchmarkArgs,
}

/// Id and long name of the flag that selects a mode.
const MODE: &str = "mode";

impl Subcommand for BenchmarkCommand {
    fn augment_subcommands(command: Command) -> Command {
        command.subcommands(PUBLISHED.iter().map(subcommand))
    }

    fn augment_subcommands_for_update(command: Command) -> Command {
        Self::augment_subcommands(command)
    }

    fn has_subcommand(name: &str) -> bool {
        PUBLISHED.iter().any(|benchmark| benchmark.id == name)
    }
}

impl FromArgMatches for BenchmarkCommand {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let named = matches.subcommand().and_then(|(name, flags)| {
            Some((PUBLISHED.iter().find(|benchmark| benchmark.id == name)?, flags))
        });
        let Some((benchmark, flags)) = named else {
            return Err(clap::Error::raw(ErrorKind::InvalidSubcommand, "expected a benchmark"));
        };
        // The flag exists where there is a choice, and clap accepts only its values.
        let wanted = flags.try_get_one::<String>(MODE).ok().flatten();
        let named = benchmark.modes.iter().find(|mode| wanted.is_some_and(|id| id == mode.id));
        let mode = named.unwrap_or(&benchmark.modes[0]);
        Ok(Self { benchmark, mode, args: BenchmarkArgs::from_arg_matches(flags)? })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

/// Makes the subcommand of a benchmark: the common flags, with its help and modes.
fn subcommand(benchmark: &'static Published) -> Command {
    let command = BenchmarkArgs::augment_args(Command::new(benchmark.id))
        .about(benchmark.about)
        .mut_arg("data", |data| data.help(benchmark.data));
    let [default, _, ..] = benchmark.modes else { return command };
    let value = |mode: &PublishedMode| PossibleValue::new(mode.id).help(mode.about);
    command.arg(
        Arg::new(MODE)
            .long(MODE)
            .value_name("MODE")
            .help("Rules that decide the verdicts")
            .default_value(default.id)
            .value_parser(PossibleValuesParser::new(benchmark.modes.iter().map(value))),
    )
}

//! The flags of `iopo eval BENCHMARK`; every published benchmark of `iopo-eval` that has a mode is a subcommand.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::builder::{PossibleValue, PossibleValuesParser};
use clap::error::ErrorKind;
use clap::{Arg, ArgGroup, ArgMatches, Args, Command, FromArgMatches, Subcommand, ValueEnum};
use iopo_eval::{PUBLISHED, Published, PublishedMode, published};
use iopo_model::Dtype;

use super::PaidArgs;
use super::judged::{JudgeCheckArgs, JudgedCommand};

/// Flags of every benchmark.
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("answers").required(true).args(["model", "responses", "endpoint"])))]
pub(crate) struct BenchmarkArgs {
    /// Prompts: a file, or the hub id of a dataset with one such file.
    #[arg(long, value_name = "FILE|ID")]
    pub(crate) data: String,
    /// Model that responds: a Hugging Face directory, a .gguf file, smollm2-135m-instruct, a hub id, or tiny.
    #[arg(long)]
    pub(crate) model: Option<String>,
    /// Responses to score, instead of a model: JSON lines with `response` and `prompt` or `key`, or a file of samples that
    /// lm-eval or evalscope wrote.
    #[arg(long, value_name = "FILE")]
    pub(crate) responses: Option<PathBuf>,
    /// Endpoint that responds, by its name in the configuration.
    #[arg(long, value_name = "NAME")]
    pub(crate) endpoint: Option<String>,
    /// Configuration file with the section `[endpoints.NAME]` [default: that of --run].
    #[arg(long, value_name = "FILE", requires = "endpoint")]
    #[cfg_attr(not(feature = "endpoint"), expect(dead_code, reason = "there are no endpoints"))]
    pub(crate) config: Option<PathBuf>,
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
    /// Also write the results as another harness does, to the directory `lm-eval` in the output directory.
    #[arg(long, value_name = "FORMAT")]
    pub(crate) export: Option<Harness>,
    #[command(flatten)]
    #[cfg_attr(not(feature = "endpoint"), expect(dead_code, reason = "nothing is sent"))]
    pub(crate) paid: PaidArgs,
}

/// A harness whose files other tools read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Harness {
    /// The samples and results of lm-eval 0.4.
    LmEval,
}

/// A subcommand of `iopo eval`.
#[derive(Debug)]
pub(crate) enum EvalCommand {
    /// Lists the benchmarks.
    List,
    /// Scores responses with a benchmark.
    Benchmark(Box<BenchmarkCommand>),
    /// Lets a judge decide about responses.
    Judged(Box<JudgedCommand>),
    /// Checks a judge.
    Judge(Box<JudgeCheckArgs>),
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

/// Name of the subcommand that lists the benchmarks.
const LIST: &str = "list";

/// Name of the subcommand that checks a judge.
const JUDGE: &str = "judge";

impl Subcommand for EvalCommand {
    fn augment_subcommands(command: Command) -> Command {
        let about =
            "List the benchmarks: items, languages, license, judge calls, data and headline";
        let runnable = PUBLISHED.iter().filter(|benchmark| !benchmark.modes.is_empty());
        let judge = JudgeCheckArgs::augment_args(Command::new(JUDGE))
            .about("Check a judge on constraints that code decides: accuracy and flips");
        command
            .subcommand(Command::new(LIST).about(about))
            .subcommands(runnable.map(subcommand))
            .subcommands(JudgedCommand::subcommands())
            .subcommand(judge)
    }

    fn augment_subcommands_for_update(command: Command) -> Command {
        Self::augment_subcommands(command)
    }

    fn has_subcommand(name: &str) -> bool {
        [LIST, JUDGE].contains(&name)
            || published(name).is_some()
            || JudgedCommand::named(name).is_some()
    }
}

impl FromArgMatches for EvalCommand {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let named = matches.subcommand();
        if named.is_some_and(|(name, _)| name == LIST) {
            return Ok(Self::List);
        }
        if let Some((JUDGE, flags)) = named {
            return Ok(Self::Judge(Box::new(JudgeCheckArgs::from_arg_matches(flags)?)));
        }
        let judged = named.and_then(|(name, flags)| Some((JudgedCommand::named(name)?, flags)));
        if let Some((benchmark, flags)) = judged {
            return Ok(Self::Judged(Box::new(JudgedCommand::read(benchmark, flags)?)));
        }
        let named = named.and_then(|(name, flags)| Some((published(name)?, flags)));
        let Some((benchmark, flags)) = named else {
            return Err(clap::Error::raw(ErrorKind::InvalidSubcommand, "expected a benchmark"));
        };
        // The flag exists where there is a choice, and clap accepts only its values.
        let wanted = flags.try_get_one::<String>(MODE).ok().flatten();
        let named = benchmark.modes.iter().find(|mode| wanted.is_some_and(|id| id == mode.id));
        let mode = named.unwrap_or(&benchmark.modes[0]);
        let args = BenchmarkArgs::from_arg_matches(flags)?;
        Ok(Self::Benchmark(Box::new(BenchmarkCommand { benchmark, mode, args })))
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

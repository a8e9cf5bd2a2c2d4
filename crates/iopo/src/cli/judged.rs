//! The flags of the judged benchmarks, `iopo eval trace` and others, and of `iopo eval judge`.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::builder::{PossibleValue, PossibleValuesParser};
use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{Arg, ArgGroup, ArgMatches, Args, Command, FromArgMatches};
use iopo_eval::{JudgedBenchmark, JudgedMode};
use iopo_judge::Language;

use super::PaidArgs;
use super::evaluated::{ComputeArgs, EvaluatedArgs, refuse_without, share};

/// The model that judges, by endpoint or on this machine.
#[derive(Debug, Args)]
pub(crate) struct JudgeArgs {
    /// Endpoint that judges: the name of a section `[endpoints.NAME]` in --config.
    #[arg(long, value_name = "NAME")]
    pub(crate) judge: Option<String>,
    /// Model on this machine that judges, as for --model.
    #[arg(long, value_name = "MODEL")]
    pub(crate) judge_model: Option<String>,
    /// Configuration file with the endpoints and the settings of `[llm]`.
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Softmax temperature of the judge [default: 0; as published in paper mode].
    #[arg(long, value_name = "NUMBER", value_parser = temperature)]
    pub(crate) judge_temperature: Option<f32>,
    /// Maximum number of tokens of an answer of the judge.
    #[arg(long, value_name = "N", default_value = "2048")]
    pub(crate) judge_max_new_tokens: NonZeroUsize,
    #[command(flatten)]
    pub(crate) paid: PaidArgs,
}

/// Flags of every judged benchmark.
#[derive(Debug, Args)]
#[command(
    group(ArgGroup::new("answers").args(["model", "responses", "endpoint"])),
    group(ArgGroup::new("verdicts").required(true).args(["judge", "judge_model", "judged"])),
    mut_arg("config", |config| config.help(CONFIG)),
    mut_arg("responses", |responses| responses.help(RESPONSES)),
    mut_arg("partial", |partial| partial.help(PARTIAL)),
    mut_arg("max_new_tokens", |limit| limit.default_value("2048")),
)]
pub(crate) struct JudgedArgs {
    #[command(flatten)]
    pub(crate) evaluated: EvaluatedArgs,
    /// Answers of a judge, instead of a model: JSON lines with `key` and `answer`, or a file of CFBench's program.
    #[arg(long, value_name = "FILE")]
    pub(crate) judged: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) by: JudgeArgs,
    /// Largest share of missing verdicts. More is an error after all files are written.
    #[arg(long, value_name = "SHARE", default_value = "0.02", value_parser = share)]
    pub(crate) max_unjudged_share: f64,
    /// Result of `iopo eval judge` to show beside the table [default: that of this judge under runs/judge].
    #[arg(long, value_name = "FILE")]
    pub(crate) judge_check: Option<PathBuf>,
}

/// Help where it differs from that of other benchmarks.
const CONFIG: &str =
    "Configuration file with the endpoints and the settings of `[llm]` [default: that of the run]";
const RESPONSES: &str = "Responses to judge, instead of a model: JSON with `response` and `prompt` or `key`, a file of samples that \
    lm-eval or evalscope wrote, or predictions.parquet";
const LIMIT: &str = "Evaluate only the first N prompts, and the rest of the last one's group";
const PARTIAL: &str =
    "Skip prompts that have no response or no answer of the judge, instead of failing";

/// Flags of `iopo eval judge`.
#[derive(Debug, Args)]
#[command(
    group(ArgGroup::new("verdicts").required(true).args(["judge", "judge_model"])),
    mut_arg("batch", of_model),
    mut_arg("device", of_model),
    mut_arg("dtype", of_model),
)]
pub(crate) struct JudgeCheckArgs {
    #[command(flatten)]
    pub(crate) by: JudgeArgs,
    /// Directory for the result and the answers [default: runs/judge/<judge>].
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Responses to judge, each three times.
    #[arg(long, value_name = "N", default_value = "100")]
    pub(crate) items: NonZeroUsize,
    /// Constraints of each response.
    #[arg(long, value_name = "N", default_value = "3")]
    pub(crate) constraints: NonZeroUsize,
    /// Random seed of the items.
    #[arg(long, default_value = "0")]
    pub(crate) seed: u64,
    #[command(flatten)]
    pub(crate) on: ComputeArgs,
}

/// Marks a flag of a judge on this machine.
fn of_model(flag: Arg) -> Arg {
    flag.conflicts_with("judge")
}

/// A judged benchmark that the command line names, with its flags.
#[derive(Debug)]
pub(crate) struct JudgedCommand {
    pub(crate) benchmark: JudgedBenchmark,
    pub(crate) mode: JudgedMode,
    /// The language, if a flag chooses one.
    pub(crate) language: Option<Language>,
    pub(crate) args: JudgedArgs,
}

/// Id of the flag that names a file of answers.
const JUDGED: &str = "judged";

/// Flags, and those of which they need one to have an effect.
const NEEDS: &[(&[&str], &[&str])] = &[
    (&["max_new_tokens"], &["model", "endpoint"]),
    (&["batch", "device", "dtype"], &["model", "judge_model"]),
    (&["config"], &["endpoint", "judge", "judge_model"]),
    (&["judge_temperature", "judge_max_new_tokens"], &["judge", "judge_model"]),
];

/// Ids and long names of the flags whose values depend on the benchmark.
const MODE: &str = "mode";
const LANGUAGE: &str = "language";

impl JudgedCommand {
    /// Makes the subcommand of every judged benchmark.
    pub(super) fn subcommands() -> impl Iterator<Item = Command> {
        JudgedBenchmark::ALL.into_iter().map(subcommand)
    }

    /// Returns the benchmark of a subcommand.
    pub(super) fn named(name: &str) -> Option<JudgedBenchmark> {
        JudgedBenchmark::ALL.into_iter().find(|benchmark| benchmark.id() == name)
    }

    /// Reads the flags of a benchmark's subcommand.
    pub(super) fn read(
        benchmark: JudgedBenchmark,
        flags: &ArgMatches,
    ) -> Result<Self, clap::Error> {
        // A flag exists where there is a choice, and clap accepts only its values.
        let chosen = |flag| flags.try_get_one::<String>(flag).ok().flatten().map(String::as_str);
        let (modes, languages) = (benchmark.modes(), benchmark.languages());
        let mode = modes.iter().find(|mode| chosen(MODE) == Some(mode.id()));
        let is_chosen = chosen(LANGUAGE).is_some()
            && flags.value_source(LANGUAGE) == Some(ValueSource::CommandLine);
        let language = languages.iter().find(|language| chosen(LANGUAGE) == Some(language.id()));
        refuse_without(flags, NEEDS)?;
        if ![JUDGED, "model", "responses", "endpoint"].iter().any(|id| flags.contains_id(id)) {
            let what = "pass --model, --responses or --endpoint, whose responses are judged";
            return Err(clap::Error::raw(ErrorKind::MissingRequiredArgument, what));
        }
        Ok(Self {
            benchmark,
            mode: *mode.unwrap_or(&modes[0]),
            language: language.copied().filter(|_| is_chosen),
            args: JudgedArgs::from_arg_matches(flags)?,
        })
    }
}

/// Makes the subcommand of a benchmark: the common flags, with its help, modes and languages.
fn subcommand(benchmark: JudgedBenchmark) -> Command {
    let mode = |mode: &JudgedMode| PossibleValue::new(mode.id()).help(mode.about());
    let command = JudgedArgs::augment_args(Command::new(benchmark.id()))
        .about(benchmark.about())
        .mut_arg("data", |data| data.help(benchmark.data()))
        .arg(
            Arg::new(MODE)
                .long(MODE)
                .value_name("MODE")
                .help("Rules that read and count the verdicts")
                .default_value(benchmark.modes()[0].id())
                .value_parser(PossibleValuesParser::new(benchmark.modes().iter().map(mode))),
        );
    let command = match benchmark {
        JudgedBenchmark::FollowBench | JudgedBenchmark::ComplexBench => {
            command.mut_arg("limit", |limit| limit.help(LIMIT))
        }
        JudgedBenchmark::Trace | JudgedBenchmark::CfBench => command,
    };
    let [default, _, ..] = benchmark.languages() else { return command };
    let languages = benchmark.languages().iter().map(|language| language.id());
    let help = if benchmark == JudgedBenchmark::Trace {
        "Language of the judge's prompt in repaired mode"
    } else {
        "Language of the items"
    };
    command.arg(
        Arg::new(LANGUAGE)
            .long(LANGUAGE)
            .value_name("LANGUAGE")
            .help(help)
            .default_value(default.id())
            .value_parser(PossibleValuesParser::new(languages)),
    )
}

fn temperature(text: &str) -> Result<f32, String> {
    let number: f32 = text.parse().map_err(|_| "expected a number from 0 to 2".to_owned())?;
    (0.0..=2.0)
        .contains(&number)
        .then_some(number)
        .ok_or("expected a number from 0 to 2".to_owned())
}

//! The flags of `iopo eval BENCHMARK`; every published benchmark of `iopo-eval` that has a mode is a subcommand.

use std::path::PathBuf;

use clap::builder::{PossibleValue, PossibleValuesParser};
use clap::error::ErrorKind;
use clap::{Arg, ArgGroup, ArgMatches, Args, Command, FromArgMatches, Subcommand, ValueEnum};
use iopo_eval::{Missing, PUBLISHED, Published, PublishedMode, published};

use super::PaidArgs;
use super::evaluated::{EvaluatedArgs, share};
use super::judged::{JudgeCheckArgs, JudgedCommand};

/// Flags of a benchmark that code decides.
#[derive(Debug, Args)]
#[command(
    group(ArgGroup::new("answers").required(true).args(["model", "responses", "endpoint"])),
    mut_arg("partial", |partial| partial.requires("responses").conflicts_with_all(["model", "endpoint"])),
    mut_arg("batch", of_model),
    mut_arg("device", of_model),
    mut_arg("dtype", of_model),
)]
pub(crate) struct BenchmarkArgs {
    #[command(flatten)]
    pub(crate) evaluated: EvaluatedArgs,
    /// What happens to prompts without a response in the file.
    #[arg(
        long,
        value_name = "CHOICE",
        default_value = "error",
        requires = "responses",
        conflicts_with_all = ["partial", "model", "endpoint"]
    )]
    pub(crate) missing: MissingResponses,
    /// Configuration file with the section `[endpoints.NAME]` [default: that of the run].
    #[arg(long, value_name = "FILE", requires = "endpoint", conflicts_with_all = ["model", "responses"])]
    pub(crate) config: Option<PathBuf>,
    /// Largest share of failed requests to an endpoint. More is an error after all files are written.
    #[arg(long, value_name = "SHARE", default_value = "0.02", value_parser = share, conflicts_with = "responses")]
    pub(crate) max_failed_share: f64,
    /// Also write the results as another harness does, to the directory `lm-eval` in the output directory.
    #[arg(long, value_name = "FORMAT")]
    pub(crate) export: Option<Harness>,
    #[command(flatten)]
    pub(crate) paid: PaidArgs,
}

/// Marks a flag of models on this machine.
fn of_model(flag: Arg) -> Arg {
    flag.conflicts_with_all(["responses", "endpoint"])
}

/// What happens to prompts without a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum MissingResponses {
    /// They are an error.
    Error,
    /// They are skipped. Unlike with --partial, a response to no prompt is still an error.
    Skip,
    /// They fail, as in the published code.
    Fail,
}

impl From<MissingResponses> for Missing {
    fn from(choice: MissingResponses) -> Self {
        match choice {
            MissingResponses::Error => Self::Refuse,
            MissingResponses::Skip => Self::Skip,
            MissingResponses::Fail => Self::Fail,
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Parses a command line of `iopo eval ifeval` and returns the kind of the error, if it is refused.
    fn refused(flags: &[&str]) -> Option<ErrorKind> {
        let command = EvalCommand::augment_subcommands(Command::new("eval"));
        let line = ["eval", "ifeval", "--data", "prompts.jsonl"].iter().chain(flags);
        command.try_get_matches_from(line).err().map(|error| error.kind())
    }

    #[test]
    fn flags_of_one_source_of_responses_are_refused_with_another() {
        let sources = [["--model", "m"], ["--responses", "r"], ["--endpoint", "e"]];
        for (flags, own) in [
            (&["--adapter", "a"][..], 0),
            (&["--escape-special-tokens"], 0),
            (&["--device", "cpu"], 0),
            (&["--dtype", "f32"], 0),
            (&["--batch", "2"], 0),
            (&["--partial"], 1),
            (&["--missing", "fail"], 1),
            (&["--strip-reasoning"], 1),
            (&["--config", "c"], 2),
        ] {
            for (at, source) in sources.iter().enumerate() {
                let found = refused(&[source, flags].concat());
                let expected = (at != own).then_some(ErrorKind::ArgumentConflict);
                assert_eq!(found, expected, "{source:?} {flags:?}");
            }
            assert_eq!(refused(flags), Some(ErrorKind::MissingRequiredArgument), "{flags:?}");
        }
        assert_eq!(refused(&sources.concat()), Some(ErrorKind::ArgumentConflict));
        for flags in [["--max-new-tokens", "9"], ["--max-failed-share", "0.5"]] {
            for (source, expected) in [
                (&sources[0], None),
                (&sources[1], Some(ErrorKind::ArgumentConflict)),
                (&sources[2], None),
            ] {
                assert_eq!(
                    refused(&[source, &flags[..]].concat()),
                    expected,
                    "{source:?} {flags:?}"
                );
            }
        }
    }

    #[test]
    fn flags_of_a_judge_without_effect_are_refused() {
        let refused = |line: &[&str]| {
            let command = EvalCommand::augment_subcommands(Command::new("eval"));
            let line = ["eval"].iter().chain(line);
            let matches = command.try_get_matches_from(line).map_err(|error| error.kind())?;
            EvalCommand::from_arg_matches(&matches).map(drop).map_err(|error| error.kind())
        };
        let trace = |flags: &[&str]| refused(&[&["trace", "--data", "d"], flags].concat());
        let (conflict, missing) =
            (Err(ErrorKind::ArgumentConflict), Err(ErrorKind::MissingRequiredArgument));
        assert_eq!(trace(&["--judged", "j"]), Ok(()));
        assert_eq!(trace(&["--judge-model", "m"]), missing, "who responds?");
        assert_eq!(trace(&["--judge-model", "m", "--responses", "r"]), Ok(()));
        for flags in [
            &["--judge-temperature", "1"][..],
            &["--judge-max-new-tokens", "9"],
            &["--config", "c"],
            &["--max-new-tokens", "9"],
            &["--device", "cpu"],
            &["--batch", "2"],
            &["--dtype", "f32"],
        ] {
            let with = |more: &[&str]| trace(&[flags, more].concat());
            assert_eq!(with(&["--judged", "j"]), conflict, "{flags:?}");
            assert_eq!(with(&["--judged", "j", "--responses", "r"]), conflict, "{flags:?}");
            // Control: each has an effect on some model or endpoint.
            let both = ["--judge-model", "m", "--model", "m"];
            assert_eq!(with(&both), Ok(()), "{flags:?}");
        }
        assert_eq!(trace(&["--judged", "j", "--endpoint", "e", "--config", "c"]), Ok(()));
        let by_judge = ["--judge-model", "m", "--responses", "r", "--device", "cpu"];
        assert_eq!(trace(&by_judge), Ok(()));
        assert_eq!(refused(&["judge", "--judge", "j", "--device", "cpu"]), conflict);
        assert_eq!(refused(&["judge", "--judge-model", "m", "--device", "cpu"]), Ok(()));
    }
}

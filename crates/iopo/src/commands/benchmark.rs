//! `iopo eval BENCHMARK`.

mod list;

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use anyhow::Result;
use iopo::config::PipelineConfig;
use iopo::pipeline::{TrainedInputPreferences, TrainedKinds, trained_input_preferences};
use iopo::roles::RoleName;
use iopo_eval::{
    Benchmark, BenchmarkConfig, BenchmarkReport, BenchmarkRun, EvalError, Setup, ifbench,
};
use iopo_schema::run_files;

use super::models::{Local, Models};
use crate::bars::Bars;
use crate::cli::{BenchmarkArgs, BenchmarkCommand, EvalCommand, EvaluatedArgs, Harness, RunArgs};
use crate::failure::Failure;
use crate::fetch;
use crate::printer;
use crate::resolve;

/// Stands below the table of a model whose training is not known.
const DEFAULT_SEEN: &str =
    "no run is named (--run), so seen and near types are those of the default preset's synthesis";

/// Lists the benchmarks, or scores responses with one.
pub(crate) fn run(command: &EvalCommand) -> Result<()> {
    match command {
        EvalCommand::List => printer::result(list::text().trim_end()),
        EvalCommand::Benchmark(command) => score(command),
        EvalCommand::Judged(command) => super::judged::run(command),
        EvalCommand::Judge(args) => super::judged::check(args),
    }
}

/// Scores the responses of a model, of an endpoint or of a file, and prints the accuracies.
fn score(command: &BenchmarkCommand) -> Result<()> {
    let BenchmarkCommand { benchmark, mode, args } = command;
    let evaluated = &args.evaluated;
    let out = evaluated.out.clone().unwrap_or_else(|| Path::new("runs").join(benchmark.id));
    let trained_in = trained_in(evaluated);
    let run_config = run_config(trained_in.as_deref())?;
    let own = args.config.clone().or_else(|| of_run(trained_in.as_deref()));
    let endpoints = [evaluated.endpoint.as_deref(), None];
    let models = Models::open(own.as_deref(), endpoints, false, (out.as_path(), &args.paid))?;
    let input_preferences = input_preferences(trained_in.as_deref(), &run_config)?;
    let mut setup = setup(trained_in.as_deref(), &run_config, input_preferences.as_deref())?;
    if benchmark.id == ifbench::ID {
        setup.tagger = fetch::tagger()?;
    }
    let benchmark = (mode.make)(&setup);
    let benchmark = benchmark.as_ref();
    let mut config = BenchmarkConfig::new(fetch::resolve_data(&evaluated.data)?, &out);
    config.responses.clone_from(&evaluated.responses);
    config.partial = evaluated.partial;
    config.strip_reasoning = evaluated.strip_reasoning;
    config.missing = args.missing.into();
    config.limit = evaluated.limit.map(NonZeroUsize::get);
    config.contamination = run_config.eval.contamination;
    config.input_preferences = input_preferences.into_iter().collect();
    config.trained_in = trained_in.into_iter().collect();
    config.export_lm_eval = args.export == Some(Harness::LmEval);
    config.max_failed_share = args.max_failed_share;
    let bars = Bars::new();
    let run = BenchmarkRun::prepare(benchmark, &config, &bars)
        .map_err(|error| explain(error, benchmark))?;
    let asked = evaluated.endpoint.iter().map(|name| {
        let requests = run.requests(evaluated.max_new_tokens.get());
        (RoleName::Writer, name.clone(), requests)
    });
    if !models.confirm(&asked.collect::<Vec<_>>(), &args.paid)? {
        return Ok(());
    }
    let report = if evaluated.responses.is_some() {
        run.score_responses().map_err(|error| explain(error, benchmark))?
    } else {
        respond(args, (&models, &run_config, &out), run, &bars)?
    };
    let mut table = benchmark.table(&report);
    if config.trained_in.is_empty() {
        table.push_str("\n\n");
        table.push_str(DEFAULT_SEEN);
    }
    printer::result(&table)?;
    report.refuse_failed().map_err(|error| explain(error, benchmark))
}

/// Lets an endpoint respond, or loads the model and lets it respond. The answers of an endpoint are stored before they are used,
/// so a command that is run again sends no request twice.
fn respond(
    args: &BenchmarkArgs,
    (models, config, out): (&Models, &PipelineConfig, &Path),
    run: BenchmarkRun<'_>,
    bars: &Bars,
) -> Result<BenchmarkReport> {
    let args = &args.evaluated;
    if let (Some(writer), Some(name)) = (models.writer()?, &args.endpoint) {
        return run.score_model(&*writer, &models.decoding(name, args), bars).map_err(failure);
    }
    let name = args.model.as_deref().unwrap_or_default();
    // The base may be written to the output directory, which `prepare` leaves untouched.
    let local = Local::load(name, &args.on, config.template_settings()?, out)?;
    let (model, decoding) = local.responding(args)?;
    run.score_model(&model, &decoding, bars).map_err(|error| match error {
        EvalError::SpecialToken { .. } => {
            let frame = Failure::usage(error.to_string());
            let hint =
                "pass --escape-special-tokens to read it as plain text, or remove the prompt";
            anyhow::Error::new(error).context(frame.hint(hint))
        }
        error => failure(error),
    })
}

/// Adds the flags that resolve an error.
fn explain(error: EvalError, benchmark: &dyn Benchmark) -> anyhow::Error {
    let hint = match &error {
        EvalError::UnmatchedResponses { .. } => Some(
            "compare the texts and keys with the prompts, or pass --partial to skip such lines",
        ),
        EvalError::Unanswered { .. } => Some(
            "add the responses, or pass --missing fail to count them as failed, or --partial to score only the answered prompts",
        ),
        other => benchmark.hint(other),
    };
    let hint = match &error {
        EvalError::FailedRequests { .. } => {
            error.hint().map(|hint| format!("{hint}; or raise --max-failed-share"))
        }
        _ => hint.map(str::to_owned),
    };
    let Some(hint) = hint else { return failure(error) };
    let text = error.to_string();
    let frame = if error.is_usage() { Failure::usage(text) } else { Failure::new(text) };
    anyhow::Error::new(error).context(frame.hint(hint))
}

/// Gives an error of the evaluation its exit code.
fn failure(error: EvalError) -> anyhow::Error {
    if error.is_usage() {
        let text = error.to_string();
        anyhow::Error::new(error).context(Failure::usage(text))
    } else {
        error.into()
    }
}

/// Returns the run whose held-out kinds apply: the one that is named, or the one that holds the adapter.
pub(super) fn trained_in(args: &EvaluatedArgs) -> Option<PathBuf> {
    let of_adapter = || {
        let adapter = args.adapter.as_deref()?;
        if let Some(run) = run_of(adapter) {
            return Some(run);
        }
        printer::note(&format!(
            "{} is not in a run directory, so seen and unseen types follow the default preset; pass --run to use those of a run",
            adapter.display()
        ));
        None
    };
    args.run.clone().or_else(of_adapter)
}

/// Returns what divides the types of a benchmark into seen and unseen ones: the kinds that a run was trained on, or the configured
/// ones if its files do not tell. Without a run, the configured ones decide.
fn setup(
    run: Option<&Path>,
    config: &PipelineConfig,
    input_preferences: Option<&Path>,
) -> Result<Setup> {
    Ok(trained_kinds(run, config, input_preferences).setup(config)?)
}

/// Reads the kinds that a run was trained on. They are not complete without a run.
pub(super) fn trained_kinds(
    run: Option<&Path>,
    config: &PipelineConfig,
    input_preferences: Option<&Path>,
) -> TrainedKinds {
    let Some(run) = run else { return TrainedKinds::default() };
    let trained = match TrainedKinds::read(&[run.to_owned()], config, input_preferences) {
        Ok(trained) => trained,
        Err(error) => {
            printer::note(&format!("{error:#}", error = anyhow::Error::from(error)));
            TrainedKinds::default()
        }
    };
    if !trained.is_complete {
        printer::note(&format!(
            "what counts as seen is from configured kinds, because the rows in {} do not tell all that it was trained on",
            run.display()
        ));
    }
    trained
}

/// Returns the file of input preferences that a run was trained on, if it is still there.
pub(super) fn input_preferences(
    run: Option<&Path>,
    config: &PipelineConfig,
) -> Result<Option<PathBuf>> {
    let trained = run.map(|run| trained_input_preferences(run, config)).transpose()?.flatten();
    let Some(TrainedInputPreferences { file, is_unchanged, .. }) = trained else {
        return Ok(None);
    };
    if !is_unchanged {
        printer::note(&format!(
            "{} no longer has the rows that the run was trained on, so not all of them are compared with the benchmark",
            file.display()
        ));
    }
    Ok(Some(file).filter(|file| file.is_file()))
}

/// Returns the run directory that holds an adapter.
fn run_of(adapter: &Path) -> Option<PathBuf> {
    // Canonical, because a relative path can lack the parent directories, and to follow links.
    let run = adapter.canonicalize().ok()?.parent()?.parent()?.to_owned();
    run.join(run_files::CONFIG).is_file().then_some(run)
}

/// Returns the file with the configuration of a run.
pub(super) fn of_run(run: Option<&Path>) -> Option<PathBuf> {
    run.map(|run| run.join(run_files::CONFIG))
}

/// Returns the configuration of a run; that of the default preset without a run.
pub(super) fn run_config(run: Option<&Path>) -> Result<PipelineConfig> {
    let config = of_run(run);
    let preset = config.is_none().then(|| "default".to_owned());
    let args = RunArgs { preset, config, ..RunArgs::default() };
    Ok(resolve::resolve(&args)?.config)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use iopo_constraints::ifeval::InstructionKind;

    use super::{run_config, run_of};

    #[test]
    fn the_run_of_an_adapter_is_found_from_any_directory() {
        let run = tempfile::tempdir().expect("temporary directory");
        let adapter = run.path().join("train/iopo");
        std::fs::create_dir_all(&adapter).expect("created");
        assert_eq!(run_of(&adapter), None);
        std::fs::write(run.path().join("config.toml"), "").expect("written");
        let root = run.path().canonicalize().expect("it exists");
        assert_eq!(run_of(&adapter), Some(root.clone()));
        // As if `.` were passed inside the adapter's directory.
        assert_eq!(run_of(&adapter.join("../iopo/.")), Some(root));
    }

    #[test]
    fn the_default_preset_keeps_at_least_eight_types_unseen() {
        let config = run_config(None).expect("the default preset");
        let held_out = config.eval.held_out_kinds().expect("known kinds");
        let unseen =
            InstructionKind::ALL.iter().filter(|kind| !kind.is_seen(&held_out, &BTreeSet::new()));
        assert!(unseen.count() >= 8);
        for kind in [InstructionKind::Postscript, InstructionKind::Title] {
            assert!(!kind.is_seen(&held_out, &BTreeSet::new()), "{kind}: {held_out:?}");
        }
    }
}

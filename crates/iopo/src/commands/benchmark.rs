//! `iopo eval BENCHMARK`.

#[cfg(feature = "endpoint")]
mod endpoint;
mod list;

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use iopo::config::PipelineConfig;
use iopo_eval::{
    Benchmark, BenchmarkConfig, BenchmarkReport, BenchmarkRun, Decoding, EvalError, Setup, ifbench,
};
use iopo_model::{TemplateSettings, device};
use iopo_schema::run_files;

use crate::bars::Bars;
use crate::cli::{BenchmarkArgs, BenchmarkCommand, EvalCommand, Harness, RunArgs};
use crate::failure::Failure;
use crate::fetch;
use crate::load;
use crate::printer;
use crate::resolve;

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
    let out = args.out.clone().unwrap_or_else(|| Path::new("runs").join(benchmark.id));
    let trained_in = trained_in(args);
    let run_config = run_config(trained_in.as_deref())?;
    let mut setup = Setup::new(run_config.eval.held_out_kinds()?);
    if benchmark.id == ifbench::ID {
        setup.tagger = fetch::tagger()?;
    }
    let benchmark = (mode.make)(&setup);
    let benchmark = benchmark.as_ref();
    let mut config = BenchmarkConfig::new(fetch::resolve_data(&args.data)?, &out);
    config.responses.clone_from(&args.responses);
    config.partial = args.partial;
    config.limit = args.limit.map(NonZeroUsize::get);
    config.contamination = run_config.eval.contamination;
    config.trained_in = trained_in.into_iter().collect();
    config.export_lm_eval = args.export == Some(Harness::LmEval);
    let bars = Bars::new();
    let run = BenchmarkRun::prepare(benchmark, &config, &bars)
        .map_err(|error| explain(error, benchmark))?;
    let report = if args.responses.is_some() {
        run.score_responses().map_err(|error| explain(error, benchmark))?
    } else if let Some(name) = &args.endpoint {
        #[cfg(not(feature = "endpoint"))]
        {
            let what = format!("no endpoint `{name}`: this binary was built without endpoints");
            let hint = "build iopo with its default features, or add `--features endpoint`";
            return Err(Failure::usage(what).hint(hint).into());
        }
        #[cfg(feature = "endpoint")]
        match endpoint::respond(args, name, run, run_config, &bars)? {
            Some(report) => report,
            None => return Ok(()),
        }
    } else {
        respond(args, &out, run, run_config.template_settings()?, &bars)?
    };
    printer::result(&benchmark.table(&report))
}

/// Loads the model and lets it respond.
fn respond(
    args: &BenchmarkArgs,
    out: &Path,
    run: BenchmarkRun<'_>,
    settings: TemplateSettings,
    bars: &Bars,
) -> Result<BenchmarkReport> {
    let name = args.model.as_deref().unwrap_or_default();
    // The base may be written to the output directory, which `prepare` leaves untouched.
    let on = (args.device.as_str(), args.dtype);
    let base = load::load(name, on, args.batch.get(), settings, out)?;
    let model = match &args.adapter {
        Some(adapter) => {
            let name = adapter.file_name().map_or("adapter".into(), |name| name.to_string_lossy());
            base.trained(adapter, &name)
                .with_context(|| format!("failed to load {name} from {}", adapter.display()))?
        }
        None => base.chat().clone(),
    };
    let model = model.with_escaped_special_tokens(args.escape_special_tokens);
    let mut decoding = Decoding::default();
    decoding.max_new_tokens = args.max_new_tokens.get();
    decoding.batch = args.batch.get();
    device::resolve(&args.device)?.clone_into(&mut decoding.device);
    decoding.template_hash = base.base().template_hash()?;
    decoding.stop = model.stop().to_vec();
    decoding.escape_special_tokens = args.escape_special_tokens;
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
        EvalError::Unanswered { .. } => {
            Some("add the responses, or pass --partial to score only the answered prompts")
        }
        other => benchmark.hint(other),
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
fn trained_in(args: &BenchmarkArgs) -> Option<PathBuf> {
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

/// Returns the run directory that holds an adapter.
pub(super) fn run_of(adapter: &Path) -> Option<PathBuf> {
    // Canonical, because a relative path can lack the parent directories, and to follow links.
    let run = adapter.canonicalize().ok()?.parent()?.parent()?.to_owned();
    run.join(run_files::CONFIG).is_file().then_some(run)
}

/// Returns the configuration of a run; that of the default preset without a run.
pub(super) fn run_config(run: Option<&Path>) -> Result<PipelineConfig> {
    let config = run.map(|run| run.join(run_files::CONFIG));
    let preset = config.is_none().then(|| "default".to_owned());
    let args = RunArgs { preset, config, ..RunArgs::default() };
    Ok(resolve::resolve(&args)?.config)
}

#[cfg(test)]
mod tests {
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
        let unseen = InstructionKind::ALL.iter().filter(|kind| !kind.is_seen(&held_out));
        assert!(unseen.count() >= 8);
        for kind in [InstructionKind::Postscript, InstructionKind::Title] {
            assert!(!kind.is_seen(&held_out), "{kind}: {held_out:?}");
        }
    }
}

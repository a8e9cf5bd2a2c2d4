//! `iopo eval ifeval`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::Result;
use iopo_constraints::Kind;
use iopo_eval::ifeval::{Ifeval, Mode};
use iopo_eval::{BenchmarkConfig, BenchmarkReport, BenchmarkRun, Decoding, EvalError};

use super::failure;
use crate::bars::Bars;
use crate::cli::{IfevalArgs, RunArgs};
use crate::failure::Failure;
use crate::fetch;
use crate::printer;
use crate::resolve;
use crate::session;

/// Scores the responses of a model or of a file, and prints the accuracies.
pub(crate) fn run(args: &IfevalArgs) -> Result<()> {
    let trained_in = trained_in(args);
    let mode = Mode::from(args.mode);
    let ifeval = Ifeval::new(mode).held_out(held_out(trained_in.as_deref())?);
    let mut config = BenchmarkConfig::new(fetch::resolve_data(&args.data)?, &args.out);
    config.responses.clone_from(&args.responses);
    config.partial = args.partial;
    config.limit = args.limit;
    config.trained_in = trained_in;
    let bars = Bars::new();
    let run =
        BenchmarkRun::prepare(&ifeval, &config, &bars).map_err(|error| explain(error, mode))?;
    let report = if args.responses.is_some() {
        run.score_responses().map_err(|error| explain(error, mode))?
    } else {
        respond(args, run, &bars)?
    };
    printer::result(&report.table());
    Ok(())
}

/// Loads the model and lets it respond.
fn respond(args: &IfevalArgs, run: BenchmarkRun<'_>, bars: &Bars) -> Result<BenchmarkReport> {
    let name = args.model.as_deref().unwrap_or_default();
    // The base may be written to the output directory, which `prepare` leaves untouched.
    let base = session::load(name, (&args.device, args.dtype), args.batch, &args.out)?;
    let model = match &args.adapter {
        Some(adapter) => {
            let name = adapter.file_name().map_or("adapter".into(), |name| name.to_string_lossy());
            base.trained(adapter, &name)?
        }
        None => base.chat.clone(),
    };
    let decoding = Decoding {
        max_new_tokens: args.max_new_tokens,
        batch: args.batch,
        device: args.device.clone(),
        template_hash: base.base().template_hash()?,
        stop: model.stop().to_vec(),
    };
    run.score_model(&model, &decoding, bars).map_err(failure)
}

/// Adds the flags that resolve an error.
fn explain(error: EvalError, mode: Mode) -> anyhow::Error {
    let text = error.to_string();
    let hint = match &error {
        EvalError::Prompts { source, .. }
            if mode == Mode::Paper && matches!(**source, EvalError::Ifeval { .. }) =>
        {
            "remove the instruction from the data, or pass --mode repaired, which reads keywords as plain text"
        }
        EvalError::UnmatchedResponses { .. } | EvalError::Unanswered { .. } => {
            "pass --partial to skip such lines and prompts"
        }
        _ => return failure(error),
    };
    let frame = if error.is_usage() { Failure::usage(text) } else { Failure::new(text) };
    anyhow::Error::new(error).context(frame.hint(hint))
}

/// Returns the run whose held-out kinds apply: the one that is named, or the one that holds the adapter.
fn trained_in(args: &IfevalArgs) -> Option<PathBuf> {
    let of_adapter = || {
        let adapter = args.adapter.as_deref()?;
        let run = adapter.parent()?.parent()?.to_owned();
        if run.join("config.toml").is_file() {
            return Some(run);
        }
        printer::note(&format!(
            "{} is not in a run directory: seen and unseen types follow the default preset; hint: pass --run",
            adapter.display()
        ));
        None
    };
    args.run.clone().or_else(of_adapter)
}

/// Returns the kinds that a run holds out of its synthesis; those of the default preset without a run.
fn held_out(run: Option<&Path>) -> Result<BTreeSet<Kind>> {
    let config = run.map(|run| run.join("config.toml"));
    let preset = config.is_none().then(|| "default".to_owned());
    let none = RunArgs {
        preset,
        config,
        out: None,
        model: None,
        device: None,
        dtype: None,
        seed: None,
        gradient_checkpointing: None,
        sets: Vec::new(),
    };
    Ok(resolve::resolve(&none)?.config.eval.held_out_kinds()?)
}

#[cfg(test)]
mod tests {
    use iopo_constraints::ifeval::InstructionKind;

    use super::held_out;

    #[test]
    fn the_default_preset_keeps_at_least_eight_types_unseen() {
        let held_out = held_out(None).expect("the default preset");
        let unseen = InstructionKind::ALL.iter().filter(|kind| !kind.is_seen(&held_out));
        assert!(unseen.count() >= 8);
        let listed = InstructionKind::HELD_OUT_DEFAULT;
        assert!(listed.iter().all(|kind| !kind.is_seen(&held_out)), "{held_out:?}");
    }
}

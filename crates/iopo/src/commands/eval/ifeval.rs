//! `iopo eval ifeval`.

mod answers;
mod table;
mod tasks;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use iopo_constraints::ifeval::Mode;
use iopo_eval::ifeval::{
    Benchmark, Given, Matched, Rules, refuse_unscorable, score, summarize, unsupported,
};
use iopo_eval::{EvalConfig, Prompt};
use iopo_llm::LanguageModel;
use iopo_schema::{Provenance, SummaryRow, content_id, file_hash};
use serde_json::{Value, json};

use crate::bars::Bars;
use crate::cli::{IfevalArgs, RunArgs};
use crate::config;
use crate::failure::Failure;
use crate::fetch;
use crate::local::Local;
use crate::printer;
use crate::run_dir::write_whole;
use crate::session;

/// What the table calls answers that came in a file.
const GIVEN: &str = "given";

/// Answers the prompts or takes the answers, checks them, and prints the table.
pub(crate) fn run(args: &IfevalArgs) -> Result<()> {
    let run = trained_in(args);
    let held_out = held_out(run.as_deref())?;
    let data = fetch::resolve_data(&args.data)?;
    let Benchmark { mut prompts, .. } = Benchmark::read(&data, None)
        .with_context(|| Failure::usage("failed to read the prompts"))?;
    if let Some(run) = &run {
        tasks::refuse(run, &prompts)?;
    }
    let matched = args.responses.as_deref().map(|path| given(args, path, &prompts)).transpose()?;
    prompts.truncate(args.limit.unwrap_or(usize::MAX));
    if let Some(matched) = matched.as_ref().filter(|_| args.partial) {
        let left = matched.keep_answered(&mut prompts);
        if left > 0 {
            printer::note(&format!("{left} prompts left out: they have no response"));
        }
    }
    if prompts.is_empty() {
        let what = match &args.responses {
            Some(path) => format!("{} answers no prompt of {}", path.display(), data.display()),
            None => format!("{} holds no prompt", data.display()),
        };
        return Err(Failure::usage(what).into());
    }
    let mode = Mode::from(args.mode);
    refuse_unscorable(&prompts, mode).with_context(|| {
        Failure::usage("failed to read the prompts").way_out(
            "take the instruction out of the data, or pass --mode repaired, to which keywords are plain texts",
        )
    })?;
    std::fs::create_dir_all(&args.out)
        .with_context(|| format!("failed to make the directory {}", args.out.display()))?;

    let mut protocol = json!({
        "data": file_hash(&data)?,
        "asked": asked(&prompts),
        "prompts": prompts.len(),
    });
    let (model, predictions) = match (&matched, &args.responses) {
        (Some(matched), Some(responses)) => {
            protocol["responses"] = json!(file_hash(responses)?);
            (GIVEN.to_owned(), taken(args, matched, &prompts, &protocol)?)
        }
        _ => generated(args, &prompts, &mut protocol)?,
    };
    let unsupported = unsupported(&prompts);
    protocol["mode"] = json!(mode.id());
    protocol["run"] = json!(run);
    protocol["held_out"] = json!(held_out.iter().map(|kind| kind.id()).collect::<Vec<_>>());
    protocol["unsupported"] = json!(unsupported);

    let rules = Rules { mode, held_out };
    let [scores_path, summary_path, protocol_path] =
        ["scores.parquet", "summary.parquet", "protocol.json"].map(|name| args.out.join(name));
    // Until all three are written, none of them stands beside files of other settings.
    for path in [&protocol_path, &summary_path, &scores_path] {
        remove(path)?;
    }
    let scores = score(&predictions, &scores_path, &rules)?;
    let bootstrap = EvalConfig::default().bootstrap();
    let rows = summarize(&model, &prompts, &scores, bootstrap)?;
    let provenance = Provenance::new(concat!("iopo ", env!("CARGO_PKG_VERSION")), protocol.clone())
        .with_input("scores", file_hash(&scores_path)?);
    iopo_schema::write::<SummaryRow>(&summary_path, &rows, &provenance)?;
    let text = serde_json::to_string_pretty(&protocol).context("failed to write the protocol")?;
    write_whole(&protocol_path, format!("{text}\n").as_bytes())?;
    printer::result(&table::text(rules.mode, &model, &rows, &scores));
    if !unsupported.is_empty() {
        printer::result(&table::unsupported(&unsupported));
    }
    Ok(())
}

/// What the answers are to: keys, texts and instructions, in their order.
fn asked(prompts: &[Prompt]) -> String {
    let rows = prompts.iter().flat_map(|prompt| {
        let checks = prompt.constraints.iter().filter_map(|row| row.check.as_ref());
        let checks = checks.flat_map(|check| [check.id.as_str(), &check.params]);
        [prompt.key.as_str(), &prompt.prompt].into_iter().chain(checks)
    });
    content_id(&rows.collect::<Vec<&str>>())
}

fn remove(path: &Path) -> Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("failed to remove {}", path.display()))
        }
        _ => Ok(()),
    }
}

/// The answers of a file, and whose they are.
fn given(args: &IfevalArgs, responses: &Path, prompts: &[Prompt]) -> Result<Matched> {
    let matched = Given::read(responses)
        .and_then(|given| given.matched(prompts))
        .with_context(|| Failure::usage("failed to read the responses"))?;
    let Some(first) = matched.strange.first() else { return Ok(matched) };
    let what = format!(
        "{} lines of {} answer no prompt, the first of them line {first}",
        matched.strange.len(),
        responses.display()
    );
    if args.partial {
        printer::note(&what);
        return Ok(matched);
    }
    Err(Failure::usage(what)
        .way_out("compare the prompts' texts and keys with those of --data, or pass --partial to leave the lines out")
        .into())
}

/// The answers as predictions.
fn taken(
    args: &IfevalArgs,
    matched: &Matched,
    prompts: &[Prompt],
    protocol: &Value,
) -> Result<PathBuf> {
    answers::claim(&args.out, protocol)?;
    let path = args.out.join("predictions.parquet");
    matched.write(prompts, &path).with_context(|| {
        Failure::new("failed to take the responses")
            .way_out("pass --partial to score the answered prompts alone")
    })?;
    Ok(path)
}

/// A model's answers, and its name.
fn generated(
    args: &IfevalArgs,
    prompts: &[Prompt],
    protocol: &mut Value,
) -> Result<(String, PathBuf)> {
    let model = args.model.as_deref().unwrap_or_default();
    let mut model = session::load(model, (&args.device, args.dtype), args.batch, &args.out)?;
    if let Some(adapter) = &args.adapter {
        let name =
            adapter.file_name().map_or_else(|| "adapter".into(), |name| name.to_string_lossy());
        model = model.trained(adapter, &name)?;
    }
    refuse_misfits(&model, prompts, args.max_new_tokens)?;
    protocol["model"] = json!(model.name());
    protocol["decoding"] = json!("greedy");
    protocol["max_new_tokens"] = json!(args.max_new_tokens);
    protocol["batch"] = json!(args.batch);
    protocol["device"] = json!(args.device);
    protocol["template_hash"] = json!(model.base().template_hash()?);
    protocol["stop"] = json!(model.stop());
    answers::claim(&args.out, protocol)?;
    let config = EvalConfig { max_new_tokens: args.max_new_tokens, ..EvalConfig::default() };
    let bars = Bars::new();
    let answered = iopo_eval::answer(prompts, &model, &args.out, &config, &bars)?;
    Ok((model.name(), answered.path))
}

/// Refuses prompts that do not fit the context with an answer: leaving them out would change the benchmark.
fn refuse_misfits(model: &Local, prompts: &[Prompt], new_tokens: usize) -> Result<()> {
    let mut misfits = Vec::new();
    for prompt in prompts {
        if !model.fits(&prompt.prompt, new_tokens)? {
            misfits.push(prompt.key.as_str());
        }
    }
    let Some(first) = misfits.first() else { return Ok(()) };
    let what = format!(
        "{} of {} prompts do not fit the context with {new_tokens} new tokens, the first of them {first}",
        misfits.len(),
        prompts.len()
    );
    Err(Failure::usage(what).way_out("lower --max-new-tokens").into())
}

/// The run whose held-out kinds count: the one that is named, or the one that an adapter lies in.
fn trained_in(args: &IfevalArgs) -> Option<PathBuf> {
    let of_adapter = || {
        let adapter = args.adapter.as_deref()?;
        let run = adapter.parent()?.parent()?.to_owned();
        if run.join("config.toml").is_file() {
            return Some(run);
        }
        printer::note(&format!(
            "{} lies in no run: types are told apart as seen and unseen by the default preset; --run names another",
            adapter.display()
        ));
        None
    };
    args.run.clone().or_else(of_adapter)
}

/// The kinds that a run holds out of its synthesis, or that the default preset does.
fn held_out(run: Option<&Path>) -> Result<BTreeSet<iopo_constraints::Kind>> {
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
    Ok(config::resolve(&none)?.config.eval.held_out_kinds()?)
}

#[cfg(test)]
mod tests {
    use iopo_constraints::ifeval::InstructionKind;

    use super::held_out;

    #[test]
    fn the_default_preset_keeps_eight_types_unseen_at_least() {
        let held_out = held_out(None).expect("the default preset");
        let unseen = InstructionKind::ALL.iter().filter(|kind| !kind.is_seen(&held_out));
        assert!(unseen.count() >= 8);
        let listed = InstructionKind::HELD_OUT_DEFAULT;
        assert!(listed.iter().all(|kind| !kind.is_seen(&held_out)), "{held_out:?}");
    }
}

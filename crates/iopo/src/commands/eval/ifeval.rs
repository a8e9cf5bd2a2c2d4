//! `iopo eval ifeval`.

mod table;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use iopo_eval::ifeval::{Benchmark, Given, Rules, score, summarize};
use iopo_eval::{EvalConfig, Prompt};
use iopo_llm::LanguageModel;
use iopo_schema::{InstructionRow, Provenance, SummaryRow, file_hash};
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
    let held_out = held_out(args.run.as_deref())?;
    let data = fetch::resolve_data(&args.data)?;
    let Benchmark { mut prompts, unsupported } = Benchmark::read(&data, args.limit)
        .with_context(|| Failure::usage("failed to read the prompts"))?;
    if prompts.is_empty() {
        return Err(Failure::usage(format!("{} holds no prompt", data.display())).into());
    }
    if let Some(run) = &args.run {
        refuse_seeds(run, &prompts)?;
    }
    std::fs::create_dir_all(&args.out)
        .with_context(|| format!("failed to make the directory {}", args.out.display()))?;
    let mut protocol = json!({ "data": file_hash(&data)? });
    let (model, predictions) = match &args.responses {
        Some(responses) => (GIVEN.to_owned(), given(args, responses, &mut prompts, &mut protocol)?),
        None => generated(args, &prompts, &mut protocol)?,
    };
    protocol["prompts"] = json!(prompts.len());
    protocol["mode"] = json!(iopo_constraints::ifeval::Mode::from(args.mode).id());
    let text = serde_json::to_string_pretty(&protocol).context("failed to write the protocol")?;
    write_whole(&args.out.join("protocol.json"), format!("{text}\n").as_bytes())?;

    let rules = Rules { mode: args.mode.into(), held_out };
    let scores_path = args.out.join("scores.parquet");
    let scores = score(&predictions, &scores_path, &rules)?;
    let bootstrap = EvalConfig::default().bootstrap();
    let rows = summarize(&model, &prompts, &scores, bootstrap)?;
    let provenance = Provenance::new(concat!("iopo ", env!("CARGO_PKG_VERSION")), protocol)
        .with_input("scores", file_hash(&scores_path)?);
    iopo_schema::write::<SummaryRow>(&args.out.join("summary.parquet"), &rows, &provenance)?;
    printer::result(&table::text(rules.mode, &model, &rows, &scores));
    if !unsupported.is_empty() {
        printer::result(&table::unsupported(&unsupported));
    }
    Ok(())
}

/// The answers of a file, as predictions.
fn given(
    args: &IfevalArgs,
    responses: &Path,
    prompts: &mut Vec<Prompt>,
    protocol: &mut Value,
) -> Result<PathBuf> {
    let given =
        Given::read(responses).with_context(|| Failure::usage("failed to read the responses"))?;
    if args.partial {
        let left = given.keep_answered(prompts);
        if left > 0 {
            printer::note(&format!("{left} prompts left out: they have no response"));
        }
    }
    let path = args.out.join("predictions.parquet");
    given.write(prompts, &path).with_context(|| {
        Failure::new("failed to take the responses")
            .way_out("pass --partial to score the answered prompts alone")
    })?;
    protocol["responses"] = json!(file_hash(responses)?);
    Ok(path)
}

/// A model's answers, and its name.
fn generated(
    args: &IfevalArgs,
    prompts: &[Prompt],
    protocol: &mut Value,
) -> Result<(String, PathBuf)> {
    let model = args.model.as_deref().unwrap_or_default();
    let mut model = session::load(model, &args.device, args.batch, &args.out)?;
    if let Some(adapter) = &args.adapter {
        let name =
            adapter.file_name().map_or_else(|| "adapter".into(), |name| name.to_string_lossy());
        model = model.trained(adapter, &name)?;
    }
    refuse_misfits(&model, prompts, args.max_new_tokens)?;
    protocol["model"] = json!(model.name());
    protocol["decoding"] = json!("greedy");
    protocol["max_new_tokens"] = json!(args.max_new_tokens);
    protocol["template_hash"] = json!(model.base().template_hash()?);
    protocol["stop"] = json!(model.stop());
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

/// Refuses a run that was trained on a prompt of the benchmark.
fn refuse_seeds(run: &Path, prompts: &[Prompt]) -> Result<()> {
    let instructions = run.join("instructions.parquet");
    if !instructions.is_file() {
        return Ok(());
    }
    let asked: BTreeSet<&str> = prompts.iter().map(|prompt| prompt.prompt.trim()).collect();
    for row in iopo_schema::read::<InstructionRow>(&instructions)? {
        if [&row.task, &row.prompt].iter().any(|text| asked.contains(text.trim())) {
            let what = format!("a prompt of the benchmark is seed `{}` of the run", row.seed_id);
            return Err(Failure::usage(what)
                .way_out("take it out of the seeds and synthesise again: a benchmark is no training data")
                .into());
        }
    }
    Ok(())
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
        seed: None,
        recompute: None,
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

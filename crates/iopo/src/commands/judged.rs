//! `iopo eval trace`, `cfbench`, `followbench`, `complexbench` and `judge`.

mod check;
mod models;

use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use anyhow::Result;
use iopo::config::PipelineConfig;
use iopo_constraints::{Dimension, Kind};
use iopo_eval::judged::check::JudgeCheck;
use iopo_eval::{
    Decoding, EvalError, JudgeSettings, JudgedBenchmark, JudgedConfig, JudgedReport, JudgedRun,
};
use iopo_model::device;
use iopo_schema::run_files;

use self::models::{Local, Models};
use super::benchmark::{run_config, run_of};
use crate::bars::Bars;
use crate::cli::{JudgedArgs, JudgedCommand};
use crate::failure::Failure;
use crate::fetch;
use crate::printer;

pub(crate) use check::run as check;

/// Length that is assumed of a response that is not known yet, in words, to estimate the judge's prompts.
const ASSUMED_WORDS: usize = 300;

/// Judges the responses of a model or of a file, and prints the metrics.
pub(crate) fn run(command: &JudgedCommand) -> Result<()> {
    let JudgedCommand { benchmark, mode, language, args } = command;
    let out = args.out.clone().unwrap_or_else(|| Path::new("runs").join(benchmark.id()));
    let trained_in = args.run.clone().or_else(|| args.adapter.as_deref().and_then(run_of));
    let run_config = run_config(trained_in.as_deref())?;
    let mut config = JudgedConfig::new(fetch::resolve_data(&args.data)?, &out);
    config.responses.clone_from(&args.responses);
    config.judged.clone_from(&args.judged);
    config.model_responds = args.model.is_some() || args.endpoint.is_some();
    config.partial = args.partial;
    config.limit = args.limit.map(NonZeroUsize::get);
    config.language = Some(*language);
    config.max_unjudged_share = args.max_unjudged_share;
    let mut settings = JudgeSettings::of(*benchmark, *mode);
    settings.max_new_tokens = args.by.judge_max_new_tokens.get();
    settings.temperature = args.by.judge_temperature.unwrap_or(settings.temperature);
    config.judge = Some(settings);
    if *benchmark == JudgedBenchmark::Trace {
        config.seen = seen_dimensions(&run_config)?;
    }
    let bars = Bars::new();
    let mut run = JudgedRun::prepare(*benchmark, *mode, &config, &bars).map_err(failure)?;
    let endpoints = [args.endpoint.as_deref(), args.by.judge.as_deref()];
    let models = Models::open(&args.by, endpoints)?;
    // With known responses, the estimate of the judge's requests is exact.
    let is_known = match args.endpoint {
        Some(_) => models.has_responses(&run, args)?,
        None => out.join(run_files::PREDICTIONS).is_file(),
    };
    if run.needs_responses() && is_known && !args.by.paid.dry_run {
        respond(&mut run, args, (&models, &run_config, &out), &bars)?;
    }
    if !models.confirm(&run, args, &assumed())? {
        return Ok(());
    }
    if run.needs_responses() {
        respond(&mut run, args, (&models, &run_config, &out), &bars)?;
    }
    let report = if run.needs_judge() {
        let local = Local::load(args, &run_config, &out)?;
        let judge = models.judge(local.as_ref())?;
        let check = check_of(args.judge_check.as_deref(), &judge.name())?;
        run.with_check(check).judge(&*judge, &bars).map_err(failure)?
    } else {
        let check = check_of(args.judge_check.as_deref(), run.given_judge())?;
        run.with_check(check).read_judged().map_err(failure)?
    };
    finish(&report)
}

/// Prints the table, then fails if too many verdicts are missing.
fn finish(report: &JudgedReport) -> Result<()> {
    printer::result(&report.table())?;
    report.refuse_unjudged().map_err(failure)
}

/// Lets the model or endpoint respond.
fn respond(
    run: &mut JudgedRun<'_>,
    args: &JudgedArgs,
    (models, config, out): (&Models, &PipelineConfig, &Path),
    bars: &Bars,
) -> Result<()> {
    let mut decoding = Decoding::default();
    decoding.max_new_tokens = args.max_new_tokens.get();
    if let Some(writer) = models.writer()? {
        return run.respond(&*writer, &decoding, bars).map_err(failure);
    }
    let loaded = Local::load_model(args, config, out)?;
    let model = loaded.responding(args)?;
    decoding.batch = args.batch.get();
    device::resolve(&args.device)?.clone_into(&mut decoding.device);
    decoding.template_hash = loaded.base().base().template_hash()?;
    decoding.stop = model.stop().to_vec();
    decoding.escape_special_tokens = args.escape_special_tokens;
    run.respond(&model, &decoding, bars).map_err(failure)
}

fn assumed() -> String {
    "word ".repeat(ASSUMED_WORDS)
}

/// Returns the labels of TRACE whose dimension has a kind that synthesis draws and a run does not hold out.
fn seen_dimensions(config: &PipelineConfig) -> Result<BTreeSet<String>> {
    let held_out = config.eval.held_out_kinds()?;
    let kinds = Kind::ALL.iter().filter(|kind| kind.is_drawn() && !held_out.contains(kind));
    let dimensions: BTreeSet<Dimension> = kinds.map(|kind| kind.dimension()).collect();
    let labels = Dimension::ALL.into_iter().zip(iopo_judge::trace::DIMENSIONS);
    let seen = labels.filter(|(dimension, _)| dimensions.contains(dimension));
    Ok(seen.map(|(_, label)| label.to_owned()).collect())
}

/// Returns the directory of the check of a judge.
fn check_dir(judge: &str) -> PathBuf {
    let plain = |c: char| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '-' };
    let name: String = judge.chars().map(plain).take(100).collect();
    Path::new("runs").join("judge").join(name)
}

/// Reads the check of a judge: the named file, or that of an earlier `iopo eval judge`.
fn check_of(named: Option<&Path>, judge: &str) -> Result<Option<JudgeCheck>> {
    let path = match named {
        Some(path) => path.to_owned(),
        None => check_dir(judge).join(iopo_eval::judged::check::FILE),
    };
    if named.is_none() && !path.is_file() {
        return Ok(None);
    }
    let check = JudgeCheck::read(&path).map_err(failure)?;
    if check.judge == judge {
        return Ok(Some(check));
    }
    printer::note(&format!(
        "{} is about the judge {}, not {judge}; it is not shown",
        path.display(),
        check.judge
    ));
    Ok(None)
}

/// Gives an error of the evaluation its exit code, and the flags that resolve it.
fn failure(error: EvalError) -> anyhow::Error {
    let hint = match &error {
        EvalError::UnmatchedResponses { .. } => Some(
            "compare the texts and keys with the prompts, or pass --partial to skip such lines",
        ),
        EvalError::Unanswered { .. } => {
            Some("add the responses, or pass --partial to judge only the answered prompts")
        }
        EvalError::SpecialToken { .. } => {
            Some("pass --escape-special-tokens to read it as plain text, or remove the prompt")
        }
        EvalError::Unjudged { .. } => {
            Some("all files are written; choose a stronger judge, or raise --max-unjudged-share")
        }
        _ => None,
    };
    let text = error.to_string();
    match (error.is_usage(), hint) {
        (true, Some(hint)) => anyhow::Error::new(error).context(Failure::usage(text).hint(hint)),
        (false, Some(hint)) => anyhow::Error::new(error).context(Failure::new(text).hint(hint)),
        (true, None) => anyhow::Error::new(error).context(Failure::usage(text)),
        (false, None) => error.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::check_dir;

    #[test]
    fn the_name_of_a_judge_is_one_folder() {
        assert_eq!(check_dir("org/m@../x y"), std::path::Path::new("runs/judge/org-m-..-x-y"));
    }
}

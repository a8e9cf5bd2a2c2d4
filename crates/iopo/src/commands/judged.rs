//! `iopo eval trace`, `cfbench`, `followbench`, `complexbench` and `judge`.

mod check;

use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use anyhow::Result;
use iopo::config::PipelineConfig;
use iopo::roles::RoleName;
use iopo_constraints::{Dimension, Kind};
use iopo_eval::judged::check::{JudgeCheck, JudgeIdentity};
use iopo_eval::{
    EvalError, JudgeSettings, JudgedBenchmark, JudgedConfig, JudgedMode, JudgedReport, JudgedRun,
};
use iopo_llm::Request;
use iopo_schema::run_files;

use super::benchmark::{input_preferences, of_run, run_config, trained_in, trained_kinds};
use super::models::{Local, Models};
use crate::bars::Bars;
use crate::cli::{JudgedArgs, JudgedCommand};
use crate::failure::Failure;
use crate::fetch;
use crate::printer;

pub(crate) use check::run as check;

/// Length that is assumed of a response that is not known yet, in words, to estimate the judge's prompts.
const ASSUMED_WORDS: usize = 300;

/// Stands below the table of a model whose training is not known.
const DEFAULT_SEEN: &str =
    "no run is named (--run), so seen dimensions are those of the default preset's synthesis";

/// Judges the responses of a model or of a file, and prints the metrics.
pub(crate) fn run(command: &JudgedCommand) -> Result<()> {
    let JudgedCommand { benchmark, mode, language, args } = command;
    let evaluated = &args.evaluated;
    let out = evaluated.out.clone().unwrap_or_else(|| Path::new("runs").join(benchmark.id()));
    let trained_in = trained_in(evaluated);
    let run_config = run_config(trained_in.as_deref())?;
    // Before anything is read: a wrong endpoint or judge must not cost the work of the responses.
    let endpoints = [evaluated.endpoint.as_deref(), args.by.judge.as_deref()];
    let own = args.by.config.clone().or_else(|| of_run(trained_in.as_deref()));
    let stores_local = args.by.judge_model.is_some();
    let of_out = (out.as_path(), &args.by.paid);
    let models = Models::open(own.as_deref(), endpoints, stores_local, of_out)?;
    let mut config = JudgedConfig::new(fetch::resolve_items(&evaluated.data)?, &out);
    config.responses.clone_from(&evaluated.responses);
    config.judged.clone_from(&args.judged);
    config.model_responds = evaluated.model.is_some() || evaluated.endpoint.is_some();
    config.partial = evaluated.partial;
    config.strip_reasoning = evaluated.strip_reasoning;
    config.limit = evaluated.limit.map(NonZeroUsize::get);
    config.language = *language;
    config.max_unjudged_share = args.max_unjudged_share;
    config.contamination = run_config.eval.contamination;
    let trained_on = input_preferences(trained_in.as_deref(), &run_config)?;
    if *benchmark == JudgedBenchmark::Trace && *mode != JudgedMode::Script {
        config.seen =
            Some(seen_dimensions(trained_in.as_deref(), &run_config, trained_on.as_deref())?);
    }
    config.input_preferences = trained_on.into_iter().collect();
    config.trained_in = trained_in.into_iter().collect();
    config.judge_endpoint = models.judge_endpoint().map(str::to_owned);
    let mut settings = JudgeSettings::of(*benchmark, *mode);
    settings.max_new_tokens = args.by.judge_max_new_tokens.get();
    settings.temperature = args.by.judge_temperature.unwrap_or(settings.temperature);
    config.judge = Some(settings);
    let bars = Bars::new();
    let mut run = JudgedRun::prepare(*benchmark, *mode, &config, &bars).map_err(failure)?;
    if let Some(name) = args.by.judge_model.as_ref().filter(|_| !args.by.paid.dry_run) {
        Local::find(name, &evaluated.on, &out)?;
        if evaluated.model.as_ref() == Some(name) {
            printer::note(
                "the model judges its own responses, which it tends to prefer; pass another --judge-model",
            );
        }
    }
    // With known responses, the estimate of the judge's requests is exact.
    let is_known = match evaluated.endpoint {
        Some(_) => {
            let requests = run.response_requests(evaluated.max_new_tokens.get());
            models.unanswered(RoleName::Writer, &requests)?.is_empty()
        }
        None => out.join(run_files::PREDICTIONS).is_file(),
    };
    if run.needs_responses() && is_known && !args.by.paid.dry_run {
        respond(&mut run, args, (&models, &run_config, &out), &bars)?;
    }
    if !models.confirm(&requests(&run, args, &models)?, &args.by.paid)? {
        return Ok(());
    }
    if run.needs_responses() {
        respond(&mut run, args, (&models, &run_config, &out), &bars)?;
    }
    let report = if run.needs_judge() {
        let settings = run_config.template_settings()?;
        let load = |name: &String| Local::load(name, &evaluated.on, settings, &out);
        let local = args.by.judge_model.as_ref().map(load).transpose()?;
        let judge = models.judge(local.as_ref())?;
        let check = check_of(args.judge_check.as_deref(), &run.identity(&*judge)?)?;
        run.with_check(check).judge(&*judge, &bars).map_err(failure)?
    } else {
        let check = check_by_name(args.judge_check.as_deref(), run.given_judge())?;
        run.with_check(check).read_judged().map_err(failure)?
    };
    let seen_by_default = config.seen.is_some() && config.trained_in.is_empty();
    finish(&report, seen_by_default)
}

/// Returns the requests to endpoints: those for responses, those to the judge, and at most how many ask the judge again.
fn requests(
    run: &JudgedRun<'_>,
    args: &JudgedArgs,
    models: &Models,
) -> Result<Vec<(RoleName, String, Vec<Request>)>> {
    let mut asked = Vec::new();
    if run.needs_responses() && args.evaluated.endpoint.is_some() {
        let requests = run.response_requests(args.evaluated.max_new_tokens.get());
        asked.push((RoleName::Writer, "responses".to_owned(), requests));
    }
    if run.needs_judge() && args.by.judge.is_some() {
        let assumed = "word ".repeat(ASSUMED_WORDS);
        asked.push((RoleName::Judge, "judge".to_owned(), run.requests(&assumed)));
        let is_open = |first: &Request| {
            let open = models.unanswered(RoleName::Judge, std::slice::from_ref(first))?;
            Ok::<bool, anyhow::Error>(!open.is_empty())
        };
        let further = run.further_requests(&assumed, is_open)?;
        if !further.is_empty() {
            let name = "judge, asked again if answers give no verdict, at most".to_owned();
            asked.push((RoleName::Judge, name, further));
        }
    }
    Ok(asked)
}

/// Prints the table, then fails if too many verdicts are missing.
fn finish(report: &JudgedReport, seen_by_default: bool) -> Result<()> {
    let mut table = report.table();
    if seen_by_default {
        table.push('\n');
        table.push_str(DEFAULT_SEEN);
    }
    printer::result(&table)?;
    report.refuse_unjudged().map_err(failure)
}

/// Lets the model or endpoint respond.
fn respond(
    run: &mut JudgedRun<'_>,
    args: &JudgedArgs,
    (models, config, out): (&Models, &PipelineConfig, &Path),
    bars: &Bars,
) -> Result<()> {
    let args = &args.evaluated;
    if let (Some(writer), Some(name)) = (models.writer()?, &args.endpoint) {
        return run.respond(&*writer, &models.decoding(name, args), bars).map_err(failure);
    }
    let name = args.model.as_deref().unwrap_or_default();
    let local = Local::load(name, &args.on, config.template_settings()?, out)?;
    let (model, decoding) = local.responding(args)?;
    run.respond(&model, &decoding, bars).map_err(failure)
}

/// Returns the labels of TRACE whose dimension occurs in the rows that a run was trained on, or in the kinds that synthesis draws if
/// its files do not tell or no run is named.
fn seen_dimensions(
    run: Option<&Path>,
    config: &PipelineConfig,
    input_preferences: Option<&Path>,
) -> Result<BTreeSet<String>> {
    let trained = trained_kinds(run, config, input_preferences);
    let mut dimensions = trained.dimensions;
    if !trained.is_complete {
        let held_out = config.eval.held_out_kinds()?;
        let added = config.added_kinds();
        let is_drawn = |kind: &&Kind| kind.is_drawn() || added.contains(kind);
        let kinds = Kind::ALL.iter().filter(is_drawn).filter(|kind| !held_out.contains(kind));
        dimensions.extend(kinds.map(|kind| kind.dimension().english().to_owned()));
    }
    let labels = Dimension::ALL.into_iter().zip(iopo_judge::trace::DIMENSIONS);
    let seen = labels.filter(|(dimension, _)| dimensions.contains(dimension.english()));
    Ok(seen.map(|(_, label)| label.to_owned()).collect())
}

/// Returns the directory of the check of a judge. Endpoints at several addresses can serve models of one name.
fn check_dir(judge: &str, endpoint: Option<&str>) -> PathBuf {
    let plain = |c: char| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '-' };
    let mut name: String = judge.chars().map(plain).take(100).collect();
    if let Some(endpoint) = endpoint {
        name.push('-');
        name.extend(endpoint.trim_end_matches(')').replace(" (address ", "-").chars().map(plain));
    }
    Path::new("runs").join("judge").join(name)
}

/// Reads the check of a judge: the named file, or that of an earlier `iopo eval judge`. It is shown only if it is about this
/// judge.
fn check_of(named: Option<&Path>, judge: &JudgeIdentity) -> Result<Option<JudgeCheck>> {
    let path = match named {
        Some(path) => path.to_owned(),
        None => {
            check_dir(&judge.judge, judge.endpoint.as_deref()).join(iopo_eval::judged::check::FILE)
        }
    };
    if named.is_none() && !path.is_file() {
        return Ok(None);
    }
    let check = JudgeCheck::read(&path).map_err(failure)?;
    let differences = check.differences(judge);
    if differences.is_empty() {
        return Ok(Some(check));
    }
    printer::note(&format!(
        "{} is about another judge, so it is not shown: {}",
        path.display(),
        differences.join("; ")
    ));
    Ok(None)
}

/// Reads the named check of a judge whose answers are in a file, which tells no more than its name.
fn check_by_name(named: Option<&Path>, judge: &str) -> Result<Option<JudgeCheck>> {
    let Some(path) = named else { return Ok(None) };
    let check = JudgeCheck::read(path).map_err(failure)?;
    if check.judge == judge {
        printer::note(&format!(
            "the file of answers names only the judge {judge}, so its settings are not compared with {}",
            path.display()
        ));
        return Ok(Some(check));
    }
    printer::note(&format!(
        "{} is about the judge {}, not {judge}, so it is not shown",
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
        EvalError::OtherLanguage { other: "zh", .. } => {
            Some("pass --language zh, or the items in English")
        }
        EvalError::OtherLanguage { .. } => Some("pass --language en, or the items in Chinese"),
        EvalError::UnmatchedAnswers { .. } => {
            Some("compare `key` and `index` with the items, or pass --partial to skip such answers")
        }
        _ => None,
    };
    let hint = match &error {
        EvalError::Unjudged { .. } => {
            error.hint().map(|hint| format!("{hint}; or raise --max-unjudged-share"))
        }
        _ => hint.map(str::to_owned),
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
        let dir = |name| std::path::Path::new("runs/judge").join(name);
        assert_eq!(check_dir("org/m@../x y", None), dir("org-m-..-x-y"));
        assert_eq!(check_dir("m", Some("a (address 1f2e)")), dir("m-a-1f2e"));
    }
}

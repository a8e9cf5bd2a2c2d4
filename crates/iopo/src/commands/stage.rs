//! `iopo synth`, `pairs`, `train`, `eval`, `report` and `pipeline`.

use std::fmt::Write;

use anyhow::Result;
use iopo::pipeline::{DEMONSTRATION, Pipeline, Stage, StageOutcome, StageSummary};
use iopo_schema::{MetricFamily, Subset, SummaryMetric, SummaryRow};
use iopo_synth::fipo::FipoSummary;
use iopo_synth::trace::TraceSummary;
use iopo_train::{RunSummary, TrainSummary};

use crate::bars::{Bars, duration};
use crate::cli::RunArgs;
use crate::failure::pipeline::failure;
use crate::load::Downloads;
#[cfg(feature = "endpoint")]
use crate::paid;
use crate::printer;
use crate::resolve::{Resolved, resolve};

/// Runs one stage.
pub(crate) fn run(stage: Stage, args: &RunArgs) -> Result<()> {
    let pipeline = open(args)?;
    if !agreed(&pipeline, stage == Stage::Synth, args)? {
        return Ok(());
    }
    let outcome = pipeline.run_stage(stage, &Bars::new());
    print(&pipeline, &outcome.map_err(|error| failure(error, pipeline.dir().root()))?)
}

/// Runs every stage, skipping finished ones.
pub(crate) fn run_all(args: &RunArgs) -> Result<()> {
    let pipeline = open(args)?;
    let out = pipeline.dir().root();
    printer::stage("run", &out.display().to_string());
    if pipeline.is_fresh() && !args.paid.dry_run {
        let estimate = pipeline.estimate(&Bars::new()).map_err(|error| failure(error, out))?;
        printer::stage("estimate", &estimate.to_string());
    }
    if !agreed(&pipeline, true, args)? {
        return Ok(());
    }
    let mut printed = Ok(());
    let ran = pipeline.run(&Bars::new(), |outcome| {
        if printed.is_ok() {
            printed = print(&pipeline, &outcome);
        }
    });
    ran.map_err(|error| failure(error, out))?;
    printed
}

/// Prints a forecast of the requests to endpoints, if the command `asks` any, and returns whether they may be sent.
#[cfg(feature = "endpoint")]
fn agreed(pipeline: &Pipeline, asks: bool, args: &RunArgs) -> Result<bool> {
    let forecasts = if asks {
        pipeline.forecast().map_err(|error| failure(error, pipeline.dir().root()))?
    } else {
        Vec::new()
    };
    if forecasts.is_empty() && args.paid.dry_run {
        printer::note("no requests to endpoints");
    }
    if !forecasts.is_empty() && !pipeline.has_yields() {
        printer::note(
            "the estimate assumes which share of the tasks passes each stage; a run with some tasks measures it",
        );
    }
    paid::confirm(&forecasts, &args.paid)
}

#[cfg(not(feature = "endpoint"))]
fn agreed(_pipeline: &Pipeline, _asks: bool, args: &RunArgs) -> Result<bool> {
    if args.paid.dry_run {
        printer::note("no requests to endpoints");
    }
    Ok(!args.paid.dry_run)
}

/// Opens the run that flags name.
pub(crate) fn open(args: &RunArgs) -> Result<Pipeline> {
    let Resolved { config, out } = resolve(args)?;
    let opened = if args.paid.dry_run {
        Pipeline::open_for_estimate(config, &out)
    } else {
        Pipeline::open(config, &out)
    };
    let pipeline = opened.map_err(|error| failure(error, &out))?;
    Ok(pipeline.with_models(Downloads))
}

/// Prints the summary and duration of a stage.
fn print(pipeline: &Pipeline, outcome: &StageOutcome) -> Result<()> {
    let StageOutcome { summary, duration: took } = outcome;
    match summary {
        StageSummary::Train(made) => print_models(made),
        StageSummary::Report(_) => print_table(pipeline)?,
        StageSummary::Eval(made) if made.prompts == 0 => print_rewards(pipeline)?,
        StageSummary::Trace(TraceSummary { metrics, .. })
        | StageSummary::Fipo(FipoSummary { metrics, .. }) => {
            for line in &iopo_report::recipe_lines(metrics) {
                printer::note(line);
            }
        }
        StageSummary::Synth(_)
        | StageSummary::Pairs(_)
        | StageSummary::Rounds(_)
        | StageSummary::Eval(_) => {}
    }
    printer::stage(summary.stage().name(), &format!("{summary} ({})", duration(*took)));
    Ok(())
}

/// Prints a line for each trained model and each reason for skipping groups.
fn print_models(made: &TrainSummary) {
    for run in &made.runs {
        printer::note(&line(run));
    }
    for (reason, count) in &made.dropped {
        printer::note(&format!("{:>10}  {count} groups skipped: {reason}", ""));
    }
}

/// One line about a trained model: updates, metrics, and the tokens that segment trees saved.
fn line(run: &RunSummary) -> String {
    let mut line = format!("{:>10}  seed {}, {} updates", run.method, run.seed, run.updates);
    if run.updates < run.planned {
        let _ = write!(line, " of {} (stopped early)", run.planned);
    }
    if let Some(loss) = run.loss {
        let _ = write!(line, ", loss {loss:.4}");
    }
    if let Some(accuracy) = run.dev_accuracy {
        let _ = write!(line, ", dev accuracy {:.0} %", 100.0 * accuracy);
    }
    if run.kept < run.updates {
        let _ = write!(line, ", keeps the weights of update {}", run.kept);
    }
    let (computed, padded) = (run.tokens, run.padded_tokens);
    line + &format!(
        ", {computed} tokens computed instead of {padded} in padded rows ({:.0} %)",
        100.0 * run.token_ratio()
    )
}

/// Prints the reward accuracy of each model on held-out rows.
fn print_rewards(pipeline: &Pipeline) -> Result<()> {
    let rows: Vec<SummaryRow> = iopo_schema::read(&pipeline.dir().summary_file())?;
    let level = 100.0 * pipeline.config().eval.confidence;
    for row in rows.iter().filter(|row| {
        let SummaryRow { metric, subset, baseline, .. } = row;
        *metric == SummaryMetric::RewardsAccuracies && *subset == Subset::All && baseline.is_none()
    }) {
        let [value, low, high] = [row.value, row.low, row.high].map(|share| 100.0 * share);
        printer::result(&format!(
            "{:>14}  {} {value:.1} % ({level:.0} % interval {low:.1} to {high:.1}, {} rows)",
            row.model, row.metric, row.n
        ))?;
    }
    Ok(())
}

/// Prints the table of the report, if the evaluation has run.
fn print_table(pipeline: &Pipeline) -> Result<()> {
    let (config, summary) = (pipeline.config(), pipeline.dir().summary_file());
    if !summary.is_file() {
        return Ok(());
    }
    let rows: Vec<SummaryRow> = iopo_schema::read(&summary)?;
    if rows.iter().all(|row| row.metric.family() != MetricFamily::Accuracy) {
        return print_rewards(pipeline);
    }
    let headlines = pipeline.headlines()?;
    printer::result(&iopo_report::terminal_table(&rows, &headlines, Some(config.eval.confidence)))?;
    if config.demonstration {
        printer::result(DEMONSTRATION)?;
    }
    Ok(())
}

//! `iopo fipo`.

use std::time::Instant;

use anyhow::Result;
use iopo::pipeline::{FipoSource, Pipeline, StageSummary};

use crate::bars::{Bars, duration};
use crate::cli::FipoArgs;
use crate::commands::stage::open;
use crate::failure::pipeline::failure;
#[cfg(feature = "endpoint")]
use crate::paid;
use crate::printer;

/// Collects input preferences.
pub(crate) fn run(args: &FipoArgs) -> Result<()> {
    let source = match (&args.responses, &args.from) {
        (Some(file), _) => FipoSource::Responses(file.clone()),
        (None, Some(file)) => FipoSource::Rows(file.clone()),
        (None, None) => FipoSource::Run,
    };
    let pipeline = open(&args.run)?;
    if !agreed(&pipeline, &source, args)? {
        return Ok(());
    }
    let begun = Instant::now();
    let out = pipeline.dir().root();
    let made = pipeline.fipo(&source, &Bars::new()).map_err(|error| failure(error, out))?;
    for (reason, count) in &made.dropped {
        printer::note(&format!("{:>10}  {count} dropped: {reason}", ""));
    }
    let summary = StageSummary::Fipo(made);
    printer::stage("fipo", &format!("{summary} ({})", duration(begun.elapsed())));
    Ok(())
}

/// Prints a forecast of the requests to endpoints, and returns whether they may be sent. A finished collection sends none.
#[cfg(feature = "endpoint")]
fn agreed(pipeline: &Pipeline, source: &FipoSource, args: &FipoArgs) -> Result<bool> {
    let out = pipeline.dir().root();
    let is_complete = pipeline.fipo_is_complete(source).map_err(|error| failure(error, out))?;
    if is_complete {
        printer::note("the collection is complete, so nothing is sent");
        return Ok(!args.run.paid.dry_run);
    }
    let forecasts = pipeline.fipo_forecast(source).map_err(|error| failure(error, out))?;
    if forecasts.is_empty() && args.run.paid.dry_run {
        printer::note("no requests to endpoints");
    }
    paid::confirm(&forecasts, &args.run.paid)
}

#[cfg(not(feature = "endpoint"))]
#[expect(clippy::unnecessary_wraps, reason = "a forecast can fail")]
fn agreed(_pipeline: &Pipeline, _source: &FipoSource, args: &FipoArgs) -> Result<bool> {
    if args.run.paid.dry_run {
        printer::note("no requests to endpoints");
    }
    Ok(!args.run.paid.dry_run)
}

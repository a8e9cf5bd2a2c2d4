//! `iopo export`.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result};
use iopo_pairs::exchange::{Container, Export, ExportSummary, FipoSummary, export_fipo};
use iopo_pairs::{ExchangeError, export};
use iopo_schema::Split;

use crate::cli::{ExportArgs, FileFormat, Foreign};
use crate::failure::Failure;
use crate::printer;

/// Exports preference groups as rows of another trainer.
pub(crate) fn run(args: &ExportArgs) -> Result<()> {
    refuse_taken(&args.out)?;
    if args.conversational && args.to != Foreign::Trl {
        return Err(Failure::usage("--conversational applies to TRL rows only")
            .hint("omit it; LLaMA-Factory rows always hold turns, and FIPO rows texts")
            .into());
    }
    let Some(format) = args.to.of_groups() else { return input_preferences(args) };
    let named = || Container::of(&args.out).ok_or(ExchangeError::Ending { path: args.out.clone() });
    let container = match args.format {
        Some(format) => format.into(),
        None => named().context(
            Failure::usage("cannot infer the file format").hint("pass --format jsonl or parquet"),
        )?,
    };
    let mut options = Export::new(format, container);
    options.conversational = args.conversational;
    options.split = args.split.into();
    let ExportSummary { groups, rows, splits, skipped, .. } =
        export(&args.preferences, &args.out, &options)
            .with_context(|| format!("failed to export {}", args.preferences.display()))?;
    for (reason, count) in skipped {
        printer::note(&format!("{count} groups skipped: {reason}"));
    }
    let (splits, out) = (listed(&splits), args.out.display());
    printer::note(&format!("{groups} groups ({splits}), {rows} rows: {out}"));
    Ok(())
}

/// Exports input preferences as JSON lines that train an optimizer of prompts.
fn input_preferences(args: &ExportArgs) -> Result<()> {
    let is_lines = Container::of(&args.out) != Some(Container::Parquet);
    if !is_lines || args.format == Some(FileFormat::Parquet) {
        return Err(Failure::usage("FIPO rows are JSON lines")
            .hint("pass --out with a name that ends in .jsonl")
            .into());
    }
    let FipoSummary { rows, splits, .. } =
        export_fipo(&args.preferences, &args.out, args.split.into())
            .with_context(|| format!("failed to export {}", args.preferences.display()))?;
    let (splits, out) = (listed(&splits), args.out.display());
    printer::note(&format!("{rows} input preferences ({splits}): {out}"));
    Ok(())
}

/// The number of groups of each split, in words.
pub(super) fn listed(splits: &BTreeMap<Split, u64>) -> String {
    let each: Vec<String> =
        splits.iter().map(|(split, count)| format!("{count} {split}")).collect();
    each.join(", ")
}

/// Returns an error if the file exists: commands never overwrite.
pub(super) fn refuse_taken(out: &Path) -> Result<()> {
    if !out.exists() {
        return Ok(());
    }
    Err(Failure::usage(format!("{} already exists", out.display()))
        .hint("pass another --out, or delete it")
        .into())
}

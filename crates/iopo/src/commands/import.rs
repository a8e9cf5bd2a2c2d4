//! `iopo import`.

use std::path::Path;

use anyhow::{Error, Result};
use iopo_pairs::exchange::{FipoSummary, HoldOut, Import, ImportSummary, import_fipo};
use iopo_pairs::{ExchangeError, import};
use iopo_schema::Split;

use crate::cli::ImportArgs;
use crate::commands::export::{listed, refuse_taken};
use crate::failure::Failure;
use crate::printer;

/// Imports rows of another trainer as preference groups and pairs.
pub(crate) fn run(args: &ImportArgs) -> Result<()> {
    refuse_taken(&args.out)?;
    let held_out = [(Split::Dev, &args.dev), (Split::Test, &args.test)];
    let held_out = held_out.into_iter().filter_map(|(split, file)| Some((split, file.as_deref()?)));
    let files: Vec<(Split, &Path)> =
        std::iter::once((Split::Train, args.file.as_path())).chain(held_out).collect();
    let Some(format) = args.from.of_groups() else { return input_preferences(args, &files) };
    let mut options = Import::new(format);
    options.hold_out =
        HoldOut { dev_size: args.dev_size, test_size: args.test_size, seed: args.seed };
    let ImportSummary { rows, groups, pairs, splits, skipped, .. } =
        import(&files, &args.out, &options).map_err(|error| failed(error, &args.out))?;
    for (reason, count) in skipped {
        printer::note(&format!("{count} rows skipped: {reason}"));
    }
    let made = match (groups, pairs) {
        (_, 0) => format!("{groups} groups"),
        (0, _) => format!("{pairs} pairs"),
        (_, _) => format!("{groups} groups and {pairs} pairs"),
    };
    if pairs > 0 {
        printer::note(
            "a pair has one prompt; methods that compare two instructions, such as iopo, skip it",
        );
    }
    printer::note(&format!(
        "{rows} rows, {made} ({}): {}; the labels are unverified",
        listed(&splits),
        args.out.display()
    ));
    Ok(())
}

/// Imports rows of FIPO as input preferences.
fn input_preferences(args: &ImportArgs, files: &[(Split, &Path)]) -> Result<()> {
    if args.dev_size > 0.0 || args.test_size > 0.0 {
        return Err(Failure::usage("--dev-size and --test-size do not apply to rows of FIPO")
            .hint("pass the rows of each split as a file of its own, with --dev and --test")
            .into());
    }
    let FipoSummary { rows, splits, skipped, .. } =
        import_fipo(files, &args.out).map_err(|error| failed(error, &args.out))?;
    for (reason, count) in skipped {
        printer::note(&format!("{count} rows skipped: {reason}"));
    }
    printer::note(&format!(
        "{rows} rows, {} input preferences ({}): {}; the labels are unverified",
        splits.values().sum::<u64>(),
        listed(&splits),
        args.out.display()
    ));
    Ok(())
}

fn failed(error: ExchangeError, out: &Path) -> Error {
    let is_usage = error.is_usage();
    let what = format!("failed to write {}", out.display());
    let error = Error::new(error);
    if is_usage { error.context(Failure::usage(what)) } else { error.context(what) }
}

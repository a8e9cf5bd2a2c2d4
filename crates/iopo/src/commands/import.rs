//! `iopo import`.

use std::path::Path;

use anyhow::{Error, Result};
use iopo_pairs::exchange::{HoldOut, Import, ImportSummary};
use iopo_pairs::import;
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
    let mut options = Import::new(args.from.into());
    options.hold_out =
        HoldOut { dev_size: args.dev_size, test_size: args.test_size, seed: args.seed };
    let ImportSummary { rows, groups, pairs, splits, skipped, .. } =
        import(&files, &args.out, &options).map_err(|error| {
            let is_usage = error.is_usage();
            let what = format!("failed to write {}", args.out.display());
            let error = Error::new(error);
            if is_usage { error.context(Failure::usage(what)) } else { error.context(what) }
        })?;
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

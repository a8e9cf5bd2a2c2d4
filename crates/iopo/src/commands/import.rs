//! `iopo import`.

use std::path::Path;

use anyhow::{Context, Result};
use iopo_pairs::exchange::ImportSummary;
use iopo_pairs::import;
use iopo_schema::Split;

use crate::cli::ImportArgs;
use crate::commands::export::{listed, refuse_taken};
use crate::printer;

/// Imports rows of another trainer as preference groups.
pub(crate) fn run(args: &ImportArgs) -> Result<()> {
    refuse_taken(&args.out)?;
    let held_out = [(Split::Dev, &args.dev), (Split::Test, &args.test)];
    let held_out = held_out.into_iter().filter_map(|(split, file)| Some((split, file.as_deref()?)));
    let files: Vec<(Split, &Path)> =
        std::iter::once((Split::Train, args.file.as_path())).chain(held_out).collect();
    let ImportSummary { rows, groups, splits, skipped, .. } =
        import(&files, args.from.into(), &args.out)
            .with_context(|| format!("failed to write {}", args.out.display()))?;
    for (reason, count) in skipped {
        printer::note(&format!("{count} rows skipped: {reason}"));
    }
    printer::note(&format!(
        "{rows} rows, {groups} groups ({}): {}; the labels are unverified",
        listed(&splits),
        args.out.display()
    ));
    Ok(())
}

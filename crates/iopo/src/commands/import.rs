//! `iopo import`.

use anyhow::{Context, Result};
use iopo_pairs::exchange::ImportSummary;
use iopo_pairs::import;

use crate::cli::ImportArgs;
use crate::commands::export::refuse_taken;
use crate::printer;

/// Makes preference groups of another trainer's rows.
pub(crate) fn run(args: &ImportArgs) -> Result<()> {
    refuse_taken(&args.out)?;
    let ImportSummary { rows, groups, left_out } =
        import(&args.file, args.from.into(), args.split, &args.out)
            .with_context(|| format!("failed to import {}", args.file.display()))?;
    for (reason, count) in left_out {
        printer::note(&format!("{count} rows left out: {reason}"));
    }
    printer::note(&format!(
        "{rows} rows, {groups} groups: {}; their labels are taken as they stand, nothing was checked",
        args.out.display()
    ));
    Ok(())
}

//! `iopo config`.

use anyhow::Result;
use iopo::config::{listing, markdown};

use crate::cli::ConfigArgs;
use crate::failure::Failure;
use crate::printer;

/// Prints the reference of all settings, or of those inside a key.
pub(crate) fn run(args: &ConfigArgs) -> Result<()> {
    if args.markdown {
        printer::result(markdown().trim_end())?;
        return Ok(());
    }
    let part = args.key.as_deref().unwrap_or_default();
    let text = listing(part);
    if text.is_empty() {
        return Err(Failure::usage(format!("no setting or section `{part}`"))
            .hint("`iopo config` lists all of them")
            .into());
    }
    printer::result(&text)?;
    Ok(())
}

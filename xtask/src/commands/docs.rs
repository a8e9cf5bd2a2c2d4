//! `cargo xtask docs`: generates docs/configuration.md.

use std::fs;

use anyhow::{Context, Result, bail};

use crate::cargo::{cargo, output, root, say};

/// Flags of `cargo xtask docs`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Fail if the page is out of date, instead of writing it.
    #[arg(long)]
    check: bool,
}

/// Writes or checks the page that `iopo config --markdown` prints.
///
/// # Errors
/// Returns an error if the build fails, the page cannot be written, or it is out of date.
pub(crate) fn run_args(args: &Args) -> Result<()> {
    let path = root().join("docs").join("configuration.md");
    let iopo =
        ["run", "--quiet", "--package", "iopo", "--bin", "iopo", "--", "config", "--markdown"];
    let page = output(&mut cargo(&iopo))?;
    if args.check {
        let found = fs::read_to_string(&path).unwrap_or_default();
        if found != page {
            bail!("{} is out of date; hint: run `cargo xtask docs`", path.display());
        }
        return Ok(());
    }
    fs::write(&path, page).with_context(|| format!("failed to write {}", path.display()))?;
    say(&format!("wrote {}", path.display()));
    Ok(())
}

//! `cargo xtask ci`: what must hold before a change goes in.

use anyhow::Result;

use crate::commands::{lint, test};

/// Lints, then the tests (the smoke pipeline is one of them), whose closing lines come last.
pub(crate) fn run() -> Result<()> {
    lint::run_all()?;
    test::run_args(&test::Args::default())
}

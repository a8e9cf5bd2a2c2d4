//! `cargo xtask ci`: what must hold before a change goes in.

use anyhow::Result;

use crate::commands::{lint, pipeline, test};

/// Lints, the smoke run, then the tests, whose closing lines come last.
pub(crate) fn run() -> Result<()> {
    lint::run_all()?;
    pipeline::smoke()?;
    test::run_args(&test::Args::default())
}

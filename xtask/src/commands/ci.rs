//! `cargo xtask ci`: the checks that a change must pass.

use anyhow::Result;

use crate::commands::{lint, test};

/// Runs the lints, builds every package alone, then runs the tests, so that the test summary comes last.
///
/// # Errors
/// Returns the first check that fails.
pub(crate) fn run() -> Result<()> {
    lint::run_all(lint::Packages::Build)?;
    test::run_args(&test::Args::default())
}

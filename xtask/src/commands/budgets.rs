//! `cargo xtask budgets`: counts the operations of an update and of a generated token as on a GPU, without one.

use anyhow::Result;

use crate::cargo::{cargo, run};

/// Counts the operations and prints a table.
///
/// # Errors
/// Returns an error if a number is above its budget.
pub(crate) fn run_all() -> Result<()> {
    let mut test = cargo(&["test", "--package", "iopo-train", "--test", "it"]);
    run(test.args(["--", "budgets::", "--nocapture", "--test-threads=1"]))
}

//! `cargo xtask test`: all tests, or those that a filter selects.

use anyhow::Result;

use crate::cargo::{cargo, run, say, works};

/// Flags of `cargo xtask test`.
#[derive(Debug, Default, clap::Args)]
pub(crate) struct Args {
    /// Test names to select, and flags for the test runner. Default: all tests.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "FILTER")]
    filter: Vec<String>,
}

/// Runs the documentation tests, then all other tests, so that the runner's summary comes last.
///
/// A filter skips the documentation tests. Without cargo-nextest, `cargo test` runs the tests.
///
/// # Errors
/// Returns an error if a test fails or does not compile.
pub(crate) fn run_args(args: &Args) -> Result<()> {
    let nextest = works(&mut cargo(&["nextest", "--version"]));
    if !nextest {
        say("cargo-nextest is not installed; running `cargo test` instead");
    }
    if args.filter.is_empty() {
        run(&mut cargo(&["test", "--workspace", "--doc", "--quiet"]))?;
    }
    if nextest {
        let mut tests = cargo(&["nextest", "run", "--workspace", "--no-fail-fast"]);
        tests.args(["--no-tests", "pass"]);
        run(tests.args(&args.filter))
    } else {
        run(cargo(&["test", "--workspace", "--lib", "--bins", "--tests", "--no-fail-fast"])
            .args(&args.filter))
    }
}

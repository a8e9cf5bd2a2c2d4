//! `cargo xtask test`: every test there is.

use anyhow::Result;

use crate::cargo::{cargo, run, say, works};

/// Flags of `cargo xtask test`.
#[derive(Debug, Default, clap::Args)]
pub(crate) struct Args {
    /// Names of tests to run, and flags of the runner; none means all.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "FILTER")]
    filter: Vec<String>,
}

/// Documentation tests first, so that the runner's closing lines are the last ones.
pub(crate) fn run_args(args: &Args) -> Result<()> {
    let nextest = works(&mut cargo(&["nextest", "--version"]));
    if !nextest {
        say("cargo-nextest is not installed: using cargo test");
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

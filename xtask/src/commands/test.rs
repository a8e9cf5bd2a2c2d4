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

/// Runs the documentation tests and those of the endpoints, then all other tests, so that the runner's summary comes last.
///
/// A filter skips the first two. Without cargo-nextest, `cargo test` runs the tests.
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
        // The endpoints and their hostile server are an optional feature.
        run(&mut cargo(&["test", "-p", "iopo-llm", "--features", "_server", "--quiet"]))?;
    }
    let mut tests = if nextest {
        cargo(&["nextest", "run", "--no-fail-fast", "--no-tests", "pass"])
    } else {
        cargo(&["test", "--lib", "--bins", "--tests", "--no-fail-fast"])
    };
    if !names_package(&args.filter) {
        tests.arg("--workspace");
    }
    run(tests.args(&args.filter))
}

/// Returns whether a filter selects packages, which `--workspace` would override.
fn names_package(filter: &[String]) -> bool {
    let flags = filter.iter().take_while(|flag| *flag != "--");
    flags
        .into_iter()
        .any(|flag| flag == "--package" || flag.starts_with("--package=") || flag.starts_with("-p"))
}

#[cfg(test)]
mod tests {
    use super::names_package;

    #[test]
    fn a_package_replaces_the_workspace() {
        let named = |flags: &[&str]| {
            names_package(&flags.iter().map(ToString::to_string).collect::<Vec<String>>())
        };
        assert!(named(&["-p", "iopo-core"]) && named(&["-piopo-core"]));
        assert!(named(&["words", "--package=iopo-core"]) && named(&["--package", "iopo-core"]));
        assert!(!named(&[]) && !named(&["words"]) && !named(&["words", "--", "-p"]));
    }
}

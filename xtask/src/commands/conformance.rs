//! `cargo xtask conformance`: golden numbers, on any backend.

use anyhow::Result;

use crate::cargo::{cargo, root, run, say};
use crate::commands::libtorch;
use crate::commands::pipeline::Backend;

/// The test programs that compute on `IOPO_TEST_DEVICE`, and which of their tests make up the suite.
const SUITE: [(&[&str], &[&str]); 2] = [
    (&["golden_forward", "greedy_on_device"], &[]),
    (&["it"], &["losses::", "golden_trace::", "tree::"]),
];

/// Flags of `cargo xtask conformance`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// What to compute on.
    #[arg(long, value_enum)]
    backend: Backend,
    /// What weights are held in.
    #[arg(long, value_name = "TYPE", default_value = "f32", value_parser = ["f32", "bf16"])]
    dtype: String,
}

/// Runs the suite, with every figure beside the most that it may be.
pub(crate) fn run_args(args: &Args) -> Result<()> {
    let name = args.backend.name();
    let mut failed = Vec::new();
    for (programs, filters) in SUITE {
        // The features of `cargo xtask test`, whose builds this shares, and one more: flex is there to be compared with.
        let mut tests = cargo(&["test", "--workspace"]);
        tests.args(["--features", &format!("iopo-model/{name}")]);
        for program in programs {
            tests.args(["--test", program]);
        }
        // All figures are wanted, whatever fails.
        tests.args(["--no-fail-fast", "--", "--nocapture"]).args(filters);
        tests.env("IOPO_TEST_DEVICE", name).env("IOPO_TEST_DTYPE", &args.dtype);
        if let Backend::Tch = args.backend {
            libtorch::point_to(&mut tests)?;
        }
        failed.extend(run(tests.current_dir(root())).err());
    }
    if let Some(error) = failed.into_iter().next() {
        return Err(error);
    }
    say(&format!(
        "conformance: {name} in {} agrees, but for what is said above to be left out",
        args.dtype
    ));
    Ok(())
}

//! `cargo xtask conformance`: the golden tests on any backend.

use anyhow::{Result, bail};

use crate::backend::Backend;
use crate::cargo::{cargo, root, run, say};
use crate::commands::libtorch;

/// Flags that select test programs that compute on `IOPO_TEST_DEVICE`, and filters that select the suite from them.
type Programs = (&'static [&'static str], &'static [&'static str]);

/// The suite of every device.
const SUITE: [Programs; 2] = [
    (&["--test", "golden_forward", "--test", "greedy_on_device"], &[]),
    (&["--test", "it"], &["golden_trace::", "tree::"]),
];

/// The tests of kernels and recorded steps on GPUs.
const KERNELS: Programs = (&["--lib"], &["kernels::gpu", "gpu_step"]);

/// Flags of `cargo xtask conformance`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Backend to test.
    #[arg(long, value_enum)]
    backend: Backend,
    /// Type of the weights.
    #[arg(long, value_name = "TYPE", default_value = "f32", value_parser = ["f32", "bf16"])]
    dtype: String,
    /// Compute with the Burn operations of the other backends instead of the kernels for flex.
    #[arg(long)]
    plain: bool,
}

/// Runs the suite and prints every difference with its tolerance.
///
/// # Errors
/// Returns the first failure, after all tests ran.
pub(crate) fn run_args(args: &Args) -> Result<()> {
    let name = args.backend.name();
    if args.plain && !matches!(args.backend, Backend::Flex) {
        bail!("--plain is for `flex`: {name} has no kernels to turn off");
    }
    let feature = if args.plain { "_plain" } else { name };
    let mut failed = Vec::new();
    let kernels = (!matches!(args.backend, Backend::Flex | Backend::Tch)).then_some(KERNELS);
    for (programs, filters) in kernels.into_iter().chain(SUITE) {
        // The features of `cargo xtask test`, to share its builds, and the backend; flex stays as the reference.
        let mut tests = cargo(&["test", "--workspace"]);
        tests.args(["--features", &format!("iopo-model/{feature}")]);
        tests.args(programs);
        // Print every difference, even after a failure.
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
    let plain = if args.plain { " without kernels" } else { "" };
    say(&format!(
        "conformance: {name}{plain} in {} passes; the output above lists skipped checks",
        args.dtype
    ));
    Ok(())
}

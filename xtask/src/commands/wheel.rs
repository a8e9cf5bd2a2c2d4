//! `cargo xtask wheel`: the Python package, one wheel with the module and the `iopo` command.

mod bench;
mod build;
mod test;

use std::path::PathBuf;

use anyhow::Result;

use crate::cargo::say;

/// Flags of `cargo xtask wheel`.
#[derive(Debug, Default, clap::Args)]
pub(crate) struct Args {
    /// Build the module and the binary in the dev profile: larger and slower, but built sooner.
    #[arg(long)]
    debug: bool,
    /// The iopo binary for the wheel [default: build it].
    #[arg(long, value_name = "FILE")]
    binary: Option<PathBuf>,
    /// The wheel's platform tag on Linux, for instance `manylinux_2_28` in a container of that name. The default is a wheel
    /// for this machine.
    #[arg(long, value_name = "TAG", default_value = "linux")]
    compatibility: String,
    /// Install the wheel into an empty environment and run its tests there.
    #[arg(long)]
    test: bool,
    /// Time the module and the published Python checks on the labeled responses in this directory.
    #[arg(long, value_name = "DATA")]
    bench: Option<PathBuf>,
}

/// Builds the wheel, and tests and times it if asked.
///
/// # Errors
/// Returns an error if a build or a test fails.
pub(crate) fn run_args(args: &Args) -> Result<()> {
    let wheel = build::wheel(args)?;
    if args.test {
        test::run_all(&wheel)?;
    }
    if let Some(data) = &args.bench {
        bench::run_all(&wheel, data)?;
    }
    say(&format!("built {}", wheel.display()));
    Ok(())
}

/// Builds a wheel in the dev profile and returns its path.
///
/// # Errors
/// Returns an error if a build fails.
pub(crate) fn debug() -> Result<PathBuf> {
    let compatibility = "linux".to_owned();
    build::wheel(&Args { debug: true, compatibility, ..Args::default() })
}

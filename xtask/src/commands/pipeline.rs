//! `cargo xtask pipeline`: builds the binary with a backend, then runs it.

use std::process::Command;

use anyhow::{Result, bail};

use crate::backend::Backend;
use crate::cargo::{cargo_here, hand_over, root};
use crate::commands::libtorch;

/// The features besides the backend that every build has by default: models behind endpoints, and the reward server.
const DEFAULTS: &str = "endpoint,serve";

/// Flags of `cargo xtask pipeline`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Backend to build and compute on.
    #[arg(long, value_enum, default_value_t = Backend::Flex)]
    backend: Backend,
    /// Build with the dev profile, which the tests share (its dependencies are optimized).
    #[arg(long)]
    dev: bool,
    /// Score the base, the SFT model and the best method on these benchmarks: sets `eval.benchmarks`.
    #[arg(long, value_name = "NAME,..", value_delimiter = ',')]
    eval: Vec<String>,
    /// Flags of `iopo pipeline`, for instance --preset smoke or --out DIR.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "IOPO_FLAGS")]
    passed: Vec<String>,
}

impl Args {
    /// Returns the flags of `iopo` that choose the benchmarks.
    fn benchmarks(&self) -> Vec<String> {
        if self.eval.is_empty() {
            return Vec::new();
        }
        vec!["--set".to_owned(), format!("eval.benchmarks={:?}", self.eval)]
    }

    /// Returns an error if a flag of this command is among those of `iopo`, which has no such flag.
    fn check_order(&self) -> Result<()> {
        let named = |flag: &str, name: &str| {
            flag.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('='))
        };
        let own =
            |flag: &&String| ["--backend", "--dev", "--eval"].iter().any(|name| named(flag, name));
        match self.passed.iter().find(own) {
            Some(flag) => bail!("`{flag}` must come before the flags of `iopo pipeline`"),
            None => Ok(()),
        }
    }
}

/// Builds the binary and replaces this process with `iopo`, so that signals and exit codes are those of `iopo`.
///
/// # Errors
/// Returns an error if a flag is misplaced, LibTorch is missing, or the build cannot start.
pub(crate) fn run_args(args: &Args) -> Result<()> {
    args.check_order()?;
    let mut command = command(args.backend, args.dev)?;
    command.arg("pipeline").args(&args.passed).args(args.benchmarks());
    hand_over(&mut command)
}

fn command(backend: Backend, dev: bool) -> Result<Command> {
    let manifest = root().join("Cargo.toml");
    let mut cargo = cargo_here(&["run", "--package", "iopo", "--bin", "iopo"]);
    cargo.arg("--manifest-path").arg(manifest).arg("--no-default-features");
    // The dev profile shares its artifacts with the tests, so it uses their features.
    let backend_features = if dev { backend.name() } else { backend.fastest() };
    cargo.args(["--features", &format!("{backend_features},{DEFAULTS}")]);
    if !dev {
        cargo.arg("--release");
    }
    if let Backend::Tch = backend {
        libtorch::point_to(&mut cargo)?;
    }
    cargo.arg("--");
    Ok(cargo)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::{Args, Backend};

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        args: Args,
    }

    fn args(line: &[&str]) -> Args {
        Line::try_parse_from(line).expect("valid flags").args
    }

    #[test]
    fn flags_after_those_of_xtask_are_passed_to_iopo_unchanged() {
        let args = args(&["x", "--backend", "tch", "--preset", "smoke", "--set", "train.beta=0.2"]);
        assert_eq!(args.backend, Backend::Tch);
        assert_eq!(args.passed, ["--preset", "smoke", "--set", "train.beta=0.2"]);
        args.check_order().expect("in order");
    }

    #[test]
    fn benchmarks_are_a_setting_of_iopo() {
        let chosen = args(&["x", "--eval", "ifeval,ifbench", "--preset", "smoke"]);
        assert_eq!(chosen.benchmarks(), ["--set", r#"eval.benchmarks=["ifeval", "ifbench"]"#]);
        assert_eq!(chosen.passed, ["--preset", "smoke"]);
        chosen.check_order().expect("in order");
        assert!(args(&["x", "--preset", "smoke"]).benchmarks().is_empty());
    }

    #[test]
    fn every_backend_is_built_with_the_default_features() {
        for (backend, dev) in
            [(Backend::Flex, true), (Backend::Flex, false), (Backend::Wgpu, false)]
        {
            let command = super::command(backend, dev).expect("a command");
            let args: Vec<_> = command.get_args().map(|arg| arg.to_string_lossy()).collect();
            let at = args.iter().position(|arg| arg == "--features").expect("features");
            assert!(args[at + 1].starts_with(backend.name()), "{args:?}");
            assert!(args[at + 1].ends_with(",endpoint,serve"), "{args:?}");
        }
    }

    #[test]
    fn a_misplaced_flag_of_xtask_is_an_error() {
        for flag in ["--backend", "--backend=tch", "--dev", "--eval"] {
            let error = args(&["x", "--preset", "smoke", flag]).check_order().expect_err(flag);
            assert!(error.to_string().contains(flag), "{error}");
        }
    }
}

//! The project's own commands: `cargo xtask pipeline | test | lint | bench | interop | conformance | ci`.
//!
//! Light on purpose: it knows how to call cargo and nothing of Burn, so it builds in seconds and can
//! build the real binary with whichever backend was asked for.

mod cargo;
mod commands;
mod python;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::commands::{bench, ci, conformance, interop, lavapipe, libtorch, lint, pipeline, test};

/// The project's own commands.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", disable_help_subcommand = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Build the iopo binary and run the whole way: tasks to an evaluated adapter.
    Pipeline(pipeline::Args),
    /// Run all tests: unit, integration and documentation.
    Test(test::Args),
    /// Check formatting, spelling, licences, lints, documentation and packages.
    Lint,
    /// Time the pieces with criterion, or with --peer whole steps beside PyTorch's.
    Bench(bench::Args),
    /// Hold our files against peft, transformers, datasets and TRL, in a Python environment of its own.
    Interop,
    /// Hold golden numbers, segment trees, generation and training against what a backend computes.
    Conformance(conformance::Args),
    /// Get LibTorch for the tch backend, from Python wheels (1 GB).
    SetupLibtorch,
    /// Say how to install a Vulkan driver that computes on the CPU, for the wgpu backend.
    SetupLavapipe(lavapipe::Args),
    /// Run everything that continuous integration runs: the lints, then the tests.
    Ci,
}

fn main() -> ExitCode {
    let outcome = match Cli::parse().command {
        Command::Pipeline(args) => pipeline::run_args(&args),
        Command::Test(args) => test::run_args(&args),
        Command::Lint => lint::run_all(),
        Command::Bench(args) => bench::run_args(&args),
        Command::Interop => interop::run_all(),
        Command::Conformance(args) => conformance::run_args(&args),
        Command::SetupLibtorch => libtorch::setup(),
        Command::SetupLavapipe(args) => lavapipe::run_args(&args),
        Command::Ci => ci::run(),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            cargo::say(&format!("error: {error:#}"));
            cargo::exit_code(&error)
        }
    }
}

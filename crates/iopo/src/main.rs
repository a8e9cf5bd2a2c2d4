//! The `iopo` command: one command per stage, and `pipeline`.
//!
//! Only the binary prints, downloads and reads the environment. Libraries return values.

mod allocator;
mod bars;
mod base_model;
mod cli;
mod commands;
mod failure;
mod fetch;
mod interrupt;
mod panics;
mod printer;
mod probe;
mod resolve;
mod run_dir;
mod session;
mod size;
mod tiny;

use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;
use tracing_subscriber::EnvFilter;

use crate::cli::{Cli, Command};
use crate::failure::Exit;

fn main() -> ExitCode {
    allocator::keep_freed_memory();
    let cli = Cli::parse();
    log();
    panics::keep_quiet();
    match panics::caught(|| interrupt::install().and_then(|()| run(&cli.command))) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) if interrupt::requested() => {
            printer::note(
                "interrupted: finished work is kept; run the same command again to resume",
            );
            Exit::Interrupted.into()
        }
        Err(error) => {
            printer::note(&failure::render(&error));
            failure::exit_of(&error).into()
        }
    }
}

fn run(command: &Command) -> Result<()> {
    match command {
        Command::Synth(args) => commands::synth::run(args),
        Command::Pairs(args) => commands::pairs::run(args),
        Command::Train(args) => commands::train::run(args),
        Command::Eval(args) => match &args.benchmark {
            None => commands::eval::run(&args.run),
            Some(benchmark) => commands::eval::benchmark::run(benchmark),
        },
        Command::Report(args) => commands::report::run(args),
        Command::Pipeline(args) => commands::pipeline::run(args),
        Command::Merge(args) => commands::merge::run(args),
        Command::Export(args) => commands::export::run(args),
        Command::Import(args) => commands::import::run(args),
        Command::Inspect(args) => commands::inspect::run(args),
        Command::Devices(args) => commands::devices::run(args),
        Command::Config(args) => commands::config::run(args),
    }
}

fn log() {
    let filter = EnvFilter::try_from_env("IOPO_LOG").unwrap_or_else(|_| EnvFilter::new("warn"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_target(true)
        .init();
}

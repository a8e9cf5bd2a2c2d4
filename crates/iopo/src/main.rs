//! The `iopo` command. It parses flags, downloads models, shows progress, prints summaries and sets the exit code;
//! [`iopo::pipeline`] does the work.

mod allocator;
mod bars;
mod cli;
mod commands;
mod failure;
mod fetch;
mod interrupt;
mod load;
mod logging;
#[cfg(feature = "endpoint")]
mod paid;
mod panics;
mod printer;
mod probe;
mod resolve;
mod size;

use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;
use iopo::pipeline::Stage;

use crate::cli::{Cli, Command};
use crate::commands::stage;
use crate::failure::Exit;

fn main() -> ExitCode {
    allocator::keep_freed_memory();
    panics::keep_quiet();
    match panics::caught(start) {
        Ok(exit) => exit,
        Err(error) if failure::is_interrupted(&error) => {
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

fn start() -> Result<ExitCode> {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(usage) => {
            printer::usage(&usage)?;
            let fails = usage.use_stderr();
            return Ok(if fails { Exit::Usage.into() } else { ExitCode::SUCCESS });
        }
    };
    logging::start()?;
    interrupt::install()?;
    run(&cli.command)?;
    Ok(ExitCode::SUCCESS)
}

fn run(command: &Command) -> Result<()> {
    match command {
        Command::Synth(args) => stage::run(Stage::Synth, args),
        Command::Fipo(args) => commands::fipo::run(args),
        Command::Pairs(args) => stage::run(Stage::Pairs, args),
        Command::Train(args) => stage::run(Stage::Train, args),
        Command::Rounds(args) => stage::run(Stage::Rounds, args),
        Command::Eval(args) => match &args.benchmark {
            None => stage::run(Stage::Eval, &args.run),
            Some(benchmark) => commands::benchmark::run(benchmark),
        },
        Command::Report(args) => stage::run(Stage::Report, args),
        Command::Pipeline(args) => stage::run_all(args),
        Command::Status(args) => commands::status::run(args),
        Command::Merge(args) => commands::merge::run(args),
        Command::Export(args) => commands::export::run(args),
        Command::Import(args) => commands::import::run(args),
        Command::Inspect(args) => commands::inspect::run(args),
        Command::Devices(args) => commands::devices::run(args),
        Command::Config(args) => commands::config::run(args),
        Command::Llm(args) => commands::llm::run(args),
        #[cfg(feature = "serve")]
        Command::ServeVerifier(args) => commands::verifier::run(args),
    }
}

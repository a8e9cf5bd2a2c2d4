//! Runs the whole pipeline from a Rust program, with progress and hints.
//!
//! ```console
//! $ cargo run -p iopo --example run_pipeline -- runs/mine          # a tiny random model, a smoke test
//! $ cargo run -p iopo --example run_pipeline -- runs/mine MODEL    # a Hugging Face directory or a .gguf file
//! ```
//!
//! Run it again to resume: finished stages are skipped.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "an example reports on the terminal"
)]

use std::error::Error;
use std::process::ExitCode;

use iopo::config::PipelineConfig;
use iopo::llm::Progress;
use iopo::pipeline::{Pipeline, PipelineError};

/// Prints the start of every task. Implement `cancelled` too, to stop a run between two steps.
struct Lines;

impl Progress for Lines {
    fn start(&self, what: &str, total: u64) {
        eprintln!("{what}: {total} steps");
    }

    fn note(&self, text: &str) {
        eprintln!("{text}");
    }
}

fn run(dir: &str, model: Option<String>) -> Result<(), PipelineError> {
    let preset = if model.is_some() { "default" } else { "smoke" };
    let mut config = PipelineConfig::preset(preset)?;
    if let Some(model) = model {
        config.model = model;
    }
    let pipeline = Pipeline::open(config, dir)?;
    pipeline.run(&Lines, |outcome| {
        let seconds = outcome.duration.as_secs_f64();
        println!("{:>8}  {} ({seconds:.1} s)", outcome.summary.stage(), outcome.summary);
    })
}

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    let dir = args.next().unwrap_or_else(|| "runs/example".to_owned());
    match run(&dir, args.next()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            let mut cause = error.source();
            while let Some(error) = cause {
                eprintln!("caused by: {error}");
                cause = error.source();
            }
            if let Some(hint) = error.hint() {
                eprintln!("hint: {hint}");
            }
            ExitCode::FAILURE
        }
    }
}

//! `cargo xtask llama-server`: llama.cpp's server, with an OpenAI-compatible API, on this machine.

mod build;
mod serve;
mod sources;
mod tools;

use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::cargo::{hand_over, root, say};
use crate::smollm2;
use serve::Serving;

/// Flags of `cargo xtask llama-server`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// GGUF file to serve [default: SmolLM2-135M-Instruct, downloaded if it is not in iopo's cache].
    #[arg(long, value_name = "FILE")]
    model: Option<PathBuf>,
    /// Port on 127.0.0.1 [default: a free port].
    #[arg(long)]
    port: Option<u16>,
    /// Number of requests that the server computes at the same time; others wait.
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=256))]
    parallel: u32,
    /// Maximum number of tokens of a request, prompt and answer together.
    #[arg(long, value_name = "TOKENS", default_value_t = 4096, value_parser = clap::value_parser!(u32).range(64..=1_048_576))]
    context: u32,
    /// Number of compilers to run at the same time [default: the number of CPU cores].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    jobs: Option<u32>,
    /// Build the server and print its path, without starting it.
    #[arg(long)]
    build_only: bool,
    /// Flags of llama-server, after `--`.
    #[arg(last = true, value_name = "LLAMA_FLAGS")]
    passed: Vec<String>,
}

/// Builds the server unless it is cached, then replaces this process with it, so that Ctrl-C stops it.
///
/// # Errors
/// Returns an error if a tool is missing, the build fails, the model is not a file or the port is in use.
pub(crate) fn run_args(args: &Args) -> Result<()> {
    let program = build::ready(&dir(), args.jobs)?;
    if args.build_only {
        say(&format!("llama-server is {}", program.display()));
        return Ok(());
    }
    let model = match &args.model {
        Some(model) => std::path::absolute(model)
            .with_context(|| format!("failed to resolve {}", model.display()))?,
        None => smollm2::fetched()?,
    };
    let serving = Serving {
        alias: serve::alias(&model)?,
        model,
        port: serve::free_port(args.port)?,
        parallel: args.parallel,
        context: args.context,
    };
    say(&serving.introduction());
    hand_over(serving.command(&program).args(&args.passed))
}

/// The directory of the program, which depends on the version.
fn dir() -> PathBuf {
    root().join("target").join("llama-server").join(sources::SOURCES.version)
}

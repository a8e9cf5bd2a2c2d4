//! `cargo xtask bench`: criterion benchmarks, training steps compared with PyTorch, and checks compared with Python.

mod cases;
mod criterion;
mod document;
mod ifbench;
mod machine;
mod measured;
mod peer;
mod program;
mod store;
mod tables;

use std::path::PathBuf;

pub(crate) use document::publish;
pub(crate) use machine::describe;

use anyhow::Result;

use crate::cargo::root;

/// Flags of `cargo xtask bench`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Compare training steps and decoding with PyTorch, which is downloaded if needed.
    #[arg(long)]
    peer: bool,
    /// Compare the checks of IFBench with those of a Python package, which is downloaded if needed, on a file of responses with
    /// their instructions.
    #[arg(long, value_name = "RESPONSES", conflicts_with = "peer")]
    ifbench: Option<PathBuf>,
    /// Run only benchmarks (with --peer: cases) whose name contains one of these.
    #[arg(long, value_name = "NAME,..", value_delimiter = ',')]
    only: Vec<String>,
    /// Measure as little as possible, to test the command. Does not change docs/benchmarks.md.
    #[arg(long)]
    quick: bool,
    /// Repeat measurements that an earlier run left under target/bench.
    #[arg(long)]
    fresh: bool,
    /// Hugging Face directory or .gguf file [default: the cached default model].
    #[arg(long, value_name = "PATH", requires = "peer")]
    model: Option<PathBuf>,
    /// Lengths of the sequences, prompt and response, in tokens.
    #[arg(
        long = "lengths",
        value_name = "PROMPT+RESPONSE,..",
        value_delimiter = ',',
        default_value = "64+64,256+128,512+128",
        requires = "peer"
    )]
    lengths: Vec<String>,
    /// Number of times that each side is started, in turns (with --peer or --ifbench).
    #[arg(long, value_name = "N", default_value_t = 2)]
    rounds: usize,
    /// Untimed steps after each start; the first two allocate memory.
    #[arg(long, value_name = "N", default_value_t = 2, requires = "peer")]
    warmup: usize,
    /// Timed steps after each start.
    #[arg(long, value_name = "N", default_value_t = 3, requires = "peer")]
    repeat: usize,
    /// Threads of each side.
    #[arg(long, value_name = "N", default_value_t = 2, requires = "peer")]
    threads: usize,
}

impl Args {
    fn wants(&self, name: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|only| name.contains(only.as_str()))
    }
}

/// Runs the benchmarks and writes the tables to `docs/benchmarks.md`.
pub(crate) fn run_args(args: &Args) -> Result<()> {
    match &args.ifbench {
        Some(responses) => ifbench::run(args, responses),
        None if args.peer => peer::run(args),
        None => criterion::run(args),
    }
}

/// Directory of the measurements.
fn dir() -> PathBuf {
    root().join("target").join("bench")
}

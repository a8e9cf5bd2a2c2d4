//! `cargo xtask bench`: how long the pieces take, and whole steps beside PyTorch's.

mod cases;
mod criterion;
mod document;
mod machine;
mod measured;
mod peer;
mod program;
mod store;
mod tables;

use std::path::PathBuf;

use anyhow::Result;

use crate::cargo::root;

/// Flags of `cargo xtask bench`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Set training steps and decoding beside those of PyTorch, which is downloaded for it.
    #[arg(long)]
    peer: bool,
    /// Run only the benches whose name holds one of these, or with --peer the measurements of these names.
    #[arg(long, value_name = "NAME,..", value_delimiter = ',')]
    only: Vec<String>,
    /// As little as possible, to see that it runs; docs/benchmarks.md stays as it is.
    #[arg(long)]
    quick: bool,
    /// Measure again what an earlier run has left under target/bench.
    #[arg(long)]
    fresh: bool,
    /// A Hugging Face directory or a .gguf file [default: the model that the pipeline has fetched].
    #[arg(long, value_name = "PATH", requires = "peer")]
    model: Option<PathBuf>,
    /// Tokens of prompt and response.
    #[arg(
        long = "lengths",
        value_name = "PROMPT+RESPONSE,..",
        value_delimiter = ',',
        default_value = "64+64,256+128,512+128",
        requires = "peer"
    )]
    lengths: Vec<String>,
    /// How often each side is started, in turns: ours, theirs, ours, theirs.
    #[arg(long, value_name = "N", default_value_t = 2, requires = "peer")]
    rounds: usize,
    /// Steps at each start that are not timed: in the first two, memory is still being taken from the system.
    #[arg(long, value_name = "N", default_value_t = 2, requires = "peer")]
    warmup: usize,
    /// Steps that are timed after them.
    #[arg(long, value_name = "N", default_value_t = 3, requires = "peer")]
    repeat: usize,
    /// Threads of each side.
    #[arg(long, value_name = "N", default_value_t = 2, requires = "peer")]
    threads: usize,
}

impl Args {
    fn wants(&self, name: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|only| only == name)
    }
}

/// Runs what was asked for; the tables go to `docs/benchmarks.md`.
pub(crate) fn run_args(args: &Args) -> Result<()> {
    if args.peer { peer::run(args) } else { criterion::run(args) }
}

/// Where whatever the tables are made of lies.
fn dir() -> PathBuf {
    root().join("target").join("bench")
}

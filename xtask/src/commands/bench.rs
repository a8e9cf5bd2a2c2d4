//! `cargo xtask bench`: how long the pieces take, and whole steps beside PyTorch's.

mod criterion;
mod measured;
mod peer;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::cargo::{root, say};

/// Flags of `cargo xtask bench`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Run only the criterion benches whose name holds this.
    #[arg(value_name = "FILTER", conflicts_with = "peer")]
    filter: Option<String>,
    /// Set training steps and decoding beside those of PyTorch, which is downloaded for it.
    #[arg(long)]
    peer: bool,
    /// A Hugging Face directory or a .gguf file [default: the model that the pipeline has fetched].
    #[arg(long, value_name = "PATH", requires = "peer")]
    model: Option<PathBuf>,
    /// Tokens of prompt and response.
    #[arg(
        long = "lengths",
        value_name = "PROMPT+RESPONSE,..",
        value_delimiter = ',',
        default_value = "64+64,256+128,512+128"
    )]
    lengths: Vec<String>,
    /// How often each side is started, in turns: ours, theirs, ours, theirs.
    #[arg(long, value_name = "N", default_value_t = 2)]
    rounds: usize,
    /// Steps that are timed at each start, after one that is not.
    #[arg(long, value_name = "N", default_value_t = 3)]
    repeat: usize,
    /// Threads of each side.
    #[arg(long, value_name = "N", default_value_t = 2)]
    threads: usize,
}

/// Runs what was asked for; the tables lie under `target/bench`.
pub(crate) fn run_args(args: &Args) -> Result<()> {
    if args.peer { peer::run(args) } else { criterion::run(args.filter.as_deref()) }
}

/// Where tables and whatever they are made of lie.
fn dir() -> PathBuf {
    root().join("target").join("bench")
}

fn write(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text).with_context(|| format!("failed to write {}", path.display()))
}

fn tell(path: &Path, table: &str) {
    say(table);
    say(&format!("written to {}", path.display()));
}

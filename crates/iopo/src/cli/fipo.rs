//! The flags of `iopo fipo`.

use std::path::PathBuf;

use clap::Args;

use super::RunArgs;

/// Flags of `iopo fipo`.
#[derive(Debug, Args)]
pub(crate) struct FipoArgs {
    #[command(flatten)]
    pub(crate) run: RunArgs,
    /// Collect for the accepted responses in the responses.parquet of another run, beside its instructions.parquet [default: the
    /// responses of --out].
    #[arg(long, value_name = "FILE", conflicts_with = "from")]
    pub(crate) responses: Option<PathBuf>,
    /// Collect for the prompts and responses in a file of FIPO's published format: .jsonl, .json or .parquet.
    #[arg(long, value_name = "FILE")]
    pub(crate) from: Option<PathBuf>,
}

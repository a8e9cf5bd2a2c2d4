//! `iopo pipeline`.

use anyhow::Result;

use crate::cli::RunArgs;
use crate::commands::{eval, pairs, report, synth, train};
use crate::printer;
use crate::session::Session;

/// Runs every stage, skipping finished ones.
pub(crate) fn run(args: &RunArgs) -> Result<()> {
    let mut session = Session::open(args)?;
    printer::stage("run", &format!("{}", session.run.root().display()));
    // Checked before synthesis, which takes long.
    pairs::refuse_imported(&session)?;
    synth::stage(&mut session)?;
    pairs::stage(&mut session)?;
    train::stage(&mut session)?;
    eval::stage(&mut session)?;
    report::stage(&mut session)
}

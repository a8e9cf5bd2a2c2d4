//! `iopo pipeline`.

use anyhow::Result;

use crate::cli::RunArgs;
use crate::commands::{eval, pairs, report, synth, train};
use crate::printer;
use crate::session::Session;

/// Runs every stage; those that are finished are only looked at.
pub(crate) fn run(args: &RunArgs) -> Result<()> {
    let mut session = Session::open(args)?;
    printer::stage("run", &format!("{}", session.run.root().display()));
    // Synthesis takes long: what the next stage will refuse is refused before it.
    pairs::refuse_imported(&session)?;
    synth::stage(&mut session)?;
    pairs::stage(&mut session)?;
    train::stage(&mut session)?;
    eval::stage(&mut session)?;
    report::stage(&mut session)
}

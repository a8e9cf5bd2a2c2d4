//! `iopo pairs`.

use anyhow::Result;
use iopo_pairs::is_imported;

use crate::cli::RunArgs;
use crate::failure::Failure;
use crate::session::Session;

/// Runs this stage alone.
pub(crate) fn run(args: &RunArgs) -> Result<()> {
    stage(&mut Session::open(args)?)
}

/// Builds preference groups from the synthesized instructions and responses.
pub(crate) fn stage(session: &mut Session) -> Result<()> {
    refuse_imported(session)?;
    session.needs(&session.run.instructions(), "synth")?;
    session.needs(&session.run.responses(), "synth")?;
    let (run, config) = (session.run.clone(), session.config.pairs.clone());
    session.timed("pairs", |session| {
        let (instructions, responses) = (run.instructions(), run.responses());
        let made =
            iopo_pairs::build(&instructions, &responses, run.root(), &config, &session.bars)?;
        Ok(format!(
            "{} groups ({} full, {} sided): {} train, {} dev, {} test",
            made.groups, made.full, made.sided, made.train, made.dev, made.test
        ))
    })
}

/// Returns an error if the groups are imported: no stage can rebuild those, so none may replace them.
pub(super) fn refuse_imported(session: &Session) -> Result<()> {
    let preferences = session.run.preferences();
    if !is_imported(&preferences) {
        return Ok(());
    }
    let out = session.run.root().display();
    Err(Failure::usage(format!(
        "{} holds imported groups, which this stage would replace",
        preferences.display()
    ))
    .hint(format!(
        "run `iopo train --out {out}` to train on them, or pass another --out to build groups"
    ))
    .into())
}

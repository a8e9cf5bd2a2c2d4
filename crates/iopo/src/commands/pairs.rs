//! `iopo pairs`.

use anyhow::Result;

use crate::cli::RunArgs;
use crate::session::Session;

/// Runs this stage alone.
pub(crate) fn run(args: &RunArgs) -> Result<()> {
    stage(&mut Session::open(args)?)
}

/// Builds preference groups out of what synthesis left.
pub(crate) fn stage(session: &mut Session) -> Result<()> {
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

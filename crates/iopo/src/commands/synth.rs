//! `iopo synth`.

use anyhow::Result;

use crate::cli::RunArgs;
use crate::session::Session;

/// Runs this stage alone.
pub(crate) fn run(args: &RunArgs) -> Result<()> {
    stage(&mut Session::open(args)?)
}

/// Samples answers to the seed tasks and writes instructions out of what is true of them.
pub(crate) fn stage(session: &mut Session) -> Result<()> {
    session.timed("synth", |session| {
        let (run, config, seeds) =
            (session.run.clone(), session.config.synth.clone(), session.seeds()?);
        // What is wrong with a small file is said before a large one is loaded.
        config.validate()?;
        iopo_synth::read_seeds(&seeds)?;
        let (model, bars) = session.base()?;
        let made = iopo_synth::synthesize(&seeds, run.root(), model, &config, bars)?;
        Ok(format!(
            "{} seeds, {} answers kept of {}, {} instructions, {:.0} % repaired",
            made.seeds,
            made.kept,
            made.answers,
            made.instructions,
            100.0 * made.repaired_share()
        ))
    })
}

//! `iopo train`.

use std::fmt::Write;

use anyhow::Result;
use iopo_train::RunSummary;

use crate::cli::RunArgs;
use crate::printer;
use crate::session::Session;

/// Runs this stage alone.
pub(crate) fn run(args: &RunArgs) -> Result<()> {
    stage(&mut Session::open(args)?)
}

/// Trains every method of the configuration on the preference groups.
pub(crate) fn stage(session: &mut Session) -> Result<()> {
    session.needs(&session.run.preferences(), "pairs")?;
    session.timed("train", |session| {
        let (run, config) = (session.run.clone(), session.config.train.clone());
        config.validate()?;
        let (model, bars) = session.base()?;
        let made =
            iopo_train::train(&config, &run.preferences(), &model.base(), &run.train(), bars)?;
        for run in &made.runs {
            printer::note(&line(run));
        }
        for (reason, count) in &made.dropped {
            printer::note(&format!("{:>10}  {count} groups skipped: {reason}", ""));
        }
        Ok(format!("{} models on {} groups", made.runs.len(), made.groups))
    })
}

/// One line about a trained method: updates, metrics, and the tokens that segment trees saved.
fn line(run: &RunSummary) -> String {
    let mut line =
        format!("{:>10}  seed {}, {} updates", run.method.to_string(), run.seed, run.updates);
    if run.updates < run.planned {
        let _ = write!(line, " (stopped early, of {})", run.planned);
    }
    if let Some(loss) = run.loss {
        let _ = write!(line, ", loss {loss:.4}");
    }
    if let Some(accuracy) = run.dev_accuracy {
        let _ = write!(line, ", dev accuracy {:.0} %", 100.0 * accuracy);
    }
    if run.kept < run.updates {
        let _ = write!(line, ", weights kept from update {}", run.kept);
    }
    let (computed, padded) = (run.tokens, run.padded_tokens);
    line + &format!(
        ", {computed} tokens computed ÷ {padded} of padded rows = {:.2}",
        run.token_ratio()
    )
}

//! `iopo status`.

use anyhow::Result;
use iopo::pipeline::{PipelineError, RunDir, StageStatus, status};

use crate::cli::{RunArgs, StatusArgs};
use crate::failure::pipeline::failure;
use crate::printer;
use crate::resolve::resolve;

/// Prints one line for each stage of a run. Writes nothing, so it can be used while a stage works.
pub(crate) fn run(args: &StatusArgs) -> Result<()> {
    let dir = &args.dir;
    if !RunDir::config_of(dir).is_file() {
        return Err(failure(PipelineError::NoRun { dir: dir.clone() }, dir));
    }
    let run = RunArgs {
        preset: args.preset.clone(),
        config: args.config.clone(),
        sets: args.sets.clone(),
        out: Some(dir.clone()),
        ..RunArgs::default()
    };
    let stages = status(resolve(&run)?.config, dir).map_err(|error| failure(error, dir))?;
    let lines: Vec<String> = stages.iter().map(line).collect();
    printer::result(&lines.join("\n"))
}

/// Returns the name of a stage, its state, and why it is not valid.
fn line(status: &StageStatus) -> String {
    let StageStatus { stage, state, .. } = status;
    let line = format!("{stage:<8}{state:<12}{}", status.listed());
    line.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use iopo::pipeline::{Reason, Stage, StageState, StageStatus};

    use super::line;

    #[test]
    fn a_line_has_the_stage_its_state_and_the_reasons() {
        let mut status =
            StageStatus { stage: Stage::Pairs, state: StageState::Valid, reasons: Vec::new() };
        assert_eq!(line(&status), "pairs   valid");
        status.state = StageState::Stale;
        status.reasons = vec![Reason::Upstream(Stage::Synth)];
        assert_eq!(line(&status), "pairs   stale       synth is not valid");
    }
}

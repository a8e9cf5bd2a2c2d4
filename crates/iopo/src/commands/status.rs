//! `iopo status`.

use anyhow::Result;
use iopo::config::PipelineConfig;
use iopo::pipeline::{PipelineError, RunDir, StageStatus, compares_weights, status};
use iopo::tiny;

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
    let config = resolve(&run)?.config;
    let by_name = by_name(&config);
    let stages = status(config, dir).map_err(|error| failure(error, dir))?;
    let lines: Vec<String> = stages.iter().map(line).chain(by_name).collect();
    printer::result(&lines.join("\n"))
}

/// Says that the base model is compared by its name, unless its weights are compared or the name stands for its content.
fn by_name(config: &PipelineConfig) -> Option<String> {
    let model = &config.model;
    let is_known = model.eq_ignore_ascii_case(tiny::NAME) || compares_weights(config);
    (!is_known)
        .then(|| format!("the base model `{model}` is compared by its name, not by its content"))
}

/// Returns the name of a stage, its state, and why it is not valid.
fn line(status: &StageStatus) -> String {
    let StageStatus { stage, state, .. } = status;
    let line = format!("{stage:<8}{state:<12}{}", status.listed());
    line.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use iopo::config::PipelineConfig;
    use iopo::pipeline::{Reason, Stage, StageState, StageStatus};

    use super::{by_name, line};

    #[test]
    fn a_model_that_is_not_at_a_path_is_compared_by_its_name() {
        let dir = tempfile::tempdir().expect("temporary directory");
        let model = iopo::tiny::create(&dir.path().join("model")).expect("created");
        let said = |name: &str| {
            let mut config = PipelineConfig::default();
            name.clone_into(&mut config.model);
            by_name(&config)
        };
        assert!(
            said("org/name").is_some_and(|line| line.contains("`org/name` is compared by its"))
        );
        assert_eq!(said("tiny"), None);
        assert_eq!(said(model.to_str().expect("UTF-8")), None);
        std::fs::remove_file(model.join("config.json")).expect("removed");
        assert!(said(model.to_str().expect("UTF-8")).is_some(), "it cannot be opened");
    }

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

//! Errors of the pipeline as errors of the binary, with hints that name flags and commands.

use std::fmt;
use std::path::Path;

use iopo::pipeline::{PipelineError, Stage, StageState};

use super::Failure;

/// Returns an error of the pipeline with its exit code and a hint. `out` is the run directory.
pub(crate) fn failure(error: PipelineError, out: &Path) -> anyhow::Error {
    let error = match error {
        PipelineError::Source(source) => match source.downcast::<Carried>() {
            Ok(carried) => return carried.0,
            Err(source) => PipelineError::Source(source),
        },
        other => other,
    };
    let text = error.to_string();
    let frame = if error.is_usage() { Failure::usage(text) } else { Failure::new(text) };
    let frame = match hint(&error, out) {
        Some(hint) => frame.hint(hint),
        None => frame,
    };
    anyhow::Error::new(error).context(frame)
}

/// Returns the remedy in terms of the command line.
fn hint(error: &PipelineError, out: &Path) -> Option<String> {
    let out = out.display();
    Some(match error {
        PipelineError::Locked { .. } => {
            "wait for it to end, stop it, or pass another --out".to_owned()
        }
        PipelineError::InvalidInput { input, .. } if input.stage == Stage::Fipo => format!(
            "run `iopo fipo --out {out}` again, with the flag --from or --responses if it had one, or delete the folder {out}/fipo"
        ),
        PipelineError::OtherResponses { .. } => format!(
            "run `iopo fipo --out {out}` again, or delete the folder {out}/fipo"
        ),
        PipelineError::InvalidInput { input, .. } => {
            let (stage, all) = (input.stage, format!("`iopo status {out}` shows every stage"));
            match input.state {
                StageState::Stale => format!(
                    "run `iopo {stage} --out {out}` with the same flags, or `iopo pipeline --out {out}`, to compute it again, \
                     or go back to the settings and files named above; {all}"
                ),
                StageState::Damaged => format!(
                    "run `iopo {stage} --out {out}` to compute the damaged files again, or restore them; {all}"
                ),
                StageState::Unfinished | StageState::Missing | StageState::Valid => {
                    format!("run `iopo {stage} --out {out}` to finish it; {all}")
                }
            }
        }
        PipelineError::MissingInput { stage, .. } => format!(
            "run `iopo {stage} --out {out}` first, or `iopo pipeline`, which runs every stage"
        ),
        PipelineError::WouldReplaceImported { .. } => format!(
            "run `iopo train --out {out}` to train on them, or pass another --out to build groups"
        ),
        PipelineError::NothingHeldOut { .. } => {
            "import again with --test-size 0.1 or --test FILE, and train again; or set eval.tasks to test tasks (\"built-in\" or a \
             file) or eval.prompts to a file with prompts"
                .to_owned()
        }
        other => return other.hint(),
    })
}

/// Carries an error of the binary through the pipeline.
pub(crate) fn to_source(error: anyhow::Error) -> PipelineError {
    PipelineError::Source(Box::new(Carried(error)))
}

/// An error of the binary, unchanged.
#[derive(Debug)]
struct Carried(anyhow::Error);

impl fmt::Display for Carried {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl std::error::Error for Carried {}

#[cfg(test)]
mod tests {
    use std::io;
    use std::path::{Path, PathBuf};

    use iopo::pipeline::{PipelineError, Reason, Stage, StageState, StageStatus};

    use super::{Failure, failure, to_source};
    use crate::failure::{Exit, exit_of, render};

    fn shown(error: PipelineError) -> (Exit, String) {
        let error = failure(error, Path::new("OUT"));
        (exit_of(&error), render(&error))
    }

    #[test]
    fn an_error_of_the_pipeline_has_an_exit_code_and_a_hint_with_flags() {
        let missing = PipelineError::MissingInput {
            file: PathBuf::from("OUT/preferences.parquet"),
            stage: Stage::Pairs,
        };
        let (exit, text) = shown(missing);
        assert_eq!(exit, Exit::Failure);
        let want = "error: OUT/preferences.parquet does not exist\n  \
            hint: run `iopo pairs --out OUT` first, or `iopo pipeline`, which runs every stage";
        assert_eq!(text, want);
        let reason = |number| Reason::Setting {
            key: format!("k{number}"),
            old: "1".to_owned(),
            new: "2".to_owned(),
        };
        let input = StageStatus {
            stage: Stage::Pairs,
            state: StageState::Stale,
            reasons: (0..9).map(reason).collect(),
        };
        let (exit, text) = shown(PipelineError::InvalidInput { stage: Stage::Train, input });
        assert_eq!(exit, Exit::Usage);
        assert!(text.starts_with("error: cannot run train: pairs is stale (k0: 1 → 2; "), "{text}");
        let hint = "k5: 1 → 2; and 3 more)\n  hint: run `iopo pairs --out OUT` with the same flags, or `iopo pipeline --out OUT`";
        assert!(text.contains(hint), "{text}");
        for (state, exit, hint) in [
            (
                StageState::Damaged,
                Exit::Failure,
                "to compute the damaged files again, or restore them",
            ),
            (StageState::Unfinished, Exit::Failure, "run `iopo pairs --out OUT` to finish it"),
        ] {
            let input = StageStatus { stage: Stage::Pairs, state, reasons: vec![reason(1)] };
            let (found, text) = shown(PipelineError::InvalidInput { stage: Stage::Train, input });
            assert!(found == exit && text.contains(hint), "{text}");
        }
    }

    #[test]
    fn the_cause_of_a_failed_stage_is_shown_below_it() {
        let source = io::Error::other("disk full");
        let (_, text) = shown(PipelineError::Io { action: "write", path: "a".into(), source });
        assert_eq!(text, "error: failed to write a\n  caused by: disk full");
    }

    #[test]
    fn an_error_of_the_binary_passes_through_the_pipeline_unchanged() {
        let own = anyhow::anyhow!("low").context(Failure::usage("no model `x`").hint("pass one"));
        let want = render(&own);
        assert_eq!(shown(to_source(own)), (Exit::Usage, want));
    }
}

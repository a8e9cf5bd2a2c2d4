//! Errors of pairing.

use iopo_core::SettingError;
use iopo_schema::SchemaError;

/// The reason for which candidates with constraints of kinds that are held out are dropped.
const HELD_OUT: &str = "held_out";

/// Why pairing failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PairsError {
    /// A setting has an invalid value.
    #[error(transparent)]
    Setting(#[from] SettingError),
    /// A Parquet file of the stage could not be read or written.
    #[error(transparent)]
    Schema(#[from] SchemaError),
    /// The output directory could not be created.
    #[error("{}: failed to create the directory", path.display())]
    Io {
        /// The directory.
        path: std::path::PathBuf,
        /// The error of the operating system.
        source: std::io::Error,
    },
    /// The output file has imported groups, which the stage must not replace.
    #[error("{}: found imported groups, expected none, because this stage would replace them", path.display())]
    Imported {
        /// The file.
        path: std::path::PathBuf,
    },
    /// The file of input preferences is damaged or from elsewhere, so the stage must not replace it.
    #[error(
        "{}: found a file that is damaged or from elsewhere, expected one of this stage or none, because this stage would replace it",
        path.display()
    )]
    OtherInputPreferences {
        /// The file.
        path: std::path::PathBuf,
    },
    /// The instruction of a response is not in the file of instructions.
    #[error("response {response}: found no instruction {instruction}")]
    UnknownInstruction {
        /// The id of the response.
        response: String,
        /// The id of the instruction.
        instruction: String,
    },
    /// The task of an instruction is not in the list of tasks.
    #[error("found instructions on task {task_id}, expected tasks of the list only")]
    UnknownTask {
        /// The id of the task.
        task_id: String,
    },
    /// A constraint of an instruction cannot be read.
    #[error("instruction {instruction}: failed to read a constraint")]
    Constraint {
        /// The id of the instruction.
        instruction: String,
        /// The underlying error.
        source: iopo_constraints::ConstraintError,
    },
    /// A group fails admission when it is written.
    #[error("internal error: group {id} fails admission ({reason})")]
    Admission {
        /// The id of the group.
        id: String,
        /// The name of the rule that the group breaks.
        reason: &'static str,
    },
    /// The user asked to stop.
    #[error("stopped on request")]
    Cancelled,
    /// No group could be made.
    #[error(
        "found no preference group in {answers} answers to {tasks} tasks, expected at least one"
    )]
    NoGroups {
        /// The number of tasks.
        tasks: u64,
        /// The number of usable answers.
        answers: u64,
        /// The most frequent reason for which responses or combinations were dropped.
        reason: Option<String>,
    },
    /// No candidate with verdicts of a judge was admitted.
    #[error("{}: found no candidate that makes a preference group, expected at least one", path.display())]
    NoneAdmitted {
        /// The file of the candidates.
        path: std::path::PathBuf,
        /// The most frequent reason for which candidates were dropped.
        reason: Option<String>,
    },
    /// Too few test tasks have a group.
    #[error(
        "found a preference group for {found} of {drawn} test tasks, expected at least {least} \
         (pairs.min_test_tasks)"
    )]
    TooFewTestTasks {
        /// The number of test tasks with a group.
        found: u64,
        /// The number of test tasks.
        drawn: u64,
        /// The minimum number.
        least: u64,
        /// The number of tasks.
        tasks: u64,
    },
    /// Too few groups are for training.
    #[error(
        "found {found} of {groups} preference groups in the train split, expected at least {least} \
         (pairs.min_train_groups)"
    )]
    TooFewTrainGroups {
        /// The number of groups for training.
        found: u64,
        /// The minimum number.
        least: u64,
        /// The number of groups.
        groups: u64,
        /// The number of tasks for training.
        tasks: u64,
    },
    /// More groups have an edited response than the limit allows.
    #[error(
        "found an edited response in {edited} of {groups} groups (share {share:.3}), \
         expected a share of at most {limit:.3} (pairs.max_edited_share)"
    )]
    TooManyEdited {
        /// The number of groups with an edited response.
        edited: u64,
        /// The number of groups.
        groups: u64,
        /// The share of groups with an edited response.
        share: f64,
        /// The limit on that share.
        limit: f64,
    },
}

impl PairsError {
    /// Returns a remedy, if one is known.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Io { .. } => "check permissions and free space",
            Self::Imported { .. } => "train on them, or choose another output directory",
            Self::OtherInputPreferences { .. } => {
                "move the file away, or delete it if nothing else needs it; `iopo import --from fipo` writes rows of your own to \
                 it, which this stage keeps"
            }
            Self::UnknownInstruction { .. } => {
                "pass the instructions and responses of one run of synth"
            }
            Self::UnknownTask { .. } => "pass the tasks that synth read",
            Self::Cancelled => "run the same command again to resume",
            Self::NoGroups { reason: Some(reason), .. } => {
                return Some(format!(
                    "raise `synth.samples_per_task`; a group needs two different answers to one task; most were dropped \
                     because of `{reason}`, see `dropped/` in pairs_stats.parquet"
                ));
            }
            Self::NoGroups { reason: None, .. } => {
                "raise `synth.samples_per_task`; a group needs two different answers to one task"
            }
            Self::NoneAdmitted { reason: Some(reason), .. } if reason == HELD_OUT => {
                "most candidates have a constraint of a kind that `held_out` names; remove kinds from it, or add tasks"
            }
            Self::NoneAdmitted { reason: Some(reason), .. } => {
                return Some(format!(
                    "most candidates were dropped because of `{reason}`; see all reasons under `dropped/` in \
                     pairs_stats.parquet"
                ));
            }
            Self::NoneAdmitted { reason: None, .. } => "make candidates for more tasks",
            Self::TooFewTestTasks { tasks, .. } => {
                return Some(format!(
                    "raise `pairs.test_tasks` (there are {tasks} tasks) or `synth.samples_per_task`, \
                     or add tasks"
                ));
            }
            Self::TooFewTrainGroups { tasks, .. } => {
                return Some(format!(
                    "raise `pairs.max_groups_per_task`, `pairs.max_groups` or \
                     `synth.samples_per_task`, or add tasks ({tasks} are for training)"
                ));
            }
            Self::TooManyEdited { .. } => {
                "raise `pairs.max_edited_share`; `synth.keep_probability` near 1 edits fewer responses"
            }
            Self::Setting(error) => return error.hint.clone(),
            Self::Schema(error) => return error.hint(),
            Self::Constraint { source, .. } => return source.hint(),
            Self::Admission { .. } => return None,
        };
        Some(hint.to_owned())
    }

    /// Returns whether the cause is what the caller passed in (settings, the directory) rather than a failure.
    pub fn is_usage(&self) -> bool {
        match self {
            Self::Setting(_) | Self::Imported { .. } | Self::OtherInputPreferences { .. } => true,
            Self::Schema(_)
            | Self::Io { .. }
            | Self::UnknownInstruction { .. }
            | Self::UnknownTask { .. }
            | Self::Constraint { .. }
            | Self::Admission { .. }
            | Self::Cancelled
            | Self::NoGroups { .. }
            | Self::NoneAdmitted { .. }
            | Self::TooFewTestTasks { .. }
            | Self::TooFewTrainGroups { .. }
            | Self::TooManyEdited { .. } => false,
        }
    }
}

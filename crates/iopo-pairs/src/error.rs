//! Why no preference groups could be made.

use iopo_core::SettingError;
use iopo_schema::SchemaError;

use crate::admit::Refusal;

/// Why no preference groups could be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PairsError {
    /// A setting cannot be used.
    #[error(transparent)]
    Setting(#[from] SettingError),
    /// Reading or writing one of the stage's Parquet files failed.
    #[error(transparent)]
    Schema(#[from] SchemaError),
    /// The folder for the output cannot be made.
    #[error("cannot make the folder {}", path.display())]
    Io {
        /// The folder.
        path: std::path::PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// The groups that are there came from elsewhere, and cannot be made again.
    #[error(
        "{} holds imported groups, which groups of this stage would replace; train on them as they \
         are, or make groups in another directory",
        path.display()
    )]
    Imported {
        /// The file.
        path: std::path::PathBuf,
    },
    /// A response names an instruction that is not in the instructions file.
    #[error(
        "response {response} answers instruction {instruction}, which is not among the \
         instructions; expected the two files of one run of synth"
    )]
    UnknownInstruction {
        /// The response's id.
        response: String,
        /// The instruction's id.
        instruction: String,
    },
    /// A constraint of an instruction cannot be read.
    #[error("instruction {instruction} holds a constraint that cannot be read")]
    Constraint {
        /// The instruction's id.
        instruction: String,
        /// What is wrong with it.
        source: iopo_constraints::ConstraintError,
    },
    /// A group that was built does not pass admission when it is written.
    #[error(
        "group {id} does not pass its own admission ({reason:?}); this is a defect of iopo-pairs"
    )]
    Admission {
        /// The group's id.
        id: String,
        /// Which rule it breaks.
        reason: Refusal,
    },
    /// The user asked to stop.
    #[error("stopped on request; run again to go on")]
    Cancelled,
    /// No group could be made.
    #[error(
        "no preference group can be made from {answers} answers to {tasks} tasks; every \
         group needs two differing answers to one task: sample more answers for each task \
         (synth.samples_per_task)"
    )]
    NoGroups {
        /// Tasks.
        tasks: u64,
        /// Usable answers.
        answers: u64,
    },
    /// Too few test tasks have a group.
    #[error(
        "only {found} of {drawn} test tasks have a preference group, at least {least} must \
         (pairs.min_test_tasks); raise pairs.test_tasks (there are {tasks} tasks), add tasks or \
         sample more answers for each"
    )]
    TooFewTestTasks {
        /// Test tasks with a group.
        found: u64,
        /// Test tasks drawn.
        drawn: u64,
        /// The configured least number.
        least: u64,
        /// All tasks.
        tasks: u64,
    },
    /// Too few groups are left for training.
    #[error(
        "only {found} of {groups} preference groups are for training, at least {least} must be \
         (pairs.min_train_groups); raise pairs.max_groups_per_task or pairs.max_groups, add tasks \
         ({tasks} are for training), sample more answers for each, or keep fewer tasks for testing"
    )]
    TooFewTrainGroups {
        /// Groups for training.
        found: u64,
        /// The configured least number.
        least: u64,
        /// All groups.
        groups: u64,
        /// Tasks for training.
        tasks: u64,
    },
    /// Too large a share of the groups holds a repaired response.
    #[error(
        "{repaired} of {groups} groups hold a repaired response ({share:.3}), at most \
         {limit:.3} may (pairs.max_repaired_share); sample more answers for each task, repair \
         less or raise the limit"
    )]
    TooManyRepaired {
        /// Groups with a repaired response.
        repaired: u64,
        /// All groups.
        groups: u64,
        /// Their share.
        share: f64,
        /// The configured limit.
        limit: f64,
    },
}

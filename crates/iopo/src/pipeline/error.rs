//! Errors of a pipeline.

use std::error::Error;
use std::io;
use std::path::PathBuf;

use iopo_eval::EvalError;
use iopo_model::ModelError;
use iopo_pairs::{ExchangeError, PairsError};
use iopo_report::ReportError;
use iopo_schema::{SchemaError, run_files};
use iopo_synth::SynthError;
use iopo_train::TrainError;

use super::{Stage, StageState, StageStatus};
use crate::config::{ConfigError, setting_hint};
use crate::roles::RolesError;

/// Why a pipeline failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PipelineError {
    /// A setting is invalid.
    #[error(transparent)]
    Config(Box<ConfigError>),
    /// The `config.toml` of the run directory was changed by hand.
    #[error("{} differs from the configuration that the last stage wrote", path.display())]
    EditedConfig {
        /// The file.
        path: PathBuf,
    },
    /// The directory holds no run.
    #[error("found no run in {}, expected a directory in which a stage has run", dir.display())]
    NoRun {
        /// The directory.
        dir: PathBuf,
    },
    /// An earlier stage is unfinished, or its files are not those of this configuration.
    #[error("cannot run {stage}: {input}")]
    InvalidInput {
        /// The stage that reads the files.
        stage: Stage,
        /// The stage that writes them, and why it is not valid.
        input: StageStatus,
    },
    /// A model was trained on other groups than those of the run.
    #[error(
        "{}: trained on groups with the content hash {found}, expected {expected}, the hash of {}",
        model.display(), preferences.display()
    )]
    OtherGroups {
        /// The directory of the model.
        model: PathBuf,
        /// The groups of the run.
        preferences: PathBuf,
        /// Hash of the groups of the run.
        expected: String,
        /// Hash of the groups that the model was trained on.
        found: String,
    },
    /// A file of the run directory is damaged, or cannot be read or written.
    #[error(transparent)]
    File(#[from] SchemaError),
    /// Another process has the run directory open.
    #[error("another process is working on {}", dir.display())]
    Locked {
        /// The run directory.
        dir: PathBuf,
    },
    /// A file of the run directory cannot be opened or written.
    #[error("failed to {action} {}", path.display())]
    Io {
        /// The failed action.
        action: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// Error of the operating system.
        source: io::Error,
    },
    /// The input of a stage does not exist.
    #[error("{} does not exist", file.display())]
    MissingInput {
        /// The file.
        file: PathBuf,
        /// The stage that writes it.
        stage: Stage,
    },
    /// All tasks would go to the test and dev splits.
    #[error(
        "found {used} tasks, expected more than {test} + {dev}, the tasks of the test and dev splits"
    )]
    TooFewTasks {
        /// Tasks that synthesis uses.
        used: usize,
        /// Tasks in the file.
        in_file: usize,
        /// Tasks of the test split.
        test: usize,
        /// Tasks of the dev split.
        dev: usize,
    },
    /// The file of tasks has changed since synthesis, so the split of its tasks is unknown.
    #[error("{} was made from another file of tasks than {}", instructions.display(), file.display())]
    OtherTasks {
        /// The file of tasks.
        file: PathBuf,
        /// The instructions of the run.
        instructions: PathBuf,
    },
    /// The run directory holds imported groups, and the stage belongs to a run that builds its own.
    #[error(
        "{} holds imported groups, which have no tasks to sample responses to and which pairing would replace",
        preferences.display()
    )]
    WouldReplaceImported {
        /// The preferences file.
        preferences: PathBuf,
    },
    /// The run directory holds imported rows, which have no tasks to draw test prompts from, and no rows are held out.
    #[error(
        "{} holds imported rows, which have no tasks to draw test prompts from, and no rows of the test split, on which reward \
         accuracy is measured",
        preferences.display()
    )]
    NothingHeldOut {
        /// The preferences file.
        preferences: PathBuf,
    },
    /// The base model is not on this machine.
    #[error("no model `{model}`: no such file or directory")]
    NoModel {
        /// The model of the configuration.
        model: String,
    },
    /// The prompts of a benchmark are not on this machine.
    #[error("no data `{data}`: no such file")]
    NoData {
        /// The file of the configuration, or the dataset of the benchmark.
        data: String,
    },
    /// The base model or the device cannot be used.
    #[error("failed to load the base model")]
    Model(#[from] ModelError),
    /// A [`ModelSource`](super::ModelSource) failed.
    #[error("failed to get the base model")]
    Source(#[source] Box<dyn Error + Send + Sync>),
    /// The models that write and judge data cannot be used.
    #[error("the models of `llm.writer` and `llm.judge` cannot be used")]
    Roles(#[from] RolesError),
    /// Synthesis failed.
    #[error("synth failed")]
    Synth(#[from] SynthError),
    /// The collection of input preferences failed.
    #[error("fipo failed")]
    Fipo(#[source] SynthError),
    /// Rows of FIPO cannot be read.
    #[error("cannot read rows of FIPO")]
    FipoRows(#[source] ExchangeError),
    /// The rewrites were made for responses that the run has no longer.
    #[error("{} was made for other rows than those of {}", rewrites.display(), file.display())]
    OtherResponses {
        /// The candidates of the collector.
        rewrites: PathBuf,
        /// The instructions or responses of the run.
        file: PathBuf,
    },
    /// The directory holds a run, whose tasks would mix with those of other responses.
    #[error(
        "{} holds {}, expected a directory without a run for other responses", dir.display(),
        if *has_responses { "a run with responses" } else { "preference groups without their rewrites" }
    )]
    FipoInRun {
        /// The run directory.
        dir: PathBuf,
        /// The folder of the collector in it.
        collection: PathBuf,
        /// Whether the run has responses of its own. Otherwise it has groups only.
        has_responses: bool,
    },
    /// All tasks of responses from elsewhere would go to the test and dev splits.
    #[error(
        "found usable responses to {tasks} tasks{}, expected more than {test} + {dev}, the tasks of the test and dev splits",
        if reasons.is_empty() { String::new() } else { format!(" (not used: {reasons})") }
    )]
    TooFewGivenTasks {
        /// Tasks with a response that is used.
        tasks: usize,
        /// The reasons for which other responses are not used, with counts.
        reasons: String,
        /// Tasks of the test split.
        test: usize,
        /// Tasks of the dev split.
        dev: usize,
    },
    /// Pairing failed.
    #[error("pairs failed")]
    Pairs(#[from] PairsError),
    /// Pairing made too few groups, and tasks were left out because they overlap with prompts of the evaluation.
    #[error("pairs failed: {error}")]
    TasksLeftOut {
        /// Why pairing failed.
        error: Box<PairsError>,
        /// Number of tasks that were left out.
        tasks: usize,
        /// Their numbers by benchmark; `heldout` stands for the test tasks of the run.
        benchmarks: String,
        /// The list of these tasks.
        file: PathBuf,
    },
    /// Training failed.
    #[error("train failed")]
    Train(#[from] TrainError),
    /// Rows that are about to be trained on cannot be read, or belong to the evaluation.
    #[error("cannot train on the rows of {}", path.display())]
    TrainingRows {
        /// The file or run directory of the rows.
        path: PathBuf,
        /// What was found in them.
        source: Box<EvalError>,
    },
    /// The evaluation failed.
    #[error("eval failed")]
    Eval(#[from] EvalError),
    /// The report failed.
    #[error("report failed")]
    Report(#[from] ReportError),
}

impl From<ConfigError> for PipelineError {
    fn from(error: ConfigError) -> Self {
        Self::Config(Box::new(error))
    }
}

impl PipelineError {
    /// Returns the remedy of an error about responses from elsewhere.
    fn given_hint(&self) -> Option<String> {
        Some(match self {
            Self::FipoInRun { has_responses: true, .. } => {
                "pass another directory with `--out`, or leave out `--from` and `--responses` to collect for the responses of the run"
                    .to_owned()
            }
            Self::FipoInRun { dir, collection, .. } => format!(
                "pass another directory with `--out`; if the groups come from an earlier collection, whose folder {} was removed, \
                 delete {} too",
                collection.display(),
                dir.join(run_files::PREFERENCES).display()
            ),
            Self::TooFewGivenTasks { reasons, test, dev, .. } => {
                let raised = if reasons.contains("over_the_limit") { "raise fipo.max_seeds, " } else { "" };
                format!(
                    "{raised}pass responses to at least {} tasks, or lower pairs.test_tasks and pairs.dev_tasks",
                    test.saturating_add(*dev).saturating_add(1)
                )
            }
            _ => return None,
        })
    }

    /// Returns a remedy, if one is known.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Config(source) => return source.hint(),
            Self::EditedConfig { .. } => {
                "pass a changed copy with --config, or single settings with --set; delete the file to start from a preset"
                    .to_owned()
            }
            Self::NoRun { .. } => "check the path".to_owned(),
            Self::InvalidInput { input, .. } if input.stage == Stage::Fipo => {
                "collect again for the same responses, or delete the folder `fipo`".to_owned()
            }
            Self::InvalidInput { input, .. } => {
                let stage = input.stage;
                match input.state {
                    StageState::Stale => format!(
                        "run the stage `{stage}` or the whole pipeline to compute it again, or go back to the settings and files named above"
                    ),
                    StageState::Damaged => format!(
                        "run the stage `{stage}` to compute the damaged files again, or restore them"
                    ),
                    StageState::Unfinished | StageState::Missing | StageState::Valid => {
                        format!("run the stage `{stage}` to finish it")
                    }
                }
            }
            Self::OtherGroups { .. } => {
                "train again on the groups of this run, or restore the groups that the model was trained on".to_owned()
            }
            Self::Locked { .. } => {
                "wait for it to end, stop it, or use another directory".to_owned()
            }
            Self::MissingInput { stage, .. } => format!("run the stage `{stage}` first"),
            Self::TooFewTasks { used, in_file, test, dev } => {
                let kept = test.saturating_add(*dev);
                let more = if used < in_file {
                    format!("set synth.max_tasks above {kept} (the file has {in_file} tasks)")
                } else {
                    format!("use at least {} tasks", kept.saturating_add(1))
                };
                format!(
                    "{more}, or lower pairs.test_tasks, pairs.dev_tasks and pairs.min_test_tasks"
                )
            }
            Self::OtherTasks { .. } => {
                "restore the file of tasks, or run the stage `synth` again".to_owned()
            }
            Self::WouldReplaceImported { .. } => {
                "train on them, or use another directory to build groups".to_owned()
            }
            Self::NothingHeldOut { .. } => {
                "import again with rows for the test split, or set eval.tasks to test tasks (\"built-in\" or a file) or eval.prompts to a \
                 file with prompts"
                    .to_owned()
            }
            Self::NoModel { .. } => {
                "use the path of a Hugging Face directory or a .gguf file, or `tiny`; only the `iopo` command resolves \
                 hub ids and names such as `smollm2-135m-instruct`"
                    .to_owned()
            }
            Self::NoData { .. } => {
                "set eval.data to the path of the prompts; only the `iopo` command downloads datasets".to_owned()
            }
            Self::OtherResponses { .. } => {
                "collect again for the responses of the run, or delete the folder `fipo`".to_owned()
            }
            Self::FipoInRun { .. } | Self::TooFewGivenTasks { .. } => return self.given_hint(),
            Self::Synth(SynthError::Setting(error))
            | Self::Fipo(SynthError::Setting(error))
            | Self::Pairs(PairsError::Setting(error))
            | Self::Train(TrainError::Setting(error))
            | Self::Eval(EvalError::Setting(error)) => setting_hint(error),
            Self::Model(error) => return error.hint(),
            Self::Roles(error) => return error.hint(),
            Self::Synth(error) | Self::Fipo(error) => return error.hint(),
            Self::Pairs(error) => return error.hint(),
            Self::TasksLeftOut { error, tasks, benchmarks, file } => {
                let left_out = format!(
                    "tasks without responses because they overlap with prompts of the evaluation: {tasks} ({benchmarks}), see {}",
                    file.display()
                );
                match error.hint() {
                    Some(hint) => format!("{hint}; {left_out}"),
                    None => left_out,
                }
            }
            Self::Train(error) => return error.hint(),
            Self::TrainingRows { source, .. }
                if matches!(**source, EvalError::HeldOutKindSeen { .. }) =>
            {
                "remove these rows, set `train.input_preference_weight` to 0, or remove the kind from `held_out`"
                    .to_owned()
            }
            Self::TrainingRows { source, .. } => return source.hint(),
            Self::Eval(error) => return error.hint(),
            Self::Report(error) => return error.hint(),
            Self::File(error) => return error.hint(),
            Self::Io { .. } | Self::Source(_) | Self::FipoRows(_) => return None,
        })
    }

    /// Returns whether the cause is what the caller passed in (settings, tasks, the directory) rather than a failure.
    pub fn is_usage(&self) -> bool {
        match self {
            Self::Config(_)
            | Self::EditedConfig { .. }
            | Self::NoRun { .. }
            | Self::OtherGroups { .. }
            | Self::TooFewTasks { .. }
            | Self::OtherTasks { .. }
            | Self::WouldReplaceImported { .. }
            | Self::NothingHeldOut { .. }
            | Self::NoModel { .. }
            | Self::NoData { .. }
            | Self::OtherResponses { .. }
            | Self::TooFewGivenTasks { .. }
            | Self::FipoInRun { .. } => true,
            Self::FipoRows(error) => error.is_usage(),
            Self::InvalidInput { input, .. } => input.state == StageState::Stale,
            Self::Model(error) => matches!(error, ModelError::Setting(_)),
            Self::Roles(error) => error.is_usage(),
            Self::Synth(error) | Self::Fipo(error) => error.is_usage(),
            Self::Pairs(error) => error.is_usage(),
            Self::TasksLeftOut { error, .. } => error.is_usage(),
            Self::Train(error) => error.is_usage(),
            Self::TrainingRows { source, .. } => {
                source.is_usage() || matches!(**source, EvalError::HeldOutKindSeen { .. })
            }
            Self::Eval(error) => error.is_usage(),
            Self::Locked { .. }
            | Self::Io { .. }
            | Self::MissingInput { .. }
            | Self::Source(_)
            | Self::File(_)
            | Self::Report(_) => false,
        }
    }

    /// Returns whether the caller's progress cancelled the run. Finished work is kept, so running it again resumes.
    pub fn is_cancelled(&self) -> bool {
        matches!(
            self,
            Self::Model(ModelError::Cancelled)
                | Self::Synth(SynthError::Cancelled)
                | Self::Fipo(SynthError::Cancelled)
                | Self::Pairs(PairsError::Cancelled)
                | Self::Train(TrainError::Cancelled | TrainError::Model(ModelError::Cancelled))
                | Self::Eval(EvalError::Cancelled)
        )
    }

    /// Adds the action and the path to an I/O error, for `map_err`.
    pub(super) fn io(
        action: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { action, path, source }
    }
}

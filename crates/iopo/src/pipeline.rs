//! The whole pipeline as a library: synthesis, pairing, training, evaluation and report in one run directory.
//!
//! [`Pipeline::open`] takes a configuration and a directory. [`Pipeline::run`] runs every stage; [`Pipeline::synth`],
//! [`Pipeline::pairs`], [`Pipeline::train`], [`Pipeline::eval`] and [`Pipeline::report`] run one and return its summary.
//! A stage skips what an earlier call finished, so an interrupted run resumes by running it again. Nothing is printed:
//! progress goes to a [`Progress`], and an error with a known remedy has a [hint](PipelineError::hint).
//!
//! Each stage has a record of the settings, the model and the files that it read, and of the files that it wrote. If one of
//! them changes, the stage computes again what depends on it, and says why; a stage whose inputs are not valid is refused.
//! [`status()`] compares the records of a run with a configuration.
//!
//! The configuration names the base model: a Hugging Face directory, a `.gguf` file, or `tiny`. To use a model that is
//! already loaded, or that comes from elsewhere, pass it to [`Pipeline::with_models`]. The model is loaded when a stage
//! first needs it.
//!
//! ```no_run
//! use iopo::config::PipelineConfig;
//! use iopo::llm::Silent;
//! use iopo::pipeline::Pipeline;
//!
//! let mut config = PipelineConfig::preset("default")?;
//! config.model = "models/SmolLM2-360M-Instruct".to_owned();
//! config.train.num_train_epochs = 2;
//!
//! let pipeline = Pipeline::open(config, "runs/mine")?;
//! pipeline.synth(&Silent)?;
//! let pairs = pipeline.pairs(&Silent)?;
//! assert!(pairs.train >= 100, "too few groups: {}", pairs.train);
//! pipeline.run(&Silent, |outcome| eprintln!("{}", outcome.summary))?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod benchmarks;
mod contamination;
mod error;
mod estimate;
mod eval;
mod fipo;
mod model;
mod named_files;
mod paths;
mod perform;
mod reads;
mod record;
mod reopen;
mod report;
mod rounds;
mod run_dir;
mod stage;
mod status;
mod tasks;
mod test_tasks;
mod trace;
mod trained_kinds;
mod trained_on;
mod usage;
mod work;

use std::cell::{Cell, OnceCell, RefCell};
use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use iopo_eval::EvaluationSummary;
use iopo_llm::{LanguageModel, Progress, Silent};
use iopo_pairs::PairsSummary;
use iopo_report::ReportSummary;
use iopo_synth::SynthSummary;
use iopo_train::TrainSummary;

use crate::config::PipelineConfig;

pub use error::PipelineError;
pub use estimate::{Speed, TimeEstimate};
pub use fipo::FipoSource;
pub use model::{BaseModel, Checkpoint, LocalModels, ModelSource};
pub use record::Reason;
pub use report::DEMONSTRATION;
pub use rounds::RoundsSummary;
pub use run_dir::RunDir;
pub use stage::{Stage, StageOutcome, StageSummary};
pub use status::{StageState, StageStatus};
pub use tasks::BUILT_IN_TASKS;
pub use test_tasks::BUILT_IN_TEST_TASKS;
pub use trained_kinds::TrainedKinds;
pub use trained_on::{TrainedInputPreferences, trained_input_preferences};

use contamination::Contamination;
use perform::needs;
use record::Record;

/// A run: its configuration, its directory, and the source of its base model.
///
/// Holds a lock on the directory until it is dropped.
pub struct Pipeline {
    config: PipelineConfig,
    dir: RunDir,
    models: Box<dyn ModelSource + Send>,
    base: OnceCell<BaseModel>,
    /// Hash of the weight files of the base model, if they are compared without loading it.
    weights: Option<String>,
    /// Hash of the base model, once it is loaded and asked for.
    model_hash: OnceCell<String>,
    /// The tasks that overlap with prompts of the evaluation, once they are found.
    contamination: OnceCell<Contamination>,
    /// The same for the tasks of responses from elsewhere that the collector was given.
    collected: RefCell<Option<Arc<Contamination>>>,
    /// Hash of these responses.
    given_hash: RefCell<Option<String>>,
    /// The stage that is running.
    running: Cell<Option<Stage>>,
    /// Whether the running stage replaces files of other settings or inputs.
    replaces: Cell<bool>,
    /// The record of the running stage, to be written before its work begins.
    pending: RefCell<Option<Record>>,
}

/// Compares the records of a run with a configuration, stage by stage. Nothing is written, locked or loaded.
///
/// A base model at a path is compared by the content of its weight files, and any other by its name; see
/// [`compares_weights`]. Its tokenizer and chat template are compared when a stage loads it.
///
/// # Errors
/// Returns an error if a setting is invalid, the directory holds no run, or a file of it cannot be read.
pub fn status(
    config: PipelineConfig,
    dir: impl AsRef<Path>,
) -> Result<Vec<StageStatus>, PipelineError> {
    let mut pipeline = Pipeline::unlocked(config, dir.as_ref())?;
    if !pipeline.dir.is_run() {
        return Err(PipelineError::NoRun { dir: dir.as_ref().to_owned() });
    }
    if let Some(mut files) = model::weight_files(&pipeline.config) {
        pipeline.weights = Some(files.weights_hash()?);
    }
    let mut stages = status::examine(&pipeline, Stage::Report)?.stages;
    stages.retain(|one| one.stage != Stage::Fipo || one.state != StageState::Missing);
    Ok(stages)
}

/// Returns whether [`status()`] compares the base model of a configuration by its weight files: they can be opened at its path.
pub fn compares_weights(config: &PipelineConfig) -> bool {
    model::weight_files(config).is_some()
}

impl fmt::Debug for Pipeline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pipeline").field("dir", &self.dir.root()).finish_non_exhaustive()
    }
}

impl Pipeline {
    /// Opens a run directory. The first stage creates it, and writes the configuration to `config.toml` once it has its model.
    ///
    /// Relative paths of the configuration are made absolute, so that a run resumes from any working directory.
    ///
    /// If the directory holds a run with another configuration, the stages that depend on what differs are stale.
    ///
    /// # Errors
    /// Returns an error if a setting is invalid, or if another process works on the run.
    pub fn open(config: PipelineConfig, dir: impl AsRef<Path>) -> Result<Self, PipelineError> {
        let pipeline = Self::unlocked(config, dir.as_ref())?;
        if pipeline.dir.is_run() {
            pipeline.dir.hold()?;
        }
        Ok(pipeline)
    }

    /// Opens a run directory to estimate the cost of its stages. The directory is not locked, so another process may work on it.
    ///
    /// # Errors
    /// Returns an error if a setting is invalid.
    pub fn open_for_estimate(
        config: PipelineConfig,
        dir: impl AsRef<Path>,
    ) -> Result<Self, PipelineError> {
        Self::unlocked(config, dir.as_ref())
    }

    fn unlocked(config: PipelineConfig, dir: &Path) -> Result<Self, PipelineError> {
        config.validate()?;
        Ok(Self {
            config: paths::settle(config),
            dir: RunDir::at(dir),
            models: Box::new(LocalModels),
            base: OnceCell::new(),
            weights: None,
            model_hash: OnceCell::new(),
            contamination: OnceCell::new(),
            collected: RefCell::new(None),
            given_hash: RefCell::new(None),
            running: Cell::new(None),
            replaces: Cell::new(false),
            pending: RefCell::new(None),
        })
    }

    /// Sets the source of the base model, instead of [`LocalModels`].
    ///
    /// Pass a [`BaseModel`] that is already loaded, or anything else that implements [`ModelSource`].
    #[must_use]
    pub fn with_models(self, models: impl ModelSource + Send + 'static) -> Self {
        let (base, model_hash) = (OnceCell::new(), OnceCell::new());
        let (contamination, collected) = (OnceCell::new(), RefCell::new(None));
        Self { models: Box::new(models), base, model_hash, contamination, collected, ..self }
    }

    /// Returns the configuration.
    pub fn config(&self) -> &PipelineConfig {
        &self.config
    }

    /// Returns the run directory, which names the files of the run.
    pub fn dir(&self) -> &RunDir {
        &self.dir
    }

    /// Runs every stage in order and passes each outcome to `finished`. Finished work is skipped if it is valid, and computed
    /// again with a note to `progress` if it is stale or damaged.
    ///
    /// # Errors
    /// Returns the error of the first stage that fails, and [`PipelineError::is_cancelled`] is true for it if `progress`
    /// cancelled the run.
    pub fn run(
        &self,
        progress: &dyn Progress,
        mut finished: impl FnMut(StageOutcome),
    ) -> Result<(), PipelineError> {
        // Checked before synthesis, which takes long.
        self.refuse_imported()?;
        self.check_files(Stage::Synth)?;
        benchmarks::check(self)?;
        if self.dir.is_run() {
            // The records have the hash of the model, which may have changed under its name.
            self.load()?;
        }
        for stage in Stage::ALL {
            finished(self.run_stage(stage, progress)?);
        }
        Ok(())
    }

    /// Measures the base model on its device and estimates the time of the whole run, whether or not stages are finished.
    ///
    /// # Errors
    /// Returns an error if the tasks are invalid, the model cannot be loaded or fails, or `progress` cancels.
    pub fn estimate(&self, progress: &dyn Progress) -> Result<TimeEstimate, PipelineError> {
        self.check_files(Stage::Synth)?;
        estimate::measure(self, progress)
    }

    /// Returns whether the run has no preference groups yet, so that most of its work is still to do.
    pub fn is_fresh(&self) -> bool {
        !self.dir.preferences_file().is_file()
    }

    /// Runs one stage, like its method, and measures it.
    ///
    /// # Errors
    /// Returns the error of the stage.
    pub fn run_stage(
        &self,
        stage: Stage,
        progress: &dyn Progress,
    ) -> Result<StageOutcome, PipelineError> {
        if stage == Stage::Synth {
            self.load_recorded()?;
        }
        if stage == Stage::Fipo {
            let begun = Instant::now();
            let summary = StageSummary::Fipo(self.fipo(&FipoSource::Run, progress)?);
            return Ok(StageOutcome { summary, duration: begun.elapsed() });
        }
        let (summary, duration) = self.perform(stage, progress, |own| {
            Ok(match stage {
                Stage::Synth if self.config.synth.recipe.is_trace() => {
                    StageSummary::Trace(self.run_trace(progress)?)
                }
                Stage::Synth | Stage::Fipo => StageSummary::Synth(self.run_synth(own, progress)?),
                Stage::Pairs => StageSummary::Pairs(self.run_pairs(progress)?),
                Stage::Train => StageSummary::Train(self.run_train(progress)?),
                Stage::Rounds => StageSummary::Rounds(rounds::run(self, progress)?),
                Stage::Eval => StageSummary::Eval(eval::run(self, progress)?),
                Stage::Report => StageSummary::Report(self.run_report()?),
            })
        })?;
        Ok(StageOutcome { summary, duration })
    }

    /// Samples responses to the tasks and writes instructions from the constraints that hold in them. With the recipe `trace`,
    /// the models of `llm.writer` and `llm.judge` make candidate groups instead, whose counters are in the metrics of the
    /// summary.
    ///
    /// If responses are finished, the base model is loaded only to check whether it generated them.
    ///
    /// # Errors
    /// Returns an error if the tasks are invalid or too few to train on, the model cannot be loaded or fails, no response
    /// is usable, a file cannot be read or written, or `progress` cancels.
    pub fn synth(&self, progress: &dyn Progress) -> Result<SynthSummary, PipelineError> {
        self.load_recorded()?;
        Ok(self.perform(Stage::Synth, progress, |own| self.run_synth(own, progress))?.0)
    }

    /// Runs [`synth`](Self::synth) with another model than the base, for instance one behind an endpoint.
    ///
    /// # Errors
    /// Returns the errors of [`synth`](Self::synth).
    pub fn synth_with(
        &self,
        model: &dyn LanguageModel,
        progress: &dyn Progress,
    ) -> Result<SynthSummary, PipelineError> {
        let run = |_: &StageStatus| {
            let source = self.tasks()?;
            self.claim()?;
            self.synth_by(model, None, &tasks::keep(&source, &self.dir)?, progress)
        };
        Ok(self.perform(Stage::Synth, progress, run)?.0)
    }

    /// Builds preference groups from the instructions and responses.
    ///
    /// # Errors
    /// Returns an error if synthesis has not run or is stale, the directory holds imported groups, too few groups can be built,
    /// a file cannot be read or written, or `progress` cancels.
    pub fn pairs(&self, progress: &dyn Progress) -> Result<PairsSummary, PipelineError> {
        Ok(self.perform(Stage::Pairs, progress, |_| self.run_pairs(progress))?.0)
    }

    /// Trains every method of the configuration on the preference groups. On imported rows, SFT trains on the rows too, because
    /// an import has no responses.
    ///
    /// # Errors
    /// Returns an error if pairing has not run or is stale, the model cannot be loaded, a training fails, a file cannot be read
    /// or written, or `progress` cancels.
    pub fn train(&self, progress: &dyn Progress) -> Result<TrainSummary, PipelineError> {
        Ok(self.perform(Stage::Train, progress, |_| self.run_train(progress))?.0)
    }

    /// Runs the rounds after the first: each policy samples, gets groups from its samples and trains on.
    ///
    /// Does nothing with `rounds = 1`.
    ///
    /// # Errors
    /// Returns the errors of [`synth`](Self::synth), [`pairs`](Self::pairs) and [`train`](Self::train), and an error if
    /// training has not run or is stale.
    pub fn rounds(&self, progress: &dyn Progress) -> Result<RoundsSummary, PipelineError> {
        Ok(self.perform(Stage::Rounds, progress, |_| rounds::run(self, progress))?.0)
    }

    /// Evaluates the base model and every trained model on the held-out instructions, or on the held-out rows of an import.
    ///
    /// # Errors
    /// Returns an error if an earlier stage has not run or is stale, a model was trained on other groups than the run's, imported
    /// rows leave nothing to evaluate on, a model cannot be loaded or fails, a file cannot be read or written, or `progress`
    /// cancels.
    pub fn eval(&self, progress: &dyn Progress) -> Result<EvaluationSummary, PipelineError> {
        Ok(self.perform(Stage::Eval, progress, |_| eval::run(self, progress))?.0)
    }

    /// Renders `report.html` from the files that exist.
    ///
    /// # Errors
    /// Returns an error if the directory holds no run, a finished stage is stale, a file of the run is damaged, or the page
    /// cannot be written.
    pub fn report(&self) -> Result<ReportSummary, PipelineError> {
        Ok(self.perform(Stage::Report, &Silent, |_| self.run_report())?.0)
    }

    /// Returns the headlines of the evaluation: clean accuracy from the base to the best method, with seen and with held-out
    /// kinds.
    ///
    /// # Errors
    /// Returns an error if the summary of the evaluation is damaged.
    pub fn headlines(&self) -> Result<Vec<iopo_report::Headline>, PipelineError> {
        report::headlines(self)
    }
}

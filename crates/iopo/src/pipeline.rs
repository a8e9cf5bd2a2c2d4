//! The whole pipeline as a library: synthesis, pairing, training, evaluation and report in one run directory.
//!
//! [`Pipeline::open`] takes a configuration and a directory. [`Pipeline::run`] runs every stage; [`Pipeline::synth`],
//! [`Pipeline::pairs`], [`Pipeline::train`], [`Pipeline::eval`] and [`Pipeline::report`] run one and return its summary.
//! A stage skips what an earlier call finished, so an interrupted run resumes by running it again. Nothing is printed:
//! progress goes to a [`Progress`], and an error with a known remedy has a [hint](PipelineError::hint).
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
mod error;
mod estimate;
mod eval;
mod model;
mod report;
mod rounds;
mod run_dir;
mod stage;
mod tasks;

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use iopo_eval::EvaluationSummary;
use iopo_llm::{LanguageModel, Progress};
use iopo_pairs::{PairsSummary, is_imported, split_tasks};
use iopo_report::ReportSummary;
use iopo_schema::Split;
use iopo_synth::{RelevanceModel, SynthSummary, synthesize, synthesize_sampled};
use iopo_train::{Responses, SftData, TrainInputs, TrainSummary};

use crate::config::PipelineConfig;

pub use error::PipelineError;
pub use estimate::{Speed, TimeEstimate};
pub use model::{BaseModel, Checkpoint, LocalModels, ModelSource};
pub use report::DEMONSTRATION;
pub use rounds::RoundsSummary;
pub use run_dir::RunDir;
pub use stage::{Stage, StageOutcome, StageSummary};
pub use tasks::BUILT_IN_TASKS;

/// A run: its configuration, its directory, and the source of its base model.
///
/// Holds a lock on the directory until it is dropped.
pub struct Pipeline {
    config: PipelineConfig,
    dir: RunDir,
    models: Box<dyn ModelSource + Send>,
    base: OnceCell<BaseModel>,
}

impl fmt::Debug for Pipeline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pipeline").field("dir", &self.dir.root()).finish_non_exhaustive()
    }
}

impl Pipeline {
    /// Opens a run directory, which is created if it does not exist.
    ///
    /// Writes the configuration to `config.toml`. A directory with a `config.toml` resumes that run.
    ///
    /// # Errors
    /// Returns an error if a setting is invalid, the directory belongs to a run with another configuration, another
    /// process works on it, or it cannot be written.
    pub fn open(config: PipelineConfig, dir: impl AsRef<Path>) -> Result<Self, PipelineError> {
        config.validate()?;
        let dir = RunDir::open(dir.as_ref(), &config)?;
        Ok(Self { config, dir, models: Box::new(LocalModels), base: OnceCell::new() })
    }

    /// Sets the source of the base model, instead of [`LocalModels`].
    ///
    /// Pass a [`BaseModel`] that is already loaded, or anything else that implements [`ModelSource`].
    #[must_use]
    pub fn with_models(self, models: impl ModelSource + Send + 'static) -> Self {
        Self { models: Box::new(models), base: OnceCell::new(), ..self }
    }

    /// Returns the configuration.
    pub fn config(&self) -> &PipelineConfig {
        &self.config
    }

    /// Returns the run directory, which names the files of the run.
    pub fn dir(&self) -> &RunDir {
        &self.dir
    }

    /// Runs every stage in order and passes each outcome to `finished`. Finished work is skipped.
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
        benchmarks::check(self)?;
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
        let (summary, duration) = self.timed(stage, || {
            Ok(match stage {
                Stage::Synth => StageSummary::Synth(self.run_synth(progress)?),
                Stage::Pairs => StageSummary::Pairs(self.run_pairs(progress)?),
                Stage::Train => StageSummary::Train(self.run_train(progress)?),
                Stage::Rounds => StageSummary::Rounds(rounds::run(self, progress)?),
                Stage::Eval => StageSummary::Eval(self.run_eval(progress)?),
                Stage::Report => StageSummary::Report(self.run_report()?),
            })
        })?;
        Ok(StageOutcome { summary, duration })
    }

    /// Samples responses to the tasks and writes instructions from the constraints that hold in them.
    ///
    /// Loads the base model only if responses are missing.
    ///
    /// # Errors
    /// Returns an error if the tasks are invalid or too few to train on, the model cannot be loaded or fails, no response
    /// is usable, a file cannot be read or written, or `progress` cancels.
    pub fn synth(&self, progress: &dyn Progress) -> Result<SynthSummary, PipelineError> {
        Ok(self.timed(Stage::Synth, || self.run_synth(progress))?.0)
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
        Ok(self.timed(Stage::Synth, || self.synth_by(model, None, &self.tasks()?, progress))?.0)
    }

    /// Builds preference groups from the instructions and responses.
    ///
    /// # Errors
    /// Returns an error if synthesis has not run, the directory holds imported groups, too few groups can be built, a file
    /// cannot be read or written, or `progress` cancels.
    pub fn pairs(&self, progress: &dyn Progress) -> Result<PairsSummary, PipelineError> {
        Ok(self.timed(Stage::Pairs, || self.run_pairs(progress))?.0)
    }

    /// Trains every method of the configuration on the preference groups.
    ///
    /// # Errors
    /// Returns an error if pairing has not run, the model cannot be loaded, a training fails, a file cannot be read or
    /// written, or `progress` cancels.
    pub fn train(&self, progress: &dyn Progress) -> Result<TrainSummary, PipelineError> {
        Ok(self.timed(Stage::Train, || self.run_train(progress))?.0)
    }

    /// Runs the rounds after the first: each policy samples, gets groups from its samples and trains on.
    ///
    /// Does nothing with `rounds = 1`.
    ///
    /// # Errors
    /// Returns the errors of [`synth`](Self::synth), [`pairs`](Self::pairs) and [`train`](Self::train), and an error if
    /// training has not run.
    pub fn rounds(&self, progress: &dyn Progress) -> Result<RoundsSummary, PipelineError> {
        Ok(self.timed(Stage::Rounds, || rounds::run(self, progress))?.0)
    }

    /// Evaluates the base model and every trained model on the held-out instructions.
    ///
    /// # Errors
    /// Returns an error if an earlier stage has not run, the directory holds imported groups, a model cannot be loaded or
    /// fails, a file cannot be read or written, or `progress` cancels.
    pub fn eval(&self, progress: &dyn Progress) -> Result<EvaluationSummary, PipelineError> {
        Ok(self.timed(Stage::Eval, || self.run_eval(progress))?.0)
    }

    /// Renders `report.html` from the files that exist.
    ///
    /// # Errors
    /// Returns an error if a file of the run is damaged or the page cannot be written.
    pub fn report(&self) -> Result<ReportSummary, PipelineError> {
        Ok(self.timed(Stage::Report, || self.run_report())?.0)
    }

    /// Returns the headlines of the evaluation: clean accuracy from the base to the best method, with seen and with held-out
    /// kinds.
    ///
    /// # Errors
    /// Returns an error if the summary of the evaluation is damaged.
    pub fn headlines(&self) -> Result<Vec<iopo_report::Headline>, PipelineError> {
        report::headlines(self)
    }

    fn run_synth(&self, progress: &dyn Progress) -> Result<SynthSummary, PipelineError> {
        let (tasks, config) = (self.tasks()?, &self.config.synth);
        if let Some(summary) = synthesize_sampled(&tasks, self.dir.root(), config, progress)? {
            return Ok(summary);
        }
        let model = self.base()?.chat();
        let name = model.name();
        let base = RelevanceModel { name: &name, model };
        self.synth_by(model, Some(base), &tasks, progress)
    }

    fn run_pairs(&self, progress: &dyn Progress) -> Result<PairsSummary, PipelineError> {
        self.refuse_imported()?;
        self.pairs_in(&self.dir, &self.config, progress)
    }

    /// Builds the groups of the run or of one of its rounds.
    fn pairs_in(
        &self,
        dir: &RunDir,
        config: &PipelineConfig,
        progress: &dyn Progress,
    ) -> Result<PairsSummary, PipelineError> {
        let (instructions, responses) = (dir.instructions_file(), dir.responses_file());
        needs(&instructions, Stage::Synth)?;
        needs(&responses, Stage::Synth)?;
        let task_ids = tasks::used(config, &self.dir)?.into_iter().map(|task| task.id);
        Ok(iopo_pairs::build(
            &task_ids.collect(),
            &instructions,
            &responses,
            dir.root(),
            &config.pairs,
            progress,
        )?)
    }

    fn run_train(&self, progress: &dyn Progress) -> Result<TrainSummary, PipelineError> {
        let preferences = self.dir.preferences_file();
        needs(&preferences, Stage::Pairs)?;
        let (config, out) = (&self.config.train, self.dir.train_dir());
        let mut inputs = TrainInputs::new(&preferences);
        let (instructions, responses) = (self.dir.instructions_file(), self.dir.responses_file());
        let train_tasks: BTreeSet<String>;
        if config.sft.data == SftData::Responses {
            needs(&instructions, Stage::Synth)?;
            needs(&responses, Stage::Synth)?;
            let splits = self.splits()?.into_iter();
            train_tasks =
                splits.filter(|(_, split)| *split == Split::Train).map(|(id, _)| id).collect();
            inputs = inputs.with_responses(Responses {
                instructions: &instructions,
                responses: &responses,
                train_tasks: &train_tasks,
            });
        }
        let base = self.base()?;
        Ok(iopo_train::train(config, inputs, &base.base(), &out, progress)?)
    }

    /// Returns the split of every task that synthesis used.
    fn splits(&self) -> Result<BTreeMap<String, Split>, PipelineError> {
        let ids = tasks::used(&self.config, &self.dir)?.into_iter().map(|task| task.id).collect();
        Ok(split_tasks(&ids, &self.config.pairs))
    }

    fn run_eval(&self, progress: &dyn Progress) -> Result<EvaluationSummary, PipelineError> {
        eval::check(self)?;
        eval::run(self, progress)
    }

    fn run_report(&self) -> Result<ReportSummary, PipelineError> {
        let meta = report::meta(self)?;
        Ok(iopo_report::render(self.dir.root(), &self.dir.report_file(), &meta)?)
    }

    /// Returns the base model, loaded on first use.
    fn base(&self) -> Result<&BaseModel, PipelineError> {
        if let Some(base) = self.base.get() {
            return Ok(base);
        }
        let base = self.models.load(&self.config, self.dir.root())?;
        Ok(self.base.get_or_init(|| base))
    }

    /// Returns the file of tasks. Fails if it leaves none to train on.
    fn tasks(&self) -> Result<PathBuf, PipelineError> {
        let path = tasks::file(&self.config, &self.dir)?;
        tasks::check_count(iopo_synth::read_tasks(&path)?.len(), &self.config)?;
        Ok(path)
    }

    fn synth_by(
        &self,
        model: &dyn LanguageModel,
        base: Option<RelevanceModel<'_>>,
        tasks: &Path,
        progress: &dyn Progress,
    ) -> Result<SynthSummary, PipelineError> {
        Ok(synthesize(tasks, self.dir.root(), model, base, &self.config.synth, progress)?)
    }

    /// Fails if the groups are imported: no stage can build them again, so none may replace them.
    fn refuse_imported(&self) -> Result<(), PipelineError> {
        let preferences = self.dir.preferences_file();
        if is_imported(&preferences) {
            return Err(PipelineError::WouldReplaceImported { preferences });
        }
        Ok(())
    }

    /// Does the work of a stage, and measures and records its duration.
    fn timed<T>(
        &self,
        stage: Stage,
        work: impl FnOnce() -> Result<T, PipelineError>,
    ) -> Result<(T, Duration), PipelineError> {
        let begun = Instant::now();
        let summary = work()?;
        let took = begun.elapsed();
        self.dir.note_time(stage, took)?;
        Ok((summary, took))
    }
}

/// Fails if a file of an earlier stage is missing.
fn needs(file: &Path, stage: Stage) -> Result<(), PipelineError> {
    if file.is_file() {
        return Ok(());
    }
    Err(PipelineError::MissingInput { file: file.to_owned(), stage })
}

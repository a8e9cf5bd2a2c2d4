//! The work of the first stages: what they read, and how they call the stage's crate.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use iopo_llm::{LanguageModel, Progress};
use iopo_pairs::{
    Collected, PairsSummary, build_judged, build_with_rewrites, is_imported, split_tasks,
};
use iopo_report::ReportSummary;
use iopo_schema::Split;
use iopo_synth::{RelevanceModel, SynthError, SynthSummary, synthesize, synthesize_sampled};
use iopo_train::{Responses, SftData, TrainInputs, TrainSummary};

use super::perform::needs;
use super::{
    BaseModel, Pipeline, PipelineError, RunDir, Stage, StageState, StageStatus, eval, fipo, report,
    tasks, test_tasks,
};
use crate::config::PipelineConfig;

impl Pipeline {
    pub(super) fn run_synth(
        &self,
        own: &StageStatus,
        progress: &dyn Progress,
    ) -> Result<SynthSummary, PipelineError> {
        if self.config.synth.recipe.is_trace() {
            return Ok(self.run_trace(progress)?.into());
        }
        if let Some(note) = self.config.ifbench_note() {
            progress.note(&note);
        }
        if let Some(note) = self.config.llm.unasked_note() {
            progress.note(&note);
        }
        let (source, config) = (self.tasks()?, &self.config.synth);
        // The fingerprint of the base model decides whether finished answers are its own. A killed command can leave a record
        // of the present settings beside the answers of others.
        let compares_models = own.has_other_model()
            || (own.state == StageState::Unfinished && self.base.get().is_some());
        if !compares_models
            && let Some(summary) = synthesize_sampled(
                self.contamination()?.without(&source),
                self.dir.root(),
                config,
                progress,
            )?
        {
            tasks::keep(&source, &self.dir)?;
            self.list_contamination(progress)?;
            return Ok(summary);
        }
        let model = self.base()?.chat();
        let tasks = tasks::keep(&source, &self.dir)?;
        let fingerprint = model.fingerprint().map_err(SynthError::from)?;
        let base = RelevanceModel { fingerprint: &fingerprint, model };
        self.synth_by(model, Some(base), &tasks, progress)
    }

    pub(super) fn run_pairs(&self, progress: &dyn Progress) -> Result<PairsSummary, PipelineError> {
        self.claim()?;
        let made = self.pairs_in(&self.dir, &self.config, progress);
        made.map_err(|error| self.with_excluded(error))
    }

    /// Builds the groups of the run or of one of its rounds.
    pub(super) fn pairs_in(
        &self,
        dir: &RunDir,
        config: &PipelineConfig,
        progress: &dyn Progress,
    ) -> Result<PairsSummary, PipelineError> {
        if fipo::is_alone(dir) {
            return fipo::pairs_of_rewrites(self, dir, config, progress);
        }
        let (instructions, responses) = (dir.instructions_file(), dir.responses_file());
        needs(&instructions, Stage::Synth)?;
        needs(&responses, Stage::Synth)?;
        let tasks = tasks::used(config, &self.dir)?;
        let task_ids = tasks.iter().map(|task| task.id.clone()).collect();
        let (rewrites, collected) = (fipo::candidates(dir), fipo::collected(dir));
        if let Some(rewrites) = &rewrites {
            fipo::refuse_other_responses(dir, rewrites)?;
        }
        let (root, settings) = (dir.root(), &config.pairs);
        if config.synth.recipe.is_trace() {
            let candidates = dir.candidates_file();
            needs(&candidates, Stage::Synth)?;
            let files: Vec<&Path> =
                [&candidates].into_iter().chain(&rewrites).map(PathBuf::as_path).collect();
            let preferences = collected.as_deref();
            let tested = self.tested_rows(&tasks, settings, &files, preferences)?;
            let collected = (preferences, &tested);
            return Ok(build_judged(&task_ids, &files, collected, root, settings, progress)?);
        }
        if let Some(rewrites) = rewrites {
            let collected = collected.as_deref();
            let tested = self.tested_rows(&tasks, settings, &[&rewrites], collected)?;
            return Ok(build_with_rewrites(
                &task_ids,
                &instructions,
                &responses,
                Collected { candidates: &rewrites, input_preferences: collected, tested: &tested },
                root,
                settings,
                progress,
            )?);
        }
        Ok(iopo_pairs::build(&task_ids, &instructions, &responses, root, settings, progress)?)
    }

    pub(super) fn run_train(&self, progress: &dyn Progress) -> Result<TrainSummary, PipelineError> {
        self.refuse_contaminated(self.dir.root(), progress)?;
        if self.config.eval.tasks.is_some() {
            test_tasks::refuse_training(&self.config, &[eval::own_training_files(self)?])?;
        }
        let preferences = self.dir.preferences_file();
        let (mut config, out) = (self.config.train.clone(), self.dir.train_dir());
        if config.sft.data == SftData::Responses && is_imported(&preferences) {
            progress.note(
                "SFT trains on the imported rows, because an import has no responses (train.sft.data)",
            );
            if config.sft.max_rows > 0 {
                progress.note(&format!(
                    "train.sft.max_rows = {} limits responses, not imported rows, so SFT ignores it",
                    config.sft.max_rows
                ));
            }
            (config.sft.data, config.sft.max_rows) = (SftData::Groups, 0);
        }
        let input_preferences = fipo::input_preferences(&self.dir);
        let mut inputs = TrainInputs::new(&preferences)
            .with_input_preferences(&input_preferences)
            .with_replace(self.replaces.get());
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
        Ok(iopo_train::train(&config, inputs, &base.base(), &out, progress)?)
    }

    /// Returns the split of every task that synthesis used.
    pub(super) fn splits(&self) -> Result<BTreeMap<String, Split>, PipelineError> {
        let ids = tasks::used(&self.config, &self.dir)?.into_iter().map(|task| task.id).collect();
        Ok(split_tasks(&ids, &self.config.pairs))
    }

    pub(super) fn run_report(&self) -> Result<ReportSummary, PipelineError> {
        let meta = report::meta(self)?;
        Ok(iopo_report::render(self.dir.root(), &self.dir.report_file(), &meta)?)
    }

    /// Returns the base model, loaded on first use. From then on, the directory belongs to the run.
    pub(super) fn base(&self) -> Result<&BaseModel, PipelineError> {
        let base = self.load()?;
        self.refuse_other_model()?;
        self.claim()?;
        Ok(base)
    }

    /// Loads the base model, unless it is loaded.
    pub(super) fn load(&self) -> Result<&BaseModel, PipelineError> {
        if let Some(base) = self.base.get() {
            return Ok(base);
        }
        self.dir.hold()?;
        let base = self.models.load(&self.config, self.dir.root())?;
        let base = if self.config.train.use_peft { base.frozen() } else { base };
        Ok(self.base.get_or_init(|| base))
    }

    /// Returns the file of tasks. Fails if it leaves none to train on.
    pub(super) fn tasks(&self) -> Result<PathBuf, PipelineError> {
        self.dir.hold()?;
        let path = tasks::source(&self.config, &self.dir)?;
        tasks::check_count(iopo_synth::read_tasks(&path)?.len(), &self.config)?;
        Ok(path)
    }

    pub(super) fn synth_by(
        &self,
        model: &dyn LanguageModel,
        base: Option<RelevanceModel<'_>>,
        tasks: &Path,
        progress: &dyn Progress,
    ) -> Result<SynthSummary, PipelineError> {
        let file = self.contamination()?.without(tasks);
        let made = synthesize(file, self.dir.root(), model, base, &self.config.synth, progress)?;
        self.list_contamination(progress)?;
        Ok(made)
    }
}

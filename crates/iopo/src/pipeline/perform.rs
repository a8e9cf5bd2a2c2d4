//! What every stage does around its work: checks its inputs, says why it runs again, and records what it read and wrote.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use iopo_llm::Progress;
use iopo_pairs::is_imported;

use super::record::{self, ModelRecord, Record};
use super::status::{self, Examination};
use super::{Pipeline, PipelineError, Reason, Stage, StageState, StageStatus, eval, fipo, reads};

impl Pipeline {
    /// Does the work of a stage, which gets its own state, and records what it read and wrote and how long it took.
    pub(super) fn perform<T>(
        &self,
        stage: Stage,
        progress: &dyn Progress,
        work: impl FnOnce(&StageStatus) -> Result<T, PipelineError>,
    ) -> Result<(T, Duration), PipelineError> {
        let begun = Instant::now();
        self.check(stage)?;
        self.check_files(stage)?;
        self.dir.hold()?;
        if stage == Stage::Synth {
            self.contamination()?;
        }
        let examined = self.examine(stage)?;
        status::refuse_stale_inputs(&examined)?;
        let Examination { stages, before, mut plan } = examined;
        let missing = StageStatus { stage, state: StageState::Missing, reasons: Vec::new() };
        let own = stages.last().unwrap_or(&missing);
        status::renew(self, own, progress)?;
        let is_new = own.state == StageState::Missing;
        let is_valid = own.state == StageState::Valid;
        let resumed = before.as_ref().filter(|_| own.state == StageState::Unfinished);
        if let (Some(model), Some(begun)) =
            (&mut plan.model, resumed.and_then(|before| before.model.as_ref()))
        {
            model.devices.clone_from(&begun.devices);
        }
        self.replaces.set(!is_new && !is_valid);
        self.running.set(Some(stage));
        self.pending.replace((!is_valid).then(|| plan.clone()));
        let made = work(own);
        self.running.set(None);
        self.pending.replace(None);
        let made = made?;
        self.record(stage, before, plan, is_valid)?;
        self.dir.write_config(&self.config)?;
        let took = begun.elapsed();
        self.dir.note_time(stage, took)?;
        Ok((made, took))
    }

    /// Fails if a file that a stage needs is missing, or if the stage cannot work on the run.
    fn check(&self, stage: Stage) -> Result<(), PipelineError> {
        match stage {
            Stage::Rounds if self.config.rounds < 2 => Ok(()),
            Stage::Synth | Stage::Rounds => self.refuse_imported(),
            // Its responses are read before.
            Stage::Fipo => Ok(()),
            Stage::Pairs => {
                self.refuse_imported()?;
                if fipo::is_alone(&self.dir) {
                    return Ok(());
                }
                needs(&self.dir.instructions_file(), Stage::Synth)?;
                needs(&self.dir.responses_file(), Stage::Synth)?;
                if self.config.synth.recipe.is_trace() {
                    needs(&self.dir.candidates_file(), Stage::Synth)?;
                }
                Ok(())
            }
            Stage::Train => needs(&self.dir.preferences_file(), Stage::Pairs),
            Stage::Eval => eval::check(self),
            Stage::Report if self.dir.is_run() => Ok(()),
            Stage::Report => Err(PipelineError::NoRun { dir: self.dir.root().to_owned() }),
        }
    }

    /// Loads the base model if synthesis has recorded its content, to detect a model that changed while its name stayed the
    /// same.
    ///
    /// A model that cannot be loaded is an error only when it is needed; a finished synthesis does not need it.
    pub(super) fn load_recorded(&self) -> Result<(), PipelineError> {
        let record = match Record::read(&self.dir.record_file(Stage::Synth)) {
            // A damaged record is written again.
            Err(PipelineError::File(_)) => None,
            record => record?,
        };
        if record.and_then(|record| record.model).is_some_and(|model| model.hash.is_some())
            && let Err(error) = self.load()
        {
            tracing::debug!("the base model is not compared with the record of synth: {error}");
        }
        Ok(())
    }

    /// Examines a stage and those before it. A model with another name is loaded, because it may be the same one.
    fn examine(&self, stage: Stage) -> Result<Examination, PipelineError> {
        let examined = status::examine(self, stage)?;
        let mut reasons = examined.stages.iter().flat_map(|status| &status.reasons);
        let has_other_model = reasons.any(|reason| matches!(reason, Reason::Model { .. }));
        if !has_other_model || stage == Stage::Report || self.base.get().is_some() {
            return Ok(examined);
        }
        self.load()?;
        status::examine(self, stage)
    }

    /// Writes the configuration and the record of the running stage, before its work begins.
    pub(super) fn claim(&self) -> Result<(), PipelineError> {
        let (Some(stage), Some(mut record)) = (self.running.get(), self.pending.take()) else {
            return Ok(());
        };
        self.dir.write_config(&self.config)?;
        if let Some(model) = &mut record.model {
            self.describe_base(model)?;
        }
        record.write(&self.dir.record_file(stage))
    }

    /// Adds the loaded base model and its device to the record of a stage that computes with them.
    fn describe_base(&self, model: &mut ModelRecord) -> Result<(), PipelineError> {
        if let Some(base) = self.base.get() {
            model.hash = self.model_hash()?;
            model.weights = Some(base.chat().weights_hash().to_owned());
            model.devices.insert(base.device().to_owned());
        }
        Ok(())
    }

    /// Fails if an earlier stage was run with another base model than the loaded one.
    pub(super) fn refuse_other_model(&self) -> Result<(), PipelineError> {
        let Some(stage) = self.running.get() else { return Ok(()) };
        let now = self.model_hash()?;
        for earlier in reads::upstream(stage) {
            let record = Record::read(&self.dir.record_file(*earlier))?;
            let Some(model) = record.and_then(|record| record.model) else { continue };
            if let (Some(old), Some(new)) = (model.hash, now.clone())
                && old != new
            {
                let reasons = vec![Reason::Model { old, new }];
                let input = StageStatus { stage: *earlier, state: StageState::Stale, reasons };
                return Err(PipelineError::InvalidInput { stage, input });
            }
        }
        Ok(())
    }

    /// Writes the record of a finished stage. A stage that `was_valid` has computed nothing.
    fn record(
        &self,
        stage: Stage,
        before: Option<Record>,
        mut record: Record,
        was_valid: bool,
    ) -> Result<(), PipelineError> {
        if let Some(model) = &mut record.model {
            let now = self.model_hash()?;
            let is_same =
                |old: &ModelRecord| old.name == model.name || (now.is_some() && old.hash == now);
            let known = before.and_then(|record| record.model).filter(is_same);
            if was_valid || self.base.get().is_none() {
                let known = known.unwrap_or_default();
                model.hash = now.or(known.hash);
                (model.weights, model.devices) = (known.weights, known.devices);
            } else {
                self.describe_base(model)?;
            }
        }
        let mut outputs = BTreeMap::new();
        for (name, path) in reads::outputs(self, stage)? {
            outputs.insert(name, iopo_schema::file_hash(&path)?);
        }
        record.outputs = Some(outputs);
        record.usage = self.usage(stage)?;
        record.write(&self.dir.record_file(stage))
    }

    /// Returns the hash of the base model; `None` if it is not loaded.
    pub(super) fn model_hash(&self) -> Result<Option<String>, PipelineError> {
        let Some(base) = self.base.get() else { return Ok(None) };
        if let Some(hash) = self.model_hash.get() {
            return Ok(Some(hash.clone()));
        }
        let base = base.base();
        let hash = record::model_hash(base.weights_hash, &base.template_hash()?);
        Ok(Some(self.model_hash.get_or_init(|| hash).clone()))
    }

    /// Fails if the groups are imported: they have no tasks to sample for, and no stage can build them again.
    pub(super) fn refuse_imported(&self) -> Result<(), PipelineError> {
        let preferences = self.dir.preferences_file();
        if is_imported(&preferences) {
            return Err(PipelineError::WouldReplaceImported { preferences });
        }
        Ok(())
    }
}

/// Fails if a file of an earlier stage is missing.
pub(super) fn needs(file: &Path, stage: Stage) -> Result<(), PipelineError> {
    if file.is_file() {
        return Ok(());
    }
    Err(PipelineError::MissingInput { file: file.to_owned(), stage })
}

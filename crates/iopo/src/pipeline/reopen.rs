//! Stages with failed requests, which `llm.retry_failed` opens again after they are finished.

use std::path::PathBuf;

use iopo_llm::Progress;
use iopo_schema::{MetricRow, clear_parts, run_files};

use super::{Pipeline, PipelineError, Stage, fipo};

/// Prefix of the counters of failed requests.
const FAILED: &str = "failed/";

impl Pipeline {
    /// Returns the counters that a stage writes last.
    fn counters(&self, stage: Stage) -> PathBuf {
        let folder = match stage {
            Stage::Fipo => fipo::folder(&self.dir),
            _ => self.dir.root().to_owned(),
        };
        folder.join(run_files::SYNTH_STATS)
    }

    /// Returns the number of failed requests of a finished stage.
    fn failed(&self, stage: Stage) -> Result<u64, PipelineError> {
        let file = self.counters(stage);
        if !file.is_file() {
            return Ok(0);
        }
        let rows: Vec<MetricRow> = iopo_schema::read(&file)?;
        let failed = rows.iter().filter(|row| row.name.starts_with(FAILED));
        Ok(failed.map(|row| row.value as u64).sum())
    }

    /// Returns whether a finished stage sends failed requests again.
    pub(super) fn reopens(&self, stage: Stage) -> Result<bool, PipelineError> {
        Ok(self.config.llm.retry_failed && self.failed(stage)? > 0)
    }

    /// Removes the files of a stage with failed requests, if these are sent again. The stage makes them again from the stored
    /// answers, which cost nothing.
    pub(super) fn reopen_failed(
        &self,
        stage: Stage,
        progress: &dyn Progress,
    ) -> Result<(), PipelineError> {
        let counters = self.counters(stage);
        // The parts of a stage that was interrupted may have failed requests, too.
        if !self.config.llm.retry_failed || (counters.is_file() && self.failed(stage)? == 0) {
            return Ok(());
        }
        if counters.is_file() {
            let failed = self.failed(stage)?;
            progress.note(&format!("{failed} failed requests of {stage} are sent again"));
        }
        for name in [
            run_files::SYNTH_STATS,
            run_files::INSTRUCTIONS,
            run_files::RESPONSES,
            run_files::CANDIDATES,
            run_files::INPUT_PREFERENCES,
        ] {
            // The preferences beside synthesis are those that pairing keeps.
            if stage != Stage::Fipo && name == run_files::INPUT_PREFERENCES {
                continue;
            }
            let path = counters.with_file_name(name);
            match std::fs::remove_file(&path) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(PipelineError::io("remove", &path)(error));
                }
                _ => clear_parts(&path),
            }
        }
        Ok(())
    }
}

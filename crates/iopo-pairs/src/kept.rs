//! The collected input preferences that no group uses: the stage keeps them in `input_preferences.parquet` of the run.

use iopo_core::Counts;
use iopo_schema::{
    Breakdown, InputPreferenceRow, PreferenceRow, Provenance, made_with, read, run_files, write,
};

use crate::PairsError;
use crate::input_preferences::{
    is_imported_input_preferences, is_kept_input_preferences, without_groups,
};
use crate::output::Output;
use crate::split::split_tasks;
use crate::stage::TESTED;

impl Output<'_> {
    /// Returns whether `input_preferences.parquet` is that of this call. An imported file stays as it is.
    pub(crate) fn has_input_preferences(&self, provenance: &Provenance) -> bool {
        let path = self.out_dir.join(run_files::INPUT_PREFERENCES);
        is_imported_input_preferences(&path)
            || match self.input_preferences {
                Some(_) => made_with::<InputPreferenceRow>(&path, provenance),
                None => !path.exists(),
            }
    }

    /// Fails if `input_preferences.parquet` is neither that of this stage nor an import.
    pub(crate) fn refuse_other_input_preferences(&self) -> Result<(), PairsError> {
        let path = self.out_dir.join(run_files::INPUT_PREFERENCES);
        let is_known = is_imported_input_preferences(&path) || is_kept_input_preferences(&path);
        // A link that leads nowhere is a file of the user, too.
        if is_known || path.symlink_metadata().is_err() {
            return Ok(());
        }
        Err(PairsError::OtherInputPreferences { path })
    }

    /// Writes the collected preferences that no group uses, or removes those of an earlier call.
    pub(crate) fn write_input_preferences(
        &self,
        groups: &[Vec<PreferenceRow>],
        counts: &mut Counts,
        provenance: &Provenance,
    ) -> Result<(), PairsError> {
        let path = self.out_dir.join(run_files::INPUT_PREFERENCES);
        let Some(collected) = self.input_preferences else {
            if !is_imported_input_preferences(&path) && path.exists() {
                std::fs::remove_file(&path).map_err(|source| PairsError::Io { path, source })?;
            }
            return Ok(());
        };
        if is_imported_input_preferences(&path) {
            self.progress.note(&format!(
                "{} is imported, so the preferences of {} are not used",
                path.display(),
                collected.display()
            ));
            return Ok(());
        }
        let splits = split_tasks(self.task_ids, self.config);
        let mut rows = read::<InputPreferenceRow>(collected)?;
        rows.retain(|row| {
            let is_tested = self.tested.contains(&row.id);
            if is_tested {
                counts.one(Breakdown::InputPreferences.of(TESTED));
            }
            !is_tested
        });
        let rows = without_groups(rows, groups, &splits, self.config, counts)?;
        Ok(write(&path, &rows, provenance)?)
    }
}

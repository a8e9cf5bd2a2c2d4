//! The files that the stage writes: `preferences`, `pairs_stats`, and the input preferences that no group uses.

use std::collections::BTreeSet;
use std::path::Path;

use iopo_llm::Progress;
use iopo_schema::{
    MetricRow, Parts, PreferenceRow, Provenance, content_id, file_hash, made_with, read, run_files,
    write,
};

use crate::accept::accept;
use crate::exchange::is_imported;
use crate::make::Made;
use crate::producer::{JUDGED, PRODUCER};
use crate::stats::metrics;
use crate::{PairsConfig, PairsError, PairsSummary};

/// The files that the stage writes.
pub(crate) struct Output<'a> {
    pub(crate) task_ids: &'a BTreeSet<String>,
    pub(crate) inputs: &'a [(&'a str, &'a Path)],
    pub(crate) input_preferences: Option<&'a Path>,
    pub(crate) tested: &'a BTreeSet<String>,
    pub(crate) is_judged: bool,
    pub(crate) out_dir: &'a Path,
    pub(crate) config: &'a PairsConfig,
    pub(crate) progress: &'a dyn Progress,
}

impl Output<'_> {
    fn provenance(&self) -> Result<Provenance, PairsError> {
        let producer = if self.is_judged { JUDGED } else { PRODUCER };
        let ids: Vec<&str> = self.task_ids.iter().map(String::as_str).collect();
        let mut provenance = Provenance::new(producer, self.config.rows_json(self.is_judged)?)
            .with_input("task_ids", content_id(&ids));
        let preferences = self.input_preferences.map(|path| ("input_preferences", path));
        for (name, path) in self.inputs.iter().copied().chain(preferences) {
            provenance = provenance.with_input(name, file_hash(path)?);
        }
        if !self.tested.is_empty() {
            let ids: Vec<&str> = self.tested.iter().map(String::as_str).collect();
            provenance = provenance.with_input("tested_rows", content_id(&ids));
        }
        Ok(provenance)
    }

    /// Makes the groups if the files do not have them yet, and writes those that `check` accepts.
    pub(crate) fn write(
        &self,
        make: impl FnOnce() -> Result<Made, PairsError>,
        check: impl Fn(&PreferenceRow) -> Result<(), &'static str>,
    ) -> Result<PairsSummary, PairsError> {
        let Self { out_dir, config, progress, .. } = self;
        config.validate()?;
        let preferences = out_dir.join(run_files::PREFERENCES);
        if is_imported(&preferences) {
            return Err(PairsError::Imported { path: preferences });
        }
        self.refuse_other_input_preferences()?;
        std::fs::create_dir_all(out_dir)
            .map_err(|source| PairsError::Io { path: out_dir.to_path_buf(), source })?;
        let provenance = self.provenance()?;
        let stats_path = out_dir.join(run_files::PAIRS_STATS);
        let parts = Parts::<PreferenceRow>::open(&preferences, &provenance)?;
        let stats_done = made_with::<MetricRow>(&stats_path, &provenance);
        if parts.is_complete() && stats_done && self.has_input_preferences(&provenance) {
            let summary = PairsSummary::from_metrics(read::<MetricRow>(&stats_path)?);
            accept(&summary, config)?;
            return Ok(summary);
        }

        let (groups, mut counts) = make()?;
        self.write_input_preferences(&groups, &mut counts, &provenance)?;
        let summary = PairsSummary::from_metrics(metrics(&counts));
        write(&stats_path, &summary.metrics, &provenance)?;
        accept(&summary, config)?;
        if parts.is_complete() {
            return Ok(summary);
        }
        progress.start("writing preference groups", groups.len() as u64);
        parts.fill(
            &groups,
            config.tasks_per_part,
            |tasks| progress.advance(tasks.len() as u64),
            |tasks| {
                if progress.cancelled() {
                    return Err(PairsError::Cancelled);
                }
                let rows: Vec<PreferenceRow> = tasks.iter().flatten().cloned().collect();
                for row in &rows {
                    check(row)
                        .map_err(|reason| PairsError::Admission { id: row.id.clone(), reason })?;
                }
                progress.advance(tasks.len() as u64);
                Ok(rows)
            },
        )?;
        progress.finish();
        Ok(summary)
    }
}

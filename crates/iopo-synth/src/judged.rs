//! The part of a run that the recipe `trace` and the collector `fipo` share: rows of parts, their files, and the limit on failed
//! requests.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use iopo_core::Counts;
use iopo_llm::Progress;
use iopo_schema::{
    InputPreferenceRow, InstructionRow, MetricRow, Parts, PreferenceRow, Provenance, Record,
    ResponseRow, clear_parts, made_with, read, run_files, stats, write,
};

use crate::SynthError;

/// The rows of a part.
#[derive(Debug, Default)]
pub(crate) struct Made {
    pub(crate) instructions: Vec<InstructionRow>,
    pub(crate) responses: Vec<ResponseRow>,
    pub(crate) candidates: Vec<PreferenceRow>,
    /// Only the collector makes preferences between two instructions.
    pub(crate) preferences: Vec<InputPreferenceRow>,
    pub(crate) counts: Counts,
    /// Hash of the requests of the part and of their answers.
    pub(crate) answers: String,
}

/// The limit on the share of failed requests.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FailedLimit {
    pub(crate) share: f64,
    /// The setting of the limit.
    pub(crate) setting: &'static str,
}

impl FailedLimit {
    /// Rejects a run with too many failed requests.
    pub(crate) fn check(self, failed: u64, requests: u64) -> Result<(), SynthError> {
        let share = failed as f64 / requests.max(1) as f64;
        if share > self.share {
            let Self { share: limit, setting } = self;
            return Err(SynthError::TooManyFailed { failed, requests, share, limit, setting });
        }
        Ok(())
    }

    /// Does the same, and says before the error what was dropped for which reasons.
    pub(crate) fn check_with_reasons(
        self,
        (failed, requests): (u64, u64),
        dropped: &BTreeMap<String, u64>,
        progress: &dyn Progress,
    ) -> Result<(), SynthError> {
        let checked = self.check(failed, requests);
        if checked.is_err() {
            for (reason, count) in dropped {
                progress.note(&format!("{count} dropped: {reason}"));
            }
        }
        checked
    }
}

/// The output files of a run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Outputs<'a> {
    pub(crate) dir: &'a Path,
    pub(crate) provenance: &'a Provenance,
    /// Whether the run makes preferences between two instructions.
    pub(crate) has_preferences: bool,
}

impl Outputs<'_> {
    /// Returns the summary of a finished run, made from its counters, if `accepts` accepts it.
    ///
    /// Removes the files of a run that failed or lost a file, so that all are made again from the same answers. Files of another
    /// provenance stay: [`Parts::open`] decides about them.
    pub(crate) fn finished<S>(
        &self,
        summary: impl FnOnce(Vec<MetricRow>) -> S,
        accepts: impl FnOnce(&S) -> bool,
    ) -> Result<Option<S>, SynthError> {
        let stats = self.stats();
        if !made_with::<MetricRow>(&stats, self.provenance) {
            return Ok(None);
        }
        let mut others = vec![
            self.of::<InstructionRow>(run_files::INSTRUCTIONS),
            self.of::<ResponseRow>(run_files::RESPONSES),
            self.of::<PreferenceRow>(run_files::CANDIDATES),
        ];
        if self.has_preferences {
            others.push(self.of::<InputPreferenceRow>(run_files::INPUT_PREFERENCES));
        }
        if others.iter().all(|(_, is_made)| *is_made) {
            let summary = summary(read::<MetricRow>(&stats)?);
            if accepts(&summary) {
                return Ok(Some(summary));
            }
        }
        let made = others.into_iter().filter(|(_, is_made)| *is_made).map(|(path, _)| path);
        for path in std::iter::once(stats).chain(made) {
            std::fs::remove_file(&path).map_err(|source| SynthError::Io { path, source })?;
        }
        Ok(None)
    }

    fn stats(&self) -> PathBuf {
        self.dir.join(run_files::SYNTH_STATS)
    }

    /// Returns a file, and whether it has this provenance.
    fn of<R: Record>(&self, name: &str) -> (PathBuf, bool) {
        let path = self.dir.join(name);
        let is_made = made_with::<R>(&path, self.provenance);
        (path, is_made)
    }
}

/// The files in parts. The counters of a part are written last, so a part with counters is finished.
pub(crate) struct Files {
    instructions: Parts<InstructionRow>,
    responses: Parts<ResponseRow>,
    candidates: Parts<PreferenceRow>,
    preferences: Option<Parts<InputPreferenceRow>>,
    counts: Parts<MetricRow>,
    /// The file beside which the parts of the counters are.
    stats: PathBuf,
}

impl Files {
    pub(crate) fn open(outputs: &Outputs<'_>) -> Result<Self, SynthError> {
        let (dir, provenance) = (outputs.dir, outputs.provenance);
        let stats = outputs.stats();
        let preferences = outputs
            .has_preferences
            .then(|| Parts::open(&dir.join(run_files::INPUT_PREFERENCES), provenance));
        Ok(Self {
            instructions: Parts::open(&dir.join(run_files::INSTRUCTIONS), provenance)?,
            responses: Parts::open(&dir.join(run_files::RESPONSES), provenance)?,
            candidates: Parts::open(&dir.join(run_files::CANDIDATES), provenance)?,
            preferences: preferences.transpose()?,
            counts: Parts::open(&stats, provenance)?,
            stats,
        })
    }

    /// Makes the rows of a part if it is missing, and adds its counters to `counts`.
    pub(crate) fn part(
        &self,
        part: usize,
        counts: &mut Counts,
        make: impl FnOnce() -> Result<Made, SynthError>,
    ) -> Result<(), SynthError> {
        if !self.counts.has(part) {
            let mut made = make()?;
            for one in made.instructions.iter().flat_map(|row| &row.constraints) {
                stats::count_constraint(&mut made.counts, one);
            }
            self.write(part, &made)?;
        }
        for row in self.counts.read(part)? {
            counts.add(row.name, row.value as u64);
        }
        Ok(())
    }

    fn write(&self, part: usize, made: &Made) -> Result<(), SynthError> {
        write_part(&self.instructions, part, &made.instructions, &made.answers)?;
        write_part(&self.responses, part, &made.responses, &made.answers)?;
        write_part(&self.candidates, part, &made.candidates, &made.answers)?;
        if let Some(preferences) = &self.preferences {
            write_part(preferences, part, &made.preferences, &made.answers)?;
        }
        self.counts.write(part, &stats::to_rows(&made.counts, &[]))?;
        Ok(())
    }

    /// Joins the parts and returns the counters as they are read back. They are written last, so that they mark a finished run.
    pub(crate) fn finish(
        self,
        parts: usize,
        metrics: &[MetricRow],
        provenance: &Provenance,
    ) -> Result<Vec<MetricRow>, SynthError> {
        self.instructions.finish(parts)?;
        self.responses.finish(parts)?;
        self.candidates.finish(parts)?;
        if let Some(preferences) = self.preferences {
            preferences.finish(parts)?;
        }
        write(&self.stats, metrics, provenance)?;
        // The lock on the parts ends here.
        drop(self.counts);
        clear_parts(&self.stats);
        Ok(read::<MetricRow>(&self.stats)?)
    }
}

fn write_part<R: Record>(
    file: &Parts<R>,
    part: usize,
    rows: &[R],
    answers: &str,
) -> Result<(), SynthError> {
    if !file.is_complete() {
        file.write_answered(part, rows, answers)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::{FailedLimit, Progress};

    /// Keeps the notes.
    #[derive(Default)]
    struct Notes(Mutex<Vec<String>>);

    impl Progress for Notes {
        fn note(&self, text: &str) {
            self.0.lock().expect("a lock").push(text.to_owned());
        }
    }

    #[test]
    fn a_failed_run_says_what_was_dropped_before_its_error() {
        let limit = FailedLimit { share: 0.1, setting: "fipo.max_failed_share" };
        let dropped = [("better/leak".to_owned(), 3), ("rating/failed".to_owned(), 2)].into();
        let notes = Notes::default();
        limit.check_with_reasons((1, 10), &dropped, &notes).expect("few enough");
        assert!(notes.0.lock().expect("a lock").is_empty(), "a run that passes says nothing");
        let error = limit.check_with_reasons((2, 10), &dropped, &notes).expect_err("too many");
        assert!(error.to_string().contains("2 failed requests of 10"), "{error}");
        assert_eq!(
            *notes.0.lock().expect("a lock"),
            ["3 dropped: better/leak", "2 dropped: rating/failed"]
        );
    }
}

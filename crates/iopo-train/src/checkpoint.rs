//! Exact resume: weights, moments, step and metrics in directories that are complete or absent.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use iopo_core::directories::AtomicDirectory;
use iopo_model::NamedTensors;
use iopo_schema::{
    MetricRow, Provenance, SchemaError,
    content_hash::{read_json, write_json},
    read,
    run_files::METRICS,
    write,
};
use serde::{Deserialize, Serialize};

use crate::{PRODUCER, TrainError, files, weights};

const WEIGHTS: &str = "weights.safetensors";
const OPTIMIZER: &str = "optimizer.bin";
const BEST: &str = "best.safetensors";
const STATE: &str = "state.json";

/// Number of checkpoints to keep. If the newest is damaged, training resumes from the previous one.
const KEPT: usize = 2;

/// State of a training between two updates.
#[derive(Debug, Clone)]
pub struct Checkpoint {
    /// Updates done.
    pub step: usize,
    /// Tokens computed so far.
    pub tokens: u64,
    /// Tokens of padded rows so far.
    pub padded_tokens: u64,
    /// The trained weights.
    pub weights: NamedTensors,
    /// The weights of the best evaluation, if these are kept.
    pub best: Option<NamedTensors>,
    /// The optimizer's moments.
    pub optimizer: Vec<u8>,
    /// Metrics of all updates so far.
    pub metrics: Vec<MetricRow>,
}

#[derive(Serialize, Deserialize)]
struct State {
    fingerprint: String,
    step: usize,
    tokens: u64,
    padded_tokens: u64,
    hashes: BTreeMap<String, String>,
}

/// A method's checkpoints.
#[derive(Debug, Clone)]
pub struct Checkpoints {
    dir: PathBuf,
    fingerprint: String,
}

impl Checkpoints {
    /// Opens the checkpoints in `dir` for the run that `fingerprint` identifies.
    pub fn new(dir: &Path, fingerprint: &str) -> Self {
        Self { dir: dir.to_owned(), fingerprint: fingerprint.to_owned() }
    }

    /// Writes a checkpoint into a directory that appears complete, and removes older ones.
    ///
    /// # Errors
    /// Returns an error if a file cannot be written.
    pub fn save(&self, checkpoint: &Checkpoint) -> Result<(), TrainError> {
        self.remove_unfinished()?;
        let path = self.dir.join(format!("step-{:08}", checkpoint.step));
        let made = AtomicDirectory::create(&path)
            .map_err(TrainError::io("create this directory", &path))?;
        let tmp = made.path();
        files::write_in_place(&tmp.join(WEIGHTS), &weights::to_safetensors(&checkpoint.weights)?)?;
        files::write_in_place(&tmp.join(OPTIMIZER), &checkpoint.optimizer)?;
        let provenance =
            Provenance::new(PRODUCER, serde_json::json!({ "fingerprint": self.fingerprint }));
        write(&tmp.join(METRICS), &checkpoint.metrics, &provenance)?;
        let mut names = vec![WEIGHTS, OPTIMIZER, METRICS];
        if let Some(best) = &checkpoint.best {
            files::write_in_place(&tmp.join(BEST), &weights::to_safetensors(best)?)?;
            names.push(BEST);
        }
        let mut hashes = BTreeMap::new();
        for name in names {
            hashes.insert(name.to_owned(), hash(&tmp.join(name))?);
        }
        let state = State {
            fingerprint: self.fingerprint.clone(),
            step: checkpoint.step,
            tokens: checkpoint.tokens,
            padded_tokens: checkpoint.padded_tokens,
            hashes,
        };
        write_json(&tmp.join(STATE), &state)?;
        // A damaged checkpoint of the same step may be there.
        files::remove_dir(&path)?;
        made.commit().map_err(TrainError::io("rename to this directory", &path))?;
        let finished = self.finished()?;
        for old in &finished[..finished.len().saturating_sub(KEPT)] {
            files::remove_dir(old)?;
        }
        Ok(())
    }

    /// Reads the newest undamaged checkpoint; `None` if there is none.
    ///
    /// # Errors
    /// Returns an error if that checkpoint belongs to another run, or if a file exists but cannot be read: a checkpoint that
    /// may be intact must not be skipped.
    pub fn latest(&self) -> Result<Option<Checkpoint>, TrainError> {
        for path in self.finished()?.into_iter().rev() {
            match self.open(&path) {
                Ok(checkpoint) => return Ok(Some(checkpoint)),
                Err(error) if is_damage(&error) => {
                    tracing::warn!(path = %path.display(), %error, "skipped a damaged checkpoint");
                }
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }

    /// Removes all checkpoints, once the method is finished.
    ///
    /// # Errors
    /// Returns an error if the directory cannot be removed.
    pub fn clear(&self) -> Result<(), TrainError> {
        files::remove_dir(&self.dir)
    }

    fn open(&self, path: &Path) -> Result<Checkpoint, TrainError> {
        let bad = |reason: String| TrainError::BadCheckpoint { path: path.to_owned(), reason };
        let state: State = read_json(&path.join(STATE)).map_err(|error| match error {
            SchemaError::Io { action, path, source } => TrainError::Io { action, path, source },
            other => bad(other.to_string()),
        })?;
        for (name, expected) in &state.hashes {
            if hash(&path.join(name))? != *expected {
                return Err(bad(format!("{name} differs from what was written")));
            }
        }
        if state.fingerprint != self.fingerprint {
            let what = format!("a checkpoint at update {}", state.step);
            return Err(TrainError::OtherRun { path: self.dir.clone(), what });
        }
        Ok(Checkpoint {
            step: state.step,
            tokens: state.tokens,
            padded_tokens: state.padded_tokens,
            // The hashes match, so the files are intact; an error below has another cause.
            weights: weights::read_safetensors(&path.join(WEIGHTS))?,
            best: if state.hashes.contains_key(BEST) {
                Some(weights::read_safetensors(&path.join(BEST))?)
            } else {
                None
            },
            optimizer: files::read(&path.join(OPTIMIZER))?,
            metrics: read(&path.join(METRICS))?,
        })
    }

    /// Removes the directories of writers that were killed.
    fn remove_unfinished(&self) -> Result<(), TrainError> {
        let unfinished = self.named(|name| name.starts_with(".step-"))?;
        unfinished.iter().try_for_each(|path| files::remove_dir(path))
    }

    /// Lists the directories with a final name, oldest first.
    fn finished(&self) -> Result<Vec<PathBuf>, TrainError> {
        self.named(|name| name.starts_with("step-"))
    }

    /// Lists the entries whose name is accepted, in the order of their names.
    fn named(&self, accept: impl Fn(&str) -> bool) -> Result<Vec<PathBuf>, TrainError> {
        let entries = match fs::read_dir(&self.dir) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(TrainError::io("list this directory", &self.dir)(error)),
        };
        let mut found = Vec::new();
        for entry in entries {
            let path = entry.map_err(TrainError::io("list this directory", &self.dir))?.path();
            if path.file_name().and_then(|name| name.to_str()).is_some_and(&accept) {
                found.push(path);
            }
        }
        found.sort();
        Ok(found)
    }
}

/// Returns whether a checkpoint lacks a file or holds a changed one.
fn is_damage(error: &TrainError) -> bool {
    match error {
        TrainError::Io { source, .. } => source.kind() == io::ErrorKind::NotFound,
        error => matches!(error, TrainError::BadCheckpoint { .. }),
    }
}

fn hash(path: &Path) -> Result<String, TrainError> {
    iopo_core::hash::file(path).map_err(TrainError::io("read this file", path))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use iopo_model::NamedTensors;
    use iopo_schema::MetricRow;

    use super::{Checkpoint, Checkpoints};
    use crate::TrainError;

    fn checkpoint(step: usize) -> Checkpoint {
        Checkpoint {
            step,
            tokens: 10 * step as u64,
            padded_tokens: 30,
            weights: NamedTensors::from([(
                "w".to_owned(),
                (vec![2], vec![0.1, f32::MIN_POSITIVE]),
            )]),
            best: (step == 4).then(|| NamedTensors::from([("w".to_owned(), (vec![1], vec![7.0]))])),
            optimizer: vec![1, 2, 3],
            metrics: vec![MetricRow { step: 1, name: "loss".into(), value: 0.1 + 0.2 }],
        }
    }

    #[test]
    fn the_newest_checkpoint_reads_back_exactly() {
        let folder = tempfile::tempdir().expect("a folder");
        let checkpoints = Checkpoints::new(&folder.path().join("c"), "run");
        assert!(checkpoints.latest().expect("none yet").is_none());
        for step in 1..=4 {
            checkpoints.save(&checkpoint(step)).expect("saved");
        }
        let latest = checkpoints.latest().expect("readable").expect("there");
        assert_eq!((latest.step, latest.tokens), (4, 40));
        assert_eq!(latest.weights, checkpoint(4).weights);
        assert_eq!(latest.best, checkpoint(4).best);
        assert_eq!(latest.metrics, checkpoint(4).metrics);
        assert_eq!(fs::read_dir(folder.path().join("c")).expect("listed").count(), 2);
    }

    #[test]
    fn a_damaged_checkpoint_is_skipped() {
        let folder = tempfile::tempdir().expect("a folder");
        let checkpoints = Checkpoints::new(folder.path(), "run");
        checkpoints.save(&checkpoint(1)).expect("saved");
        checkpoints.save(&checkpoint(2)).expect("saved");
        fs::create_dir(folder.path().join(".step-00000003.tmp")).expect("a killed writer's folder");
        let damaged = folder.path().join("step-00000002").join("weights.safetensors");
        fs::write(damaged, [0; 9]).expect("overwritten");
        assert_eq!(checkpoints.latest().expect("readable").expect("there").step, 1);
        checkpoints.save(&checkpoint(4)).expect("saved");
        assert!(!folder.path().join(".step-00000003.tmp").exists());
    }

    #[test]
    fn a_missing_file_is_skipped_and_an_unreadable_one_is_an_error() {
        let folder = tempfile::tempdir().expect("a folder");
        let checkpoints = Checkpoints::new(folder.path(), "run");
        checkpoints.save(&checkpoint(1)).expect("saved");
        checkpoints.save(&checkpoint(2)).expect("saved");
        let newest = folder.path().join("step-00000002").join("optimizer.bin");
        fs::remove_file(&newest).expect("removed");
        assert_eq!(checkpoints.latest().expect("absent").expect("there").step, 1);
        // Reading a directory as a file fails for every user.
        fs::create_dir(&newest).expect("made");
        let error = checkpoints.latest().expect_err("not readable");
        assert!(matches!(error, TrainError::Io { .. }), "{error}");
    }

    #[test]
    fn a_checkpoint_of_another_run_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        Checkpoints::new(folder.path(), "one").save(&checkpoint(1)).expect("saved");
        let error = Checkpoints::new(folder.path(), "two").latest().expect_err("another run");
        assert!(matches!(error, TrainError::OtherRun { .. }), "{error}");
    }
}

//! A stage's output written in parts; the finished parts are the progress.

use std::fs::{self, File, TryLockError};
use std::io;
use std::marker::PhantomData;
use std::path::{Path, PathBuf};

use iopo_core::files;

use crate::provenance::ProvenanceTexts;
use crate::reader::{open, open_as};
use crate::writer::{Sink, write_with};
use crate::{Provenance, Record, SchemaError};

/// An output that is written part by part and survives a kill between any two instructions.
///
/// Parts live in `<final>.parts/part-00000.parquet` and so on; each is whole once it has its name. A part is a fixed
/// range of the stage's work, so the parts that are there say what need not be done again. [`Parts::finish`] joins
/// them, in order, into the final file, whose bytes do not depend on how the rows were divided or interrupted.
///
/// While it lives it holds a lock, so that two processes cannot write one output; the lock dies with the process.
///
/// ```
/// use iopo_schema::{MetricRow, Parts, Provenance, read};
///
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("counts.parquet");
/// let parts = Parts::<MetricRow>::open(&path, &Provenance::new("docs 0.1.0", serde_json::json!({})))?;
/// if !parts.is_complete() {
///     for index in (0..3).filter(|index| !parts.has(*index)) {
///         parts.write(index, &[MetricRow { step: index as u64, name: "rows".into(), value: 1.0 }])?;
///     }
///     parts.finish(3)?;
/// }
/// assert_eq!(read::<MetricRow>(&path)?.len(), 3);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Parts<R> {
    path: PathBuf,
    directory: PathBuf,
    texts: ProvenanceTexts,
    /// Held, not used. `None` when there was nothing left to write.
    lock: Option<File>,
    row: PhantomData<fn() -> R>,
}

impl<R: Record> Parts<R> {
    /// Begins or continues the output `final_path`.
    ///
    /// Temporary files of a killed writer and parts that do not open are removed; parts of another provenance are an
    /// error that says how to go on. A finished file of another provenance is replaced when [`Parts::finish`] is
    /// called; a file there that is not of this schema at all is an error at once.
    pub fn open(final_path: &Path, provenance: &Provenance) -> Result<Self, SchemaError> {
        let directory = directory(final_path);
        let path = final_path.to_path_buf();
        let mut parts =
            Self { path, directory, texts: provenance.texts(), lock: None, row: PhantomData };
        if parts.finished()? {
            parts.clear();
            return Ok(parts);
        }
        let directory = &parts.directory;
        fs::create_dir_all(directory)
            .map_err(SchemaError::io(directory, "create this directory"))?;
        parts.lock = lock(directory)?;
        parts.tidy()?;
        Ok(parts)
    }

    /// Whether the final file is there, with this provenance.
    pub fn is_complete(&self) -> bool {
        self.finished().unwrap_or(false)
    }

    /// Whether a part is there already.
    pub fn has(&self, index: usize) -> bool {
        self.part(index).exists()
    }

    /// Writes one part; a part of that index that is there already is replaced.
    pub fn write(&self, index: usize, rows: &[R]) -> Result<(), SchemaError> {
        write_with(&self.part(index), rows, &self.texts)
    }

    /// Joins the parts `0..count` into the final file and removes them; does nothing when the file is complete.
    pub fn finish(&self, count: usize) -> Result<(), SchemaError> {
        if !self.finished()? {
            let missing = (0..count).find(|index| !self.has(*index));
            if let Some(index) = missing {
                return Err(SchemaError::MissingPart {
                    path: self.directory.clone(),
                    index,
                    count,
                });
            }
            let stray = self.indices()?.into_iter().find(|index| *index >= count);
            if let Some(index) = stray {
                return Err(SchemaError::StrayPart { path: self.directory.clone(), index, count });
            }
            let mut sink = Sink::create(&self.path, &self.texts)?;
            for index in 0..count {
                let part = self.part(index);
                for rows in open_as::<R>(&part)?.stream::<R>(&part)? {
                    sink.push(&rows?)?;
                }
            }
            sink.finish()?;
        }
        match fs::remove_dir_all(&self.directory) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(SchemaError::io(&self.directory, "remove this directory")(error))
            }
            _ => files::sync_parent(&self.directory)
                .map_err(SchemaError::io(&self.directory, "flush its removal to disk")),
        }
    }

    fn part(&self, index: usize) -> PathBuf {
        self.directory.join(format!("part-{index:05}.parquet"))
    }

    /// Removes what a writer left that was killed between the last rename and the end of [`Parts::finish`]. Parts of
    /// another provenance, and those that another process is just removing, stay; nothing depends on it.
    fn clear(&self) {
        if self.directory.exists()
            && let Ok(_lock) = lock(&self.directory)
            && self.tidy().is_ok()
        {
            let _ = fs::remove_dir_all(&self.directory);
        }
    }

    /// Like [`Parts::is_complete`], and an error where something foreign stands in the way.
    fn finished(&self) -> Result<bool, SchemaError> {
        match open_as::<R>(&self.path) {
            Ok(opened) => Ok(opened.texts == self.texts),
            Err(SchemaError::Missing { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn indices(&self) -> Result<Vec<usize>, SchemaError> {
        Ok(self.files()?.iter().filter_map(|path| index_of(path)).collect())
    }

    fn files(&self) -> Result<Vec<PathBuf>, SchemaError> {
        let io = || SchemaError::io(&self.directory, "list this directory");
        let mut files = Vec::new();
        for entry in fs::read_dir(&self.directory).map_err(io())? {
            files.push(entry.map_err(io())?.path());
        }
        files.sort();
        Ok(files)
    }

    /// Leaves whole parts of this provenance only.
    fn tidy(&self) -> Result<(), SchemaError> {
        let remove =
            |path: &Path| fs::remove_file(path).map_err(SchemaError::io(path, "remove it"));
        for path in self.files()? {
            if path.extension().is_some_and(|extension| extension == "tmp") {
                remove(&path)?;
            } else if index_of(&path).is_some() {
                match open(&path, R::NAME) {
                    Ok(opened) => self.must_match(&opened.name, R::NAME, &opened.texts)?,
                    Err(SchemaError::NotParquet { .. } | SchemaError::Corrupt { .. }) => {
                        remove(&path)?;
                    }
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(())
    }

    fn must_match(
        &self,
        found: &str,
        wanted: &str,
        texts: &ProvenanceTexts,
    ) -> Result<(), SchemaError> {
        let schema = (found != wanted).then(|| ("schema", wanted.to_owned(), found.to_owned()));
        match schema.or_else(|| self.texts.difference(texts)) {
            None => Ok(()),
            Some((field, expected, got)) => Err(SchemaError::OtherProvenance {
                path: self.directory.clone(),
                field,
                expected,
                got,
            }),
        }
    }
}

/// The index in a part's name.
fn index_of(path: &Path) -> Option<usize> {
    let name = path.file_name()?.to_str()?;
    name.strip_prefix("part-")?.strip_suffix(".parquet")?.parse().ok()
}

/// Removes the parts beside a final file that was found whole, which a kill has kept from being removed; whoever
/// looks into the file without [`Parts::open`] calls it. Does nothing while another process works on them.
pub fn clear_parts(final_path: &Path) {
    let directory = directory(final_path);
    if directory.exists()
        && let Ok(_lock) = lock(&directory)
    {
        let _ = fs::remove_dir_all(&directory);
    }
}

/// Where the parts of a file lie.
fn directory(final_path: &Path) -> PathBuf {
    let mut name = final_path.file_name().unwrap_or_default().to_owned();
    name.push(".parts");
    final_path.with_file_name(name)
}

/// Locks a parts directory; `None` where the file system has no locks.
fn lock(directory: &Path) -> Result<Option<File>, SchemaError> {
    let path = directory.join("lock");
    let file = File::create(&path).map_err(SchemaError::io(&path, "create it"))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Err(SchemaError::Locked { path: directory.to_path_buf() }),
        Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => Ok(None),
        Err(TryLockError::Error(error)) => Err(SchemaError::io(&path, "lock it")(error)),
    }
}

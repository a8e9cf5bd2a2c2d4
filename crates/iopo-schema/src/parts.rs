//! A stage's output written in parts. The finished parts are the stage's progress.

use std::fs::{self, File};
use std::io;
use std::marker::PhantomData;
use std::path::{Path, PathBuf};

use iopo_core::files;

use crate::provenance::ProvenanceTexts;
use crate::reader::open_as;
use crate::writer::{Sink, write_with};
use crate::{Provenance, Record, SchemaError, content_id};

/// An output that is written part by part, so that a stage that is killed at any point can resume.
///
/// Parts are files `<final>.parts/part-00000.parquet` and so on. A part is complete once it has its name. Each part is
/// a fixed range of the stage's work, so a resumed stage skips the parts that exist. [`Parts::finish`] joins them in
/// order into the final file, whose bytes do not depend on the number of parts or on interruptions.
///
/// The value holds a lock, so that two processes cannot write one output. The lock ends with the process.
///
/// ```
/// use iopo_schema::{MetricRow, Parts, Provenance, SchemaError, read};
///
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("lengths.parquet");
/// let parts = Parts::<MetricRow>::open(&path, &Provenance::new("docs 0.1.0", serde_json::json!({})))?;
/// let length = |word: &&str| MetricRow { step: 0, name: (*word).into(), value: word.len() as f64 };
/// parts.fill(
///     &["green", "black", "white"],
///     2,
///     |_finished_before| (),
///     |words| Ok::<_, SchemaError>(words.iter().map(length).collect()),
/// )?;
/// assert_eq!(read::<MetricRow>(&path)?.len(), 3);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Parts<R> {
    path: PathBuf,
    directory: PathBuf,
    texts: ProvenanceTexts,
    /// Held until the value is dropped. `None` if the output is complete or the file system has no locks.
    lock: Option<File>,
    row: PhantomData<fn() -> R>,
}

impl<R: Record> Parts<R> {
    /// Starts or resumes the output `final_path`.
    ///
    /// Temporary files of a killed writer, damaged parts and parts of another provenance are removed. A finished file with
    /// another provenance is replaced when [`Parts::finish`] is called.
    ///
    /// # Errors
    /// Returns [`SchemaError::Locked`] if another process writes this output, [`SchemaError::Io`], or the error of reading a
    /// file at `final_path` that is damaged or does not have this schema.
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
            .map_err(SchemaError::io(directory, "create the directory"))?;
        parts.lock = lock(directory)?;
        parts.tidy()?;
        Ok(parts)
    }

    /// Tells whether the final file exists with this provenance.
    pub fn is_complete(&self) -> bool {
        self.finished().unwrap_or(false)
    }

    /// Tells whether a part exists.
    pub fn has(&self, index: usize) -> bool {
        self.part(index).exists()
    }

    /// Reads the rows of one part.
    ///
    /// # Errors
    /// Returns the error of [`read()`](crate::read()).
    pub fn read(&self, index: usize) -> Result<Vec<R>, SchemaError> {
        crate::read(&self.part(index))
    }

    /// Writes one part and replaces an existing one.
    ///
    /// # Errors
    /// Returns the error of [`write()`](crate::write()).
    pub fn write(&self, index: usize, rows: &[R]) -> Result<(), SchemaError> {
        write_with(&self.part(index), rows, &self.texts, None)
    }

    /// Writes one part, as [`write`](Self::write) does, with a hash of the requests to language models and of their answers that the
    /// work of this part was made of. The header of the final file has a hash of those of all parts.
    ///
    /// # Errors
    /// Returns the error of [`write()`](crate::write()).
    pub fn write_answered(
        &self,
        index: usize,
        rows: &[R],
        answers: &str,
    ) -> Result<(), SchemaError> {
        write_with(&self.part(index), rows, &self.texts, Some(answers))
    }

    /// Writes the missing parts of an output that is made from `items`, `size` items to a part, and joins them.
    ///
    /// Calls `skip` with the items of a part that exists, and `make` with the items of a part that is missing, in order.
    /// `make` returns the part's rows. Calls neither if the final file is complete.
    ///
    /// # Errors
    /// Returns the first error of `make`, [`Parts::write`] or [`Parts::finish`].
    ///
    /// # Panics
    /// Panics if `size` is 0.
    pub fn fill<T, E: From<SchemaError>>(
        &self,
        items: &[T],
        size: usize,
        mut skip: impl FnMut(&[T]),
        mut make: impl FnMut(&[T]) -> Result<Vec<R>, E>,
    ) -> Result<(), E> {
        if !self.is_complete() {
            for (index, items) in items.chunks(size).enumerate() {
                if self.has(index) {
                    skip(items);
                } else {
                    self.write(index, &make(items)?)?;
                }
            }
        }
        Ok(self.finish(items.len().div_ceil(size))?)
    }

    /// Joins the parts `0..count` into the final file and removes them. Does nothing if the file is complete.
    ///
    /// # Errors
    /// Returns [`SchemaError::MissingPart`], [`SchemaError::StrayPart`], or an error of reading the parts or writing
    /// the file.
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
            let answers = self.answers(count)?;
            let mut sink = Sink::create(&self.path, &self.texts, answers.as_deref())?;
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
                Err(SchemaError::io(&self.directory, "remove the directory")(error))
            }
            _ => files::sync_parent(&self.directory)
                .map_err(SchemaError::io(&self.directory, "sync the removal of the directory")),
        }
    }

    /// Returns the hash of the answers of all parts; `None` if no part has one.
    fn answers(&self, count: usize) -> Result<Option<String>, SchemaError> {
        let of = |index| Ok(open_as::<R>(&self.part(index))?.answers);
        let found = (0..count).map(of).collect::<Result<Vec<Option<String>>, SchemaError>>()?;
        let hashes: Vec<&str> = found.iter().map(|one| one.as_deref().unwrap_or("")).collect();
        Ok(found.iter().any(Option::is_some).then(|| content_id(&hashes)))
    }

    fn part(&self, index: usize) -> PathBuf {
        self.directory.join(format!("part-{index:05}.parquet"))
    }

    /// Removes the parts that remain if a writer was killed between the last rename and the end of [`Parts::finish`].
    ///
    /// Keeps parts that another process is removing. Remaining parts do no harm.
    fn clear(&self) {
        if self.directory.exists()
            && let Ok(_lock) = lock(&self.directory)
            && self.tidy().is_ok()
        {
            let _ = fs::remove_dir_all(&self.directory);
        }
    }

    /// Like [`Parts::is_complete`], but returns an error if the final file cannot be read or has another schema.
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
        let io = || SchemaError::io(&self.directory, "list the directory");
        let mut files = Vec::new();
        for entry in fs::read_dir(&self.directory).map_err(io())? {
            files.push(entry.map_err(io())?.path());
        }
        files.sort();
        Ok(files)
    }

    /// Removes temporary files, damaged parts, and parts of another provenance, which cannot be joined with those of this one.
    fn tidy(&self) -> Result<(), SchemaError> {
        let remove =
            |path: &Path| fs::remove_file(path).map_err(SchemaError::io(path, "remove the file"));
        for path in self.files()? {
            if path.extension().is_some_and(|extension| extension == "tmp") {
                remove(&path)?;
            } else if index_of(&path).is_some() {
                match open_as::<R>(&path) {
                    Ok(opened) if opened.texts == self.texts => {}
                    Err(error @ (SchemaError::Io { .. } | SchemaError::Missing { .. })) => {
                        return Err(error);
                    }
                    Ok(_) | Err(_) => remove(&path)?,
                }
            }
        }
        Ok(())
    }
}

/// Parses the index in a part's name.
fn index_of(path: &Path) -> Option<usize> {
    let name = path.file_name()?.to_str()?;
    name.strip_prefix("part-")?.strip_suffix(".parquet")?.parse().ok()
}

/// Returns whether the directory of a file's parts exists.
pub fn has_parts(final_path: &Path) -> bool {
    directory(final_path).exists()
}

/// Removes the parts of a complete final file that remain because their writer was killed.
///
/// Call this if you read the final file without [`Parts::open`]. Does nothing while another process holds the lock.
pub fn clear_parts(final_path: &Path) {
    let directory = directory(final_path);
    if directory.exists()
        && let Ok(_lock) = lock(&directory)
    {
        let _ = fs::remove_dir_all(&directory);
    }
}

/// Returns the directory of a file's parts.
fn directory(final_path: &Path) -> PathBuf {
    let mut name = final_path.file_name().unwrap_or_default().to_owned();
    name.push(".parts");
    final_path.with_file_name(name)
}

/// Locks a directory of parts. Returns `None` if the file system has no locks.
fn lock(directory: &Path) -> Result<Option<File>, SchemaError> {
    let path = directory.join("lock");
    files::lock(&path).map_err(|error| match error.kind() {
        io::ErrorKind::WouldBlock => SchemaError::Locked { path: directory.to_path_buf() },
        _ => SchemaError::io(&path, "lock the file")(error),
    })
}

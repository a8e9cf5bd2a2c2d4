//! Atomic file writes: a file is complete or unchanged, even after a crash. Also reads of regular files, the system limits
//! that make file operations fail, and locks between processes.

mod limit;
mod regular;

use std::ffi::OsString;
use std::fs::{self, File, TryLockError};
use std::io::{self, BufWriter, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

pub use limit::Limit;
pub use regular::{open, read, read_to_string};

/// Returns the remedy for an error that does not depend on the file: a limit was reached, or the path is not a regular file.
pub fn hint(error: &io::Error) -> Option<&'static str> {
    let irregular = error.get_ref().and_then(|inner| inner.downcast_ref::<regular::Irregular>());
    match Limit::of(error) {
        Some(limit) => Some(limit.hint()),
        None => irregular.map(|_| "write its content to a file, and pass that"),
    }
}

/// Returns whether a file that begins with these bytes is a Git LFS pointer, a small text in place of the file itself.
pub fn is_git_lfs_pointer(start: &[u8]) -> bool {
    start.starts_with(b"version https://git-lfs.github.com/spec/")
}

/// A file that is written under a temporary name and moved to its path by [`commit`](Self::commit).
///
/// Dropping it without a commit removes the temporary file. A killed process leaves the temporary file behind, and the
/// next [`create`](Self::create) for the same path replaces it.
#[derive(Debug)]
pub struct AtomicFile {
    path: PathBuf,
    temporary: PathBuf,
    file: Option<BufWriter<File>>,
}

impl AtomicFile {
    /// Creates the temporary file `.NAME.tmp` beside `path`.
    ///
    /// # Errors
    /// Returns the operating system's error if the file cannot be created.
    pub fn create(path: impl Into<PathBuf>) -> io::Result<Self> {
        let path = path.into();
        let temporary = temporary(&path);
        let file = BufWriter::new(File::create(&temporary)?);
        Ok(Self { path, temporary, file: Some(file) })
    }

    /// Flushes the bytes to disk, renames the temporary file to its final name and makes the rename durable.
    ///
    /// # Errors
    /// Returns the operating system's error. The file at the final name is unchanged then.
    pub fn commit(mut self) -> io::Result<()> {
        if let Some(file) = self.file.take() {
            let synced = file
                .into_inner()
                .map_err(io::IntoInnerError::into_error)
                .and_then(|file| file.sync_all());
            let moved = synced.and_then(|()| fs::rename(&self.temporary, &self.path));
            if moved.is_err() {
                // The returned error says more than a failed removal.
                let _ = fs::remove_file(&self.temporary);
            }
            moved?;
        }
        sync_parent(&self.path)
    }
}

impl Write for AtomicFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.as_mut().map_or(Ok(0), |file| file.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.as_mut().map_or(Ok(()), Write::flush)
    }
}

impl Seek for AtomicFile {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.as_mut().map_or(Ok(0), |file| file.seek(to))
    }
}

impl Drop for AtomicFile {
    fn drop(&mut self) {
        if self.file.take().is_some() {
            // `drop` cannot return an error; the next `create` replaces the file.
            let _ = fs::remove_file(&self.temporary);
        }
    }
}

/// Writes `bytes` to `path` atomically.
///
/// # Errors
/// Returns the operating system's error. The file at `path` is unchanged then.
pub fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = AtomicFile::create(path)?;
    file.write_all(bytes)?;
    file.commit()
}

/// Locks the file `path` until the returned file is dropped or the process ends. Creates the file if it does not exist.
///
/// Returns `None`, without a lock, if the file system has no locks.
///
/// # Errors
/// Returns an error of kind [`WouldBlock`](io::ErrorKind::WouldBlock) if another process or value holds the lock, and the
/// operating system's error if the file cannot be opened or locked.
pub fn lock(path: &Path) -> io::Result<Option<File>> {
    let file = File::options().create(true).append(true).open(path)?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Err(io::ErrorKind::WouldBlock.into()),
        Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Returns the temporary name `.NAME.tmp` beside `path`.
pub(crate) fn temporary(path: &Path) -> PathBuf {
    let mut name = OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(".tmp");
    path.with_file_name(name)
}

/// Makes a rename or a new entry in the parent directory of `path` durable. Does nothing outside Unix.
///
/// # Errors
/// Returns the operating system's error if the directory cannot be opened or synced.
pub fn sync_parent(path: &Path) -> io::Result<()> {
    sync_directory(match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    })
}

/// Makes the entries of a directory durable. Does nothing outside Unix.
pub(crate) fn sync_directory(path: &Path) -> io::Result<()> {
    #[cfg(unix)]
    File::open(path)?.sync_all()?;
    #[cfg(not(unix))]
    let _ = path;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::{ErrorKind, Seek, SeekFrom, Write};

    use super::{AtomicFile, lock, write};

    #[test]
    fn a_file_appears_only_when_it_is_committed() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("a.txt");
        write(&path, b"old").expect("written");
        let mut file = AtomicFile::create(&path).expect("created");
        file.write_all(b"new").expect("written");
        assert_eq!(fs::read(&path).expect("there"), b"old");
        file.commit().expect("committed");
        assert_eq!(fs::read(&path).expect("there"), b"new");
        assert_eq!(
            fs::read_dir(dir.path()).expect("listed").count(),
            1,
            "no temporary file is left"
        );
    }

    #[test]
    fn bytes_can_be_replaced_before_the_commit() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("a.txt");
        let mut file = AtomicFile::create(&path).expect("created");
        file.write_all(b"a 00 b").expect("written");
        file.seek(SeekFrom::Start(2)).expect("moved");
        file.write_all(b"17").expect("replaced");
        file.commit().expect("committed");
        assert_eq!(fs::read(&path).expect("there"), b"a 17 b");
    }

    #[test]
    fn dropping_an_uncommitted_file_keeps_the_old_one() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("a.txt");
        write(&path, b"old").expect("written");
        let mut file = AtomicFile::create(&path).expect("created");
        file.write_all(b"half").expect("written");
        drop(file);
        assert_eq!(fs::read(&path).expect("there"), b"old");
        assert_eq!(fs::read_dir(dir.path()).expect("listed").count(), 1);
    }

    #[test]
    fn a_lock_is_held_until_it_is_dropped() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("lock");
        let held = lock(&path).expect("locked");
        if held.is_some() {
            assert_eq!(lock(&path).expect_err("held").kind(), ErrorKind::WouldBlock);
        }
        drop(held);
        lock(&path).expect("free again");
    }
}

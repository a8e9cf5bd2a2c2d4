//! Atomic directories: a directory is complete or absent, even after a crash.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::files::{sync_directory, sync_parent, temporary};

/// A directory that is filled under a temporary name and moved to its path by [`commit`](Self::commit).
///
/// Dropping it without a commit removes the temporary directory. A killed process leaves it behind, and the next
/// [`create`](Self::create) for the same path replaces it.
#[derive(Debug)]
pub struct AtomicDirectory {
    target: PathBuf,
    temporary: PathBuf,
}

impl AtomicDirectory {
    /// Creates the temporary directory `.NAME.tmp` beside `target`, and the parents of both.
    ///
    /// # Errors
    /// Returns the operating system's error if the directory cannot be created.
    pub fn create(target: impl Into<PathBuf>) -> io::Result<Self> {
        let target = target.into();
        let temporary = temporary(&target);
        match fs::remove_dir_all(&temporary) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => fs::create_dir_all(&temporary)?,
        }
        Ok(Self { target, temporary })
    }

    /// Returns the temporary directory.
    pub fn path(&self) -> &Path {
        &self.temporary
    }

    /// Makes the directory's entries durable, moves it to its path and makes the move durable. An empty directory at that
    /// path is replaced. The contents of the files are durable if they were synced.
    ///
    /// # Errors
    /// Returns the operating system's error, for instance if the path is a file or a directory with entries. The path is
    /// unchanged then.
    pub fn commit(self) -> io::Result<()> {
        sync_directory(&self.temporary)?;
        match fs::remove_dir(&self.target) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => fs::rename(&self.temporary, &self.target)?,
        }
        sync_parent(&self.target)
    }
}

impl Drop for AtomicDirectory {
    fn drop(&mut self) {
        // Fails after a commit, because the directory has moved. `drop` cannot return an error.
        let _ = fs::remove_dir_all(&self.temporary);
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::AtomicDirectory;

    #[test]
    fn a_directory_appears_with_all_its_files() {
        let dir = tempfile::tempdir().expect("a directory");
        let target = dir.path().join("deep").join("model");
        let made = AtomicDirectory::create(&target).expect("created");
        fs::write(made.path().join("a"), b"1").expect("written");
        assert!(!target.exists());
        made.commit().expect("committed");
        assert_eq!(fs::read(target.join("a")).expect("there"), b"1");
        let entries = fs::read_dir(dir.path().join("deep")).expect("listed").count();
        assert_eq!(entries, 1, "no temporary directory is left");
    }

    #[test]
    fn an_empty_directory_is_replaced_and_one_with_entries_is_kept() {
        let dir = tempfile::tempdir().expect("a directory");
        let target = dir.path().join("model");
        fs::create_dir(&target).expect("created");
        AtomicDirectory::create(&target).expect("created").commit().expect("replaced");
        fs::write(target.join("mine"), b"kept").expect("written");
        let made = AtomicDirectory::create(&target).expect("created");
        assert!(made.commit().is_err());
        assert_eq!(fs::read(target.join("mine")).expect("kept"), b"kept");
        assert_eq!(fs::read_dir(dir.path()).expect("listed").count(), 1);
    }

    #[test]
    fn the_directory_of_a_killed_process_is_replaced() {
        let dir = tempfile::tempdir().expect("a directory");
        let target = dir.path().join("model");
        let killed = AtomicDirectory::create(&target).expect("created");
        fs::write(killed.path().join("half"), b"1").expect("written");
        std::mem::forget(killed);
        AtomicDirectory::create(&target).expect("created").commit().expect("committed");
        assert!(!target.join("half").exists());
        assert_eq!(fs::read_dir(dir.path()).expect("listed").count(), 1);
    }
}

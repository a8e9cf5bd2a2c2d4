//! Files that are whole or absent, whatever happens while they are written.

use std::{
    fs::{self, File},
    io::Write,
    path::Path,
};

use crate::TrainError;

/// Writes to a temporary name beside `path`, syncs, renames, syncs the folder.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<(), TrainError> {
    iopo_core::files::write(path, bytes).map_err(TrainError::io("write this file", path))
}

/// Writes and syncs; for files inside a folder that gets its name later.
pub(crate) fn write_in_place(path: &Path, bytes: &[u8]) -> Result<(), TrainError> {
    let mut file = File::create(path).map_err(TrainError::io("create this file", path))?;
    file.write_all(bytes).map_err(TrainError::io("write this file", path))?;
    file.sync_all().map_err(TrainError::io("sync this file", path))
}

/// Adds to the end of a file, and syncs.
pub(crate) fn append(path: &Path, bytes: &[u8]) -> Result<(), TrainError> {
    let file = File::options().append(true).open(path);
    let mut file = file.map_err(TrainError::io("open this file", path))?;
    file.write_all(bytes).map_err(TrainError::io("write this file", path))?;
    file.sync_all().map_err(TrainError::io("sync this file", path))
}

/// Makes a rename or a new entry in the parent folder durable.
pub(crate) fn sync_parent(path: &Path) -> Result<(), TrainError> {
    iopo_core::files::sync_parent(path).map_err(TrainError::io("sync the folder of", path))
}

/// Removes a folder that may not be there.
pub(crate) fn remove_dir(path: &Path) -> Result<(), TrainError> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(TrainError::io("remove this folder", path)(error))
        }
        _ => Ok(()),
    }
}

/// Creates a folder and its parents.
pub(crate) fn create_dir(path: &Path) -> Result<(), TrainError> {
    fs::create_dir_all(path).map_err(TrainError::io("create this folder", path))
}

/// Reads a file of ours.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, TrainError> {
    fs::read(path).map_err(TrainError::io("read this file", path))
}

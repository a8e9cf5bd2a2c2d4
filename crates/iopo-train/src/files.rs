//! File operations with errors that name the path.

use std::{
    fs::{self, File},
    io::Write,
    path::Path,
};

use iopo_model::ModelError;

use crate::TrainError;

/// Writes a file that is complete or absent.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<(), TrainError> {
    iopo_core::files::write(path, bytes).map_err(TrainError::io("write this file", path))
}

/// Writes and syncs a file inside a directory that is moved to its path later.
pub(crate) fn write_in_place(path: &Path, bytes: &[u8]) -> Result<(), TrainError> {
    let mut file = File::create(path).map_err(TrainError::io("create this file", path))?;
    file.write_all(bytes).map_err(TrainError::io("write this file", path))?;
    file.sync_all().map_err(TrainError::io("sync this file", path))
}

/// Appends to a file and syncs it.
pub(crate) fn append(path: &Path, bytes: &[u8]) -> Result<(), TrainError> {
    let file = File::options().append(true).open(path);
    let mut file = file.map_err(TrainError::io("open this file", path))?;
    file.write_all(bytes).map_err(TrainError::io("write this file", path))?;
    file.sync_all().map_err(TrainError::io("sync this file", path))
}

/// Removes a directory if it exists.
pub(crate) fn remove_dir(path: &Path) -> Result<(), TrainError> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(TrainError::io("remove this directory", path)(error))
        }
        _ => Ok(()),
    }
}

/// Creates a directory and its parents.
pub(crate) fn create_dir(path: &Path) -> Result<(), TrainError> {
    fs::create_dir_all(path).map_err(TrainError::io("create this directory", path))
}

/// Reads a file.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, TrainError> {
    let bytes = iopo_core::files::read(path).map_err(TrainError::io("read this file", path))?;
    if iopo_core::files::is_git_lfs_pointer(&bytes) {
        return Err(ModelError::GitLfsPointer { path: path.to_owned() }.into());
    }
    Ok(bytes)
}

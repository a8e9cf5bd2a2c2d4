//! Files that are whole or absent, whatever happens while they are written.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::Path;

use crate::error::ModelError;

/// Writes these bytes as a file.
///
/// # Errors
/// When the file cannot be written.
pub fn write(path: &Path, bytes: &[u8]) -> Result<(), ModelError> {
    write_with(path, |file| {
        file.write_all(bytes).map_err(|error| ModelError::io("write", path, error))
    })
}

/// Lets `fill` write to a temporary name beside `path`, syncs, renames, syncs the folder.
///
/// # Errors
/// What `fill` answers, and when the file cannot be written.
pub fn write_with(
    path: &Path,
    fill: impl FnOnce(&mut BufWriter<File>) -> Result<(), ModelError>,
) -> Result<(), ModelError> {
    let io = |action| move |error: io::Error| ModelError::io(action, path, error);
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".tmp");
    let tmp = path.with_file_name(name);
    let mut file = BufWriter::new(File::create(&tmp).map_err(io("create"))?);
    fill(&mut file)?;
    let file = file.into_inner().map_err(|error| io("write")(error.into_error()))?;
    file.sync_all().map_err(io("sync"))?;
    drop(file);
    fs::rename(&tmp, path).map_err(io("rename to"))?;
    sync_parent(path)
}

/// Makes a rename or a new entry in the parent folder durable.
///
/// # Errors
/// When the folder cannot be opened or synced.
pub fn sync_parent(path: &Path) -> Result<(), ModelError> {
    #[cfg(unix)]
    if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        let folder = File::open(parent).map_err(|error| ModelError::io("open", parent, error))?;
        folder.sync_all().map_err(|error| ModelError::io("sync", parent, error))?;
    }
    #[cfg(not(unix))]
    let _ = path;
    Ok(())
}

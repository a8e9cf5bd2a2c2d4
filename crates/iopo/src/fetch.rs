//! Resolves `--model` and `--data` to files, downloading them if needed.

mod cache;
mod hub;
mod smollm2;

use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::failure::Failure;
use crate::tiny;

/// The model of the default preset.
pub(crate) const DEFAULT_MODEL: &str = "smollm2-135m-instruct";

/// A small random checkpoint that the run creates.
pub(crate) const TINY_MODEL: &str = "tiny";

/// A checkpoint on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found {
    /// A Hugging Face directory or a `.gguf` file.
    pub(crate) path: PathBuf,
    /// The name that adapters and files record: the public name if it has one, never a path.
    pub(crate) name: String,
}

/// Finds a checkpoint: an existing path, a known name, or a hub id.
pub(crate) fn resolve(model: &str, run: &Path) -> Result<Found> {
    let path = Path::new(model);
    if path.exists() {
        let name = path
            .canonicalize()
            .ok()
            .and_then(|path| Some(path.file_name()?.to_string_lossy().into_owned()));
        return Ok(Found {
            path: path.to_path_buf(),
            name: name.unwrap_or_else(|| "model".to_owned()),
        });
    }
    let found = |path, name: &str| Found { path, name: name.to_owned() };
    match model.to_ascii_lowercase().as_str() {
        DEFAULT_MODEL => Ok(found(smollm2::fetch(&cache::dir()?)?, smollm2::PUBLIC_NAME)),
        TINY_MODEL => Ok(found(tiny::make(&run.join("model"))?, TINY_MODEL)),
        _ if hub::is_id(model) => Ok(found(hub::fetch(model)?, model)),
        _ => Err(Failure::usage(format!("no model `{model}`: no such file or directory, and not a known name"))
            .hint(format!(
                "pass a Hugging Face directory, a .gguf file, {DEFAULT_MODEL}, or a hub id such as org/name"
            ))
            .into()),
    }
}

/// Finds a file of JSON lines: an existing path, or the file of a dataset on the hub.
pub(crate) fn resolve_data(data: &str) -> Result<PathBuf> {
    let path = Path::new(data);
    if path.is_file() {
        return Ok(path.to_path_buf());
    }
    if hub::is_id(data) {
        return hub::fetch_lines(data);
    }
    Err(Failure::usage(format!("no data `{data}`: no such file, and not a hub id"))
        .hint("pass a file of JSON lines, or the hub id of a dataset such as org/name")
        .into())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::resolve;
    use crate::failure::{Exit, exit_of};

    #[test]
    fn an_existing_path_is_used_unchanged() {
        let dir = tempfile::tempdir().expect("temporary directory");
        let file = dir.path().join("a.gguf");
        std::fs::write(&file, b"x").expect("written");
        let found = resolve(&file.display().to_string(), Path::new(".")).expect("exists");
        assert_eq!((found.path, found.name.as_str()), (file, "a.gguf"));
    }

    #[test]
    fn an_unknown_name_is_a_usage_error() {
        let error = resolve("no-such-model", Path::new(".")).expect_err("unknown");
        assert_eq!(exit_of(&error), Exit::Usage);
    }
}

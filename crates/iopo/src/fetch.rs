//! Resolves `--model` and `--data` to files, downloading them if needed.

mod cache;
mod hub;
mod smollm2;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use iopo::pipeline::Checkpoint;
use iopo_eval::TaggerTable;
use iopo_eval::benchmarks::tagger;

use crate::failure::Failure;
use crate::printer;

pub(crate) use cache::dir as cache_dir;

/// The model of the default preset.
pub(crate) const DEFAULT_MODEL: &str = "smollm2-135m-instruct";

/// Finds a checkpoint: an existing path, a known name, or a hub id. `scratch` is for files that must be created.
pub(crate) fn resolve(model: &str, scratch: &Path) -> Result<Checkpoint> {
    let what = || format!("failed to write the tiny model to {}", scratch.display());
    if let Some(found) = Checkpoint::find(model, scratch).with_context(what)? {
        return Ok(found);
    }
    match model.to_ascii_lowercase().as_str() {
        DEFAULT_MODEL => Ok(Checkpoint::of_hub(smollm2::PUBLIC_NAME, smollm2::fetch(&cache::dir()?)?)),
        _ if hub::is_id(model) => Ok(Checkpoint::of_hub(model, hub::fetch(model)?)),
        _ => Err(Failure::usage(format!("no model `{model}`: no such file or directory, and not a known name"))
            .hint(format!(
                "pass a Hugging Face directory, a .gguf file, {DEFAULT_MODEL}, or a hub id such as org/name"
            ))
            .into()),
    }
}

/// Finds a file of rows: an existing path, or the file of a dataset on the hub.
pub(crate) fn resolve_data(data: &str) -> Result<PathBuf> {
    let path = Path::new(data);
    if path.exists() {
        return Ok(path.to_path_buf());
    }
    if hub::is_id(data) {
        return hub::fetch_rows(data);
    }
    Err(Failure::usage(format!("no data `{data}`: no such file, and not a hub id"))
        .hint("pass a file, or the hub id of a dataset such as org/name")
        .into())
}

/// Reads the tagger's table for IFBench from the cache, and notes if there is none.
pub(crate) fn tagger() -> Result<Option<TaggerTable>> {
    let table = match cache::dir() {
        Ok(cache) => TaggerTable::read(&cache.join(tagger::FILE))?,
        Err(_) => None,
    };
    if table.is_none() {
        printer::note(
            "`words:start_verb` of IFBench has no verdict without the tagger's table, which `cargo xtask tagger` writes",
        );
    }
    Ok(table)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::resolve;
    use crate::failure::{Exit, exit_of};

    #[test]
    fn a_model_that_is_neither_a_path_nor_a_known_name_is_a_usage_error() {
        let error = resolve("no-such-model", Path::new(".")).expect_err("unknown");
        assert_eq!(exit_of(&error), Exit::Usage);
    }
}

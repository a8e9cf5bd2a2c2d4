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
    let why = match local_part(path) {
        Some(part) => format!("no such file; {part}, so it is no hub id"),
        None if hub::is_id(data) => return hub::fetch_rows(data),
        None => "no such file, and not a hub id".to_owned(),
    };
    Err(Failure::usage(format!("no data `{data}`: {why}"))
        .hint("pass a file, or the hub id of a dataset such as org/name")
        .into())
}

/// Says which part of a missing path tells that it is a path and not a hub id.
fn local_part(path: &Path) -> Option<String> {
    let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
    if ["json", "jsonl", "parquet"].iter().any(|known| ending.eq_ignore_ascii_case(known)) {
        return Some(format!("it ends in .{ending}"));
    }
    let first = path.components().next()?.as_os_str();
    Path::new(first).is_dir().then(|| format!("`{}` is a directory here", first.display()))
}

/// Finds the items of a benchmark that has no dataset on the hub: an existing path.
pub(crate) fn resolve_items(data: &str) -> Result<PathBuf> {
    let path = Path::new(data);
    if path.exists() {
        return Ok(path.to_path_buf());
    }
    let hint = "pass the path of the items; `iopo eval list` names their origin";
    Err(Failure::usage(format!("no data `{data}`: no such file or directory")).hint(hint).into())
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

    use super::{local_part, resolve, resolve_data};
    use crate::failure::{Exit, exit_of};

    #[test]
    fn a_missing_file_is_not_taken_for_a_hub_id() {
        for path in ["data/promts.jsonl", "org/x.JSON", "org/x.parquet", "src/none"] {
            assert!(local_part(Path::new(path)).is_some(), "{path}");
            let error = resolve_data(path).expect_err("no such file");
            assert_eq!(exit_of(&error), Exit::Usage, "{path}");
        }
        for id in ["google/IFEval", "allenai/IFBench_test"] {
            assert_eq!(local_part(Path::new(id)), None, "{id}");
        }
    }

    #[test]
    fn a_model_that_is_neither_a_path_nor_a_known_name_is_a_usage_error() {
        let error = resolve("no-such-model", Path::new(".")).expect_err("unknown");
        assert_eq!(exit_of(&error), Exit::Usage);
    }
}

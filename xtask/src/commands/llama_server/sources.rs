//! The sources of llama.cpp, which the source distribution of `llama-cpp-python` contains.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::cargo::{output_quietly, run, say};
use crate::pip::{Pin, download};

/// The source distribution, whose llama.cpp calls itself 0.5.0-dev.
pub(super) const SOURCES: Pin = Pin {
    package: "llama-cpp-python",
    version: "0.3.36",
    file: "llama_cpp_python-0.3.36.tar.gz",
    sha256: "832db0699007f1be95a7e41ef12e88926b02ba836461e36a36372db2760c1a2e",
};
/// Disk space for the archive, the sources, cmake and the build, which need 470 MB together.
const NEEDED_MB: u64 = 1000;

/// Returns llama.cpp's source directory below `dir`, and downloads it (77 MB) if it is not there.
pub(super) fn ready(dir: &Path) -> Result<PathBuf> {
    let unpacked = dir.join("sources");
    let llama =
        unpacked.join(SOURCES.file.trim_end_matches(".tar.gz")).join("vendor").join("llama.cpp");
    if unpacked.exists() {
        return Ok(llama);
    }
    fs::create_dir_all(dir).with_context(|| format!("failed to create {}", dir.display()))?;
    check_space(dir)?;
    say("downloading the sources of llama.cpp (77 MB)");
    let scratch = dir.join("download");
    let archive = download(&SOURCES, &scratch)?;
    let unfinished = dir.join("sources.unfinished");
    run(Command::new("python3").args(["-m", "tarfile", "-e"]).arg(&archive).arg(&unfinished))?;
    fs::rename(&unfinished, &unpacked)
        .with_context(|| format!("failed to create {}", unpacked.display()))?;
    fs::remove_dir_all(&scratch)
        .with_context(|| format!("failed to remove {}", scratch.display()))?;
    if !llama.join("tools").join("server").is_dir() {
        bail!("{} contains no tools/server of llama.cpp", SOURCES.file);
    }
    Ok(llama)
}

/// Returns an error if `df` reports too little free space.
fn check_space(dir: &Path) -> Result<()> {
    let said = output_quietly(Command::new("df").arg("-Pk").arg(dir));
    match said.as_deref().and_then(free_mb) {
        Some(free) if free < NEEDED_MB => bail!(
            "{} has {free} MB of free disk space, expected {NEEDED_MB} MB; hint: free some space, or make `target` a link to another disk",
            dir.display()
        ),
        _ => Ok(()),
    }
}

/// Parses the free space from the output of `df -Pk`.
fn free_mb(said: &str) -> Option<u64> {
    let kib = said.lines().nth(1)?.split_whitespace().nth(3)?.parse::<u64>().ok()?;
    Some(kib * 1024 / 1_000_000)
}

#[cfg(test)]
mod tests {
    use super::{SOURCES, free_mb};

    #[test]
    fn the_file_is_that_of_the_pinned_version() {
        assert!(SOURCES.file.contains(SOURCES.version));
        assert_eq!(SOURCES.sha256.len(), 64);
        assert!(SOURCES.sha256.bytes().all(|byte| byte.is_ascii_hexdigit()));
    }

    #[test]
    fn the_free_space_is_the_fourth_column_of_df() {
        let said = "Filesystem 1024-blocks Used Available Capacity Mounted on\n/dev/sda1 100000000 50000 1000000 5% /";
        assert_eq!(free_mb(said), Some(1024));
        assert_eq!(free_mb("Filesystem 1024-blocks Used Available"), None);
        assert_eq!(free_mb(""), None);
    }
}

//! Downloads pinned files from the Python package index with pip.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::cargo::{run, works};

/// A file of a package, identified by its hash.
pub(crate) struct Pin {
    pub(crate) package: &'static str,
    pub(crate) version: &'static str,
    /// Name of the wheel or of the source distribution.
    pub(crate) file: &'static str,
    pub(crate) sha256: &'static str,
}

impl Pin {
    /// The package and version, as pip writes them.
    pub(crate) fn requirement(&self) -> String {
        format!("{}=={}", self.package, self.version)
    }

    /// The line of a requirements file that makes pip compare the hash.
    fn hashed(&self) -> String {
        format!("{} --hash=sha256:{}\n", self.requirement(), self.sha256)
    }

    /// The arguments of Python that download the file.
    fn arguments(&self) -> Vec<&'static str> {
        let mut args = vec!["-m", "pip", "download", "--disable-pip-version-check", "--no-input"];
        args.extend(["--no-deps", "--require-hashes"]);
        // Not `:all:`, which would also compile the tools that read the metadata of a source distribution.
        let wheel = Path::new(self.file).extension().is_some_and(|extension| extension == "whl");
        args.extend([if wheel { "--only-binary" } else { "--no-binary" }, self.package]);
        args
    }
}

/// Downloads a file into a directory, which is created, and returns its path.
///
/// # Errors
/// Returns an error if Python or pip is missing, the download fails, or the file has another hash.
pub(crate) fn download(pin: &Pin, dir: &Path) -> Result<PathBuf> {
    check()?;
    fs::create_dir_all(dir).with_context(|| format!("failed to create {}", dir.display()))?;
    let requirements = dir.join("requirements.txt");
    fs::write(&requirements, pin.hashed())
        .with_context(|| format!("failed to write {}", requirements.display()))?;
    let mut pip = Command::new("python3");
    pip.args(pin.arguments()).arg("--dest").arg(dir).arg("--requirement").arg(&requirements);
    run(&mut pip).with_context(|| format!("failed to download {}", pin.requirement()))?;
    let file = dir.join(pin.file);
    if !file.is_file() {
        bail!("pip downloaded {} without {}", pin.requirement(), pin.file);
    }
    Ok(file)
}

/// Checks that pip runs.
///
/// # Errors
/// Returns an error if Python or pip is missing.
pub(crate) fn check() -> Result<()> {
    if !works(Command::new("python3").arg("--version")) {
        bail!("python3 is missing; hint: install Python 3.9 or newer with pip");
    }
    if !works(Command::new("python3").args(["-m", "pip", "--version"])) {
        bail!(
            "python3 has no pip; hint: run `python3 -m ensurepip`, or install the package python3-pip"
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::Pin;

    fn pin(file: &'static str) -> Pin {
        Pin { package: "demo-tool", version: "1.2", file, sha256: "00ff" }
    }

    #[test]
    fn pip_compares_the_hash() {
        let pin = pin("demo_tool-1.2.tar.gz");
        assert_eq!(pin.hashed(), "demo-tool==1.2 --hash=sha256:00ff\n");
        assert!(pin.arguments().contains(&"--require-hashes"));
    }

    #[test]
    fn pip_takes_the_kind_of_file_that_is_pinned() {
        let kind = |file| pin(file).arguments().split_off(7);
        assert_eq!(kind("demo_tool-1.2.tar.gz"), ["--no-binary", "demo-tool"]);
        assert_eq!(kind("demo_tool-1.2-py3-none-any.whl"), ["--only-binary", "demo-tool"]);
    }
}

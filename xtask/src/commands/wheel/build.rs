//! Builds the wheel with maturin.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::Args;
use crate::cargo::{cargo, output, root, run, works};
use crate::pip;

const BINARY: &str = if cfg!(windows) { "iopo.exe" } else { "iopo" };

/// The directory of everything that this command writes.
pub(super) fn work() -> PathBuf {
    root().join("target").join("wheel")
}

/// The crate of the Python module.
pub(super) fn package() -> PathBuf {
    root().join("crates").join("iopo-python")
}

/// The program of a virtual environment.
pub(super) fn inside(venv: &Path, name: &str) -> PathBuf {
    let dir = if cfg!(windows) { "Scripts" } else { "bin" };
    venv.join(dir).join(format!("{name}{}", std::env::consts::EXE_SUFFIX))
}

/// Builds the binary and the wheel; returns the wheel's path.
pub(super) fn wheel(args: &Args) -> Result<PathBuf> {
    pip::check()?;
    let maturin = maturin()?;
    let binary = match &args.binary {
        Some(path) => path.clone(),
        None => binary(args.debug)?,
    };
    stage(&binary)?;
    let out = work().join("dist");
    clear(&out)?;
    run(&mut command(args, &maturin, &out))?;
    let mut wheels: Vec<PathBuf> =
        fs::read_dir(&out)?.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
    wheels.retain(|path| path.extension().is_some_and(|extension| extension == "whl"));
    match wheels.pop() {
        Some(wheel) if wheels.is_empty() => Ok(wheel),
        _ => bail!("maturin wrote no wheel, or several, to {}", out.display()),
    }
}

/// Installs maturin, whose hashes are pinned, unless it is installed.
fn maturin() -> Result<PathBuf> {
    let venv = work().join("maturin");
    let maturin = inside(&venv, "maturin");
    let requirements = root().join("fixtures").join("wheel").join("maturin.txt");
    let pinned = fs::read_to_string(&requirements)
        .with_context(|| format!("failed to read {}", requirements.display()))?;
    let installed = venv.join("requirements.txt");
    let same = fs::read_to_string(&installed).is_ok_and(|text| text == pinned);
    if same && works(Command::new(&maturin).arg("--version")) {
        return Ok(maturin);
    }
    run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&venv))?;
    let mut pip = Command::new(inside(&venv, "python"));
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]);
    pip.args(["--only-binary", ":all:", "--require-hashes", "--requirement"]).arg(&requirements);
    run(&mut pip)?;
    fs::write(&installed, pinned)
        .with_context(|| format!("failed to write {}", installed.display()))?;
    Ok(maturin)
}

/// The command of maturin.
fn command(args: &Args, maturin: &Path, out: &Path) -> Command {
    let mut command = Command::new(maturin);
    command.args(["build", "--locked", "--manifest-path"]);
    command.arg(package().join("Cargo.toml")).arg("--out").arg(out);
    command.arg("--target-dir").arg(work().join("build"));
    command.args(["--profile", if args.debug { "dev" } else { "release" }]);
    if cfg!(target_os = "linux") {
        command.args(["--compatibility", &args.compatibility]);
    }
    command
}

/// Builds the binary and returns its path.
fn binary(debug: bool) -> Result<PathBuf> {
    let mut build = cargo(&["build", "--locked", "--package", "iopo", "--bin", "iopo"]);
    if !debug {
        build.arg("--release");
        if cfg!(target_arch = "x86_64") {
            // Used only where the CPU has AVX-512.
            build.args(["--features", "x86-v4"]);
        }
    }
    run(&mut build)?;
    let metadata = output(&mut cargo(&["metadata", "--no-deps", "--format-version", "1"]))?;
    let metadata: Value =
        serde_json::from_str(&metadata).context("failed to read cargo's metadata")?;
    let target =
        metadata["target_directory"].as_str().context("cargo names no target directory")?;
    Ok(Path::new(target).join(if debug { "debug" } else { "release" }).join(BINARY))
}

/// Copies the binary to where maturin takes scripts from.
fn stage(binary: &Path) -> Result<()> {
    let data = package().join("iopo.data");
    clear(&data)?;
    let scripts = data.join("scripts");
    fs::create_dir_all(&scripts)
        .with_context(|| format!("failed to create {}", scripts.display()))?;
    fs::copy(binary, scripts.join(BINARY))
        .with_context(|| format!("failed to copy {}", binary.display()))?;
    Ok(())
}

/// Removes a directory if it exists.
fn clear(dir: &Path) -> Result<()> {
    if dir.exists() {
        fs::remove_dir_all(dir).with_context(|| format!("failed to clear {}", dir.display()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{Args, command};

    fn args(debug: bool) -> Vec<String> {
        let args = Args { debug, compatibility: "manylinux_2_28".to_owned(), ..Args::default() };
        let command = command(&args, Path::new("/venv/bin/maturin"), Path::new("/out"));
        command.get_args().map(|arg| arg.to_string_lossy().into_owned()).collect()
    }

    #[test]
    fn maturin_uses_the_lock_file_and_the_profile() {
        for (debug, profile) in [(true, "dev"), (false, "release")] {
            let args = args(debug);
            assert_eq!(args[..2], ["build", "--locked"]);
            let at = args.iter().position(|arg| arg == "--profile").expect("a profile");
            assert_eq!(args[at + 1], profile);
        }
    }

    #[test]
    fn the_module_has_the_version_of_the_workspace() {
        let manifest = std::fs::read_to_string(super::package().join("Cargo.toml")).expect("read");
        let version = manifest.lines().find_map(|line| line.strip_prefix("version = "));
        assert_eq!(version, Some(concat!("\"", env!("CARGO_PKG_VERSION"), "\"")));
    }

    #[test]
    fn the_platform_tag_is_passed_on_linux_only() {
        let passed = args(false).iter().any(|arg| arg == "manylinux_2_28");
        assert_eq!(passed, cfg!(target_os = "linux"));
    }
}

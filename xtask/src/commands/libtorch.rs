//! `cargo xtask setup-libtorch`: installs the library that the `tch` backend links, from Python wheels.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::cargo::{root, run, say};

/// The release that the `tch` crate binds, and the packages that its CPU library depends on.
const WHEELS: [&str; 3] =
    ["torch==2.9.0", "nvidia-cuda-cupti-cu12==12.8.90", "nvidia-cuda-runtime-cu12==12.8.90"];
/// The libraries to install, and their paths in the wheels.
const LIBRARIES: [(&str, &str); 5] = [
    ("torch/lib", "libtorch_cpu.so"),
    ("torch/lib", "libc10.so"),
    ("torch/lib", "libgomp.so.1"),
    ("nvidia/cuda_cupti/lib", "libcupti.so.12"),
    ("nvidia/cuda_runtime/lib", "libcudart.so.12"),
];

fn dir() -> PathBuf {
    root().join("target").join("libtorch")
}

/// Downloads the wheels with pip (1 GB) and creates the directory layout that the linker expects.
pub(crate) fn setup() -> Result<()> {
    if !cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        bail!(
            "this command supports Linux on x86-64 only; hint: install LibTorch 2.9.0 and set LIBTORCH to its directory"
        );
    }
    let (wheels, lib) = (dir().join("wheels"), dir().join("lib"));
    fs::create_dir_all(&wheels)
        .with_context(|| format!("failed to create {}", wheels.display()))?;
    let mut pip = Command::new("python3");
    pip.args(["-m", "pip", "install", "--disable-pip-version-check", "--no-deps", "--upgrade"]);
    run(pip.arg("--target").arg(&wheels).args(WHEELS))?;
    if lib.exists() {
        fs::remove_dir_all(&lib).with_context(|| format!("failed to clear {}", lib.display()))?;
    }
    fs::create_dir_all(&lib).with_context(|| format!("failed to create {}", lib.display()))?;
    for (from, name) in LIBRARIES {
        link(&wheels.join(from).join(name), &lib.join(name))?;
    }
    let include = dir().join("include");
    if include.symlink_metadata().is_ok() {
        fs::remove_file(&include)
            .with_context(|| format!("failed to remove {}", include.display()))?;
    }
    link(&wheels.join("torch/include"), &include)?;
    // The wheel's libtorch.so links the CUDA libraries. An empty library that links only the CPU's replaces it.
    let mut cc = Command::new("cc");
    cc.args(["-shared", "-x", "c", "/dev/null", "-Wl,--no-as-needed", "-L"]).arg(&lib);
    cc.args(["-l:libtorch_cpu.so", "-l:libc10.so", "-o"]).arg(lib.join("libtorch.so"));
    run(&mut cc)?;
    say(&format!("LibTorch is in {}; `--backend tch` finds it there", dir().display()));
    Ok(())
}

/// Points a build and the program it runs to the library, unless the user's environment sets one.
pub(crate) fn point_to(command: &mut Command) -> Result<()> {
    if std::env::var_os("LIBTORCH").is_some() {
        return Ok(());
    }
    let lib = dir().join("lib");
    if !lib.join("libtorch.so").is_file() {
        bail!(
            "LibTorch is not in target/libtorch; hint: run `cargo xtask setup-libtorch`, or set LIBTORCH"
        );
    }
    let mut paths = vec![lib];
    if let Some(before) = std::env::var_os("LD_LIBRARY_PATH") {
        paths.extend(std::env::split_paths(&before));
    }
    command.env("LIBTORCH", dir()).env("LIBTORCH_CXX11_ABI", "1");
    if let Ok(paths) = std::env::join_paths(paths) {
        command.env("LD_LIBRARY_PATH", paths);
    }
    Ok(())
}

#[cfg(unix)]
fn link(from: &Path, to: &Path) -> Result<()> {
    if !from.exists() {
        bail!("{} is not in the wheels", from.display());
    }
    std::os::unix::fs::symlink(from, to)
        .with_context(|| format!("failed to link {} to {}", to.display(), from.display()))
}

#[cfg(not(unix))]
fn link(from: &Path, _: &Path) -> Result<()> {
    bail!("cannot link to {} on this system", from.display())
}

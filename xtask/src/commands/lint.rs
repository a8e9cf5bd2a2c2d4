//! `cargo xtask lint`: every check that is not a test.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use crate::cargo::{cargo, root, run, say, works};

/// What happens to the packages of the crates.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Packages {
    /// They are made, which finds missing metadata and files. Takes seconds.
    Make,
    /// Each is also built alone from its package, with its own features. Takes minutes.
    Build,
}

/// Runs every check, with warnings as errors, and reports the checks whose tool is not installed.
///
/// # Errors
/// Returns the first check that fails.
pub(crate) fn run_all(packaging: Packages) -> Result<()> {
    run(&mut cargo(&["fmt", "--all", "--check"]))?;
    // Not a member of the workspace.
    let module = ["fmt", "--manifest-path", "crates/iopo-python/Cargo.toml", "--check"];
    run(&mut cargo(&module))?;
    let missing = tools()?;
    run(&mut cargo(&["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]))?;
    let endpoint = ["clippy", "-p", "iopo-llm", "--features", "_server", "--all-targets"];
    run(cargo(&endpoint).args(["--", "-D", "warnings"]))?;
    documentation()?;
    packages(packaging)?;
    for tool in &missing {
        say(&format!("warning: skipped `{}`: it is not installed", tool.name));
        say(&format!("hint: install it with `cargo install --locked {}`", tool.package));
    }
    Ok(())
}

/// A checker that does not come with Rust.
struct Tool {
    name: &'static str,
    /// The package that installs it.
    package: &'static str,
    args: &'static [&'static str],
}

const TOOLS: [Tool; 2] = [
    Tool { name: "typos", package: "typos-cli", args: &[] },
    Tool {
        name: "cargo-deny",
        package: "cargo-deny",
        args: &["--offline", "check", "bans", "licenses", "sources"],
    },
];

/// Checks spelling, licenses and sources; returns the tools that are not installed.
fn tools() -> Result<Vec<&'static Tool>> {
    let mut missing = Vec::new();
    for tool in &TOOLS {
        if works(Command::new(tool.name).arg("--version")) {
            run(Command::new(tool.name).args(tool.args).current_dir(root()))?;
        } else {
            missing.push(tool);
        }
    }
    Ok(missing)
}

fn documentation() -> Result<()> {
    let mut doc = cargo(&["doc", "--workspace", "--no-deps", "--quiet"]);
    run(doc.env("RUSTDOCFLAGS", "-D warnings"))
}

/// Packages every crate for a registry, and builds each package if asked. Quiet, because Cargo warns of each test that a
/// package leaves out.
fn packages(packaging: Packages) -> Result<()> {
    let unpublished = ["--exclude", "xtask", "--exclude", "iopo-testing"];
    let mut package = cargo(&["package", "--workspace", "--allow-dirty", "--quiet"]);
    package.args(unpublished);
    if packaging == Packages::Make {
        return run(package.arg("--no-verify"));
    }
    // Cargo never rebuilds a package of the same version, so the packages of an earlier call are removed. Their
    // dependencies are kept. The profiles of the workspace do not apply to them.
    let target = root().join("target").join("packages");
    let in_target = |command: &mut Command| run(command.arg("--target-dir").arg(&target));
    in_target(&mut cargo(&["clean", "--workspace", "--quiet"]))?;
    remove_unpacked()?;
    in_target(package.env("CARGO_PROFILE_DEV_DEBUG", "0"))
}

/// Removes the sources of this project's packages that an earlier call made Cargo unpack.
///
/// Cargo verifies a package against the packages beside it, which it unpacks into its home directory and never unpacks again
/// while their version stays the same. The directories of such local registries have names that begin with a hyphen.
fn remove_unpacked() -> Result<()> {
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let user = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cargo"));
    let Some(home) = home.or_else(user) else { return Ok(()) };
    let Ok(registries) = fs::read_dir(home.join("registry").join("src")) else { return Ok(()) };
    for registry in registries {
        let registry = registry?;
        if !registry.file_name().to_string_lossy().starts_with('-') {
            continue;
        }
        for package in fs::read_dir(registry.path())? {
            let package = package?;
            if package.file_name().to_string_lossy().starts_with("iopo") {
                fs::remove_dir_all(package.path())?;
            }
        }
    }
    Ok(())
}

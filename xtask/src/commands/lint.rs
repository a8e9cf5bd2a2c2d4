//! `cargo xtask lint`: formatting, clippy, documentation.

use anyhow::Result;

use crate::cargo::{cargo, run, works};

/// Formatting, clippy and rustdoc, warnings counted as errors; cargo-deny and typos where installed.
pub(crate) fn run_all() -> Result<()> {
    run(&mut cargo(&["fmt", "--all", "--check"]))?;
    run(&mut cargo(&["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]))?;
    documentation()?;
    if works(&mut cargo(&["deny", "--version"])) {
        run(&mut cargo(&["deny", "--offline", "check", "bans", "licenses", "sources"]))?;
    }
    let mut typos = std::process::Command::new("typos");
    if works(typos.arg("--version")) {
        run(std::process::Command::new("typos").current_dir(crate::cargo::root()))?;
    }
    Ok(())
}

fn documentation() -> Result<()> {
    let mut doc = cargo(&["doc", "--workspace", "--no-deps", "--quiet"]);
    run(doc.env("RUSTDOCFLAGS", "-D warnings"))
}

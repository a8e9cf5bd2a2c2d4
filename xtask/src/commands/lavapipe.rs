//! `cargo xtask setup-lavapipe`: a Vulkan driver for the CPU, for the `wgpu` backend without a GPU.

use std::process::Command;

use anyhow::Result;

use crate::cargo::{run, say};

/// Package names of Debian; other systems have other names for Mesa's software driver.
const INSTALL: [&str; 5] = ["apt-get", "install", "--yes", "mesa-vulkan-drivers", "libvulkan1"];

/// Flags of `cargo xtask setup-lavapipe`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Run the command instead of printing it; needs root.
    #[arg(long)]
    yes: bool,
}

/// Prints the command that installs the driver, and runs it if requested.
pub(crate) fn run_args(args: &Args) -> Result<()> {
    if !args.yes {
        say(&format!("run as root: {}", INSTALL.join(" ")));
        say("`cargo xtask setup-lavapipe --yes` runs this command");
        return Ok(());
    }
    run(Command::new(INSTALL[0]).args(&INSTALL[1..]))
}

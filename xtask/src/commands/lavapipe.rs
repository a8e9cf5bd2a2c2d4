//! `cargo xtask setup-lavapipe`: a Vulkan driver that computes on the CPU, for the `wgpu` backend without a GPU.

use std::process::Command;

use anyhow::Result;

use crate::cargo::{run, say};

/// Debian's names; other systems call Mesa's software driver otherwise.
const INSTALL: [&str; 5] = ["apt-get", "install", "--yes", "mesa-vulkan-drivers", "libvulkan1"];

/// Flags of `cargo xtask setup-lavapipe`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Run the line instead of printing it; it needs to be root.
    #[arg(long)]
    yes: bool,
}

/// Prints what installs it, and does so where that is asked for.
pub(crate) fn run_args(args: &Args) -> Result<()> {
    if !args.yes {
        say(&format!("as root: {}", INSTALL.join(" ")));
        say("or `cargo xtask setup-lavapipe --yes`, which runs that line");
        return Ok(());
    }
    run(Command::new(INSTALL[0]).args(&INSTALL[1..]))
}

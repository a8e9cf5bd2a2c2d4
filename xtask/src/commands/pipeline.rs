//! `cargo xtask pipeline`: builds the binary with the backend that was asked for, then runs it.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;
use clap::ValueEnum;

use crate::cargo::{cargo_here, hand_over, root};
use crate::commands::libtorch;

/// What Burn computes on; each is a Cargo feature of the `iopo` crate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Backend {
    /// Pure Rust on the CPU.
    Flex,
    /// LibTorch, which `cargo xtask setup-libtorch` gets.
    Tch,
    /// WebGPU.
    Wgpu,
    /// Vulkan.
    Vulkan,
    /// CUDA.
    Cuda,
    /// ROCm.
    Rocm,
    /// Metal.
    Metal,
}

impl Backend {
    /// The feature, which is the device's name too.
    pub(crate) fn name(self) -> &'static str {
        self.features(false)
    }

    /// The features to build with, given whether this CPU has AVX-512.
    fn features(self, avx512: bool) -> &'static str {
        match self {
            // About twice as fast in matrix products, where the CPU can.
            Self::Flex if avx512 => "flex,x86-v4",
            Self::Flex => "flex",
            Self::Tch => "tch",
            Self::Wgpu => "wgpu",
            Self::Vulkan => "vulkan",
            Self::Cuda => "cuda",
            Self::Rocm => "rocm",
            Self::Metal => "metal",
        }
    }
}

/// Flags of `cargo xtask pipeline`; all but the first two go on to `iopo pipeline`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// What to compute on; the binary is built with this backend alone.
    #[arg(long, value_enum, default_value_t = Backend::Flex)]
    backend: Backend,
    /// Build in the dev profile, which the tests use too (its dependencies are optimised).
    #[arg(long)]
    dev: bool,
    /// A preset: default, study or smoke.
    #[arg(long, value_name = "NAME", conflicts_with = "config")]
    preset: Option<String>,
    /// A configuration file, for instance a copy of one under crates/iopo/presets.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The run directory [default: runs/PRESET].
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// A Hugging Face directory, a .gguf file, smollm2-135m-instruct, a hub id, or tiny.
    #[arg(long)]
    model: Option<String>,
    /// A device of the backend, for instance flex or wgpu.
    #[arg(long)]
    device: Option<String>,
    /// What the base's weights are held in: f32 or bf16.
    #[arg(long)]
    dtype: Option<String>,
    /// The seed of everything random.
    #[arg(long)]
    seed: Option<u64>,
    /// Recompute activations during training to save memory: auto, always or never; without a value: always.
    #[arg(long, value_name = "WHEN", num_args = 0..=1, default_missing_value = "always")]
    gradient_checkpointing: Option<String>,
    /// Any other value of the configuration, for instance train.lora.r=16; may be repeated.
    #[arg(long = "set", value_name = "SECTION.KEY=VALUE")]
    sets: Vec<String>,
}

impl Args {
    fn passed_on(&self) -> Vec<String> {
        let path = |path: &Option<PathBuf>| path.as_ref().map(|path| path.display().to_string());
        let named = [
            ("--preset", self.preset.clone()),
            ("--config", path(&self.config)),
            ("--out", path(&self.out)),
            ("--model", self.model.clone()),
            ("--device", self.device.clone()),
            ("--dtype", self.dtype.clone()),
            ("--gradient-checkpointing", self.gradient_checkpointing.clone()),
            ("--seed", self.seed.map(|seed| seed.to_string())),
        ];
        let named = named.into_iter().filter_map(|(flag, value)| Some((flag, value?)));
        let sets = self.sets.iter().map(|set| ("--set", set.clone()));
        named.chain(sets).flat_map(|(flag, value)| [flag.to_owned(), value]).collect()
    }
}

/// The features of the fastest build for this CPU.
pub(crate) fn cpu_features() -> &'static str {
    Backend::Flex.features(avx512())
}

/// Builds and runs; the process becomes `iopo`, so signals and the exit code are its own.
pub(crate) fn run_args(args: &Args) -> Result<()> {
    hand_over(command(args.backend, args.dev)?.arg("pipeline").args(args.passed_on()))
}

fn command(backend: Backend, dev: bool) -> Result<Command> {
    let manifest = root().join("Cargo.toml");
    let mut cargo = cargo_here(&["run", "--package", "iopo", "--bin", "iopo"]);
    cargo.arg("--manifest-path").arg(manifest).arg("--no-default-features");
    // The dev profile shares its artifacts with the tests, so it takes their features.
    cargo.args(["--features", backend.features(!dev && avx512())]);
    if !dev {
        cargo.arg("--release");
    }
    if let Backend::Tch = backend {
        libtorch::point_to(&mut cargo)?;
    }
    cargo.arg("--");
    Ok(cargo)
}

#[cfg(target_arch = "x86_64")]
fn avx512() -> bool {
    std::is_x86_feature_detected!("avx512f")
}

#[cfg(not(target_arch = "x86_64"))]
fn avx512() -> bool {
    false
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::{Args, Backend};

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        args: Args,
    }

    #[test]
    fn flags_are_passed_on_in_any_order() {
        let line =
            ["x", "--set", "train.lr=1e-4", "--backend", "tch", "--preset", "smoke", "--seed", "3"];
        let args = Line::try_parse_from(line).expect("valid flags").args;
        assert_eq!(args.backend, Backend::Tch);
        let want = ["--preset", "smoke", "--seed", "3", "--set", "train.lr=1e-4"];
        assert_eq!(args.passed_on(), want);
    }

    #[test]
    fn only_flex_asks_for_wide_vectors() {
        assert_eq!(Backend::Flex.features(true), "flex,x86-v4");
        assert_eq!(Backend::Flex.features(false), "flex");
        assert_eq!(Backend::Cuda.features(true), "cuda");
    }
}

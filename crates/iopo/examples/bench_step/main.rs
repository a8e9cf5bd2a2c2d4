//! Measures a training step, decoding or synthesis, and prints one line of JSON. `cargo xtask bench --peer` compares it with
//! `fixtures/peer/bench_peer.py`.
//!
//! Each process measures one thing, so that its peak memory is that of this measurement. It uses the allocator of the `iopo` binary.
#![expect(clippy::print_stdout, reason = "prints the measurement")]

#[path = "../../src/allocator.rs"]
mod allocator;
mod decode;
mod draw;
mod floor;
mod inputs;
mod rules;
mod sample;
mod shape;
mod step;
mod synth;

use std::path::Path;

use anyhow::{Context, Result};
use burn::tensor::Device;
use clap::{Parser, Subcommand};
use iopo::model::{Checkpoint, Decoder, Dtype, device};

/// Time a training step, decoding or synthesis, and print one line of JSON.
#[derive(Debug, Parser)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    on: On,
}

/// The device and the type to compute in.
#[derive(Debug, clap::Args)]
struct On {
    /// Device of this build [default: the first that `iopo devices` lists].
    #[arg(long, global = true, value_name = "NAME")]
    device: Option<String>,
    /// Type of the weights that are not trained.
    #[arg(long, global = true, value_name = "TYPE", default_value = "f32")]
    dtype: Dtype,
    /// Print the seconds of each update or generation to stderr.
    #[arg(long, global = true)]
    each: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Write the model as a Hugging Face directory, and the token ids that both sides use.
    Prepare(inputs::Args),
    /// Time an update: forward, backward, clipping and `AdamW`.
    Step(step::Args),
    /// Time greedy generation.
    Decode(decode::Args),
    /// Time writing instructions by rules, without sampling.
    Draw(draw::Args),
    /// Time synthesis with scripted answers, which take no time.
    Rules(rules::Args),
    /// Time sampling of answers to tasks.
    Sample(sample::Args),
    /// Time synthesis with answers from the model.
    Synth(synth::Args),
}

fn main() -> Result<()> {
    allocator::keep_freed_memory();
    let Cli { command, on } = Cli::parse();
    let measured = match command {
        Command::Prepare(args) => return inputs::run(&args, &on),
        Command::Step(args) => step::run(&args, &on)?,
        Command::Decode(args) => decode::run(&args, &on)?,
        Command::Draw(args) => draw::run(&args, &on)?,
        Command::Rules(args) => rules::run(&args)?,
        Command::Sample(args) => sample::run(&args, &on)?,
        Command::Synth(args) => synth::run(&args, &on)?,
    };
    println!("{measured}");
    Ok(())
}

impl On {
    #[expect(clippy::print_stderr, reason = "the user asked for it")]
    fn note(&self, seconds: f64) {
        if self.each {
            eprintln!("{seconds:.6}");
        }
    }

    fn name(&self) -> Result<&str> {
        let first = || device::available().first().copied();
        self.device.as_deref().or_else(first).context("this build has no device")
    }

    fn device(&self) -> Result<Device> {
        Ok(device::device(self.name()?)?)
    }

    /// Loads a model's weights.
    fn decoder(&self, model: &Path) -> Result<Decoder> {
        let mut checkpoint = Checkpoint::open(model)?;
        let config = checkpoint.config.clone();
        let tensor = |name: &str, shape: &[usize]| checkpoint.tensor(name, shape);
        Ok(Decoder::from_tensors_in(self.dtype, &config, &self.device()?, tensor)?)
    }
}

/// Waits until the device is done; a GPU computes in the background.
fn wait(device: &Device) -> Result<()> {
    device.sync().map_err(|error| anyhow::anyhow!("the device failed: {error:?}"))
}

/// Returns the median.
fn median(seconds: &[f64]) -> f64 {
    let mut sorted = seconds.to_vec();
    sorted.sort_by(f64::total_cmp);
    let half = sorted.len() / 2;
    match sorted.len() {
        0 => f64::NAN,
        even if even.is_multiple_of(2) => f64::midpoint(sorted[half - 1], sorted[half]),
        _ => sorted[half],
    }
}

//! One measurement of a training step, of decoding or of synthesis, as one line of JSON: our side of
//! `cargo xtask bench --peer`, whose other side is `fixtures/peer/bench_peer.py`.
//!
//! Each call measures one thing, so that its peak memory is its own. It allocates as the `iopo` binary does.
#![expect(clippy::print_stdout, reason = "it prints what it measured")]

#[path = "../../src/allocator.rs"]
mod allocator;
mod decode;
mod draw;
mod floor;
mod inputs;
mod rules;
#[path = "../../../iopo-synth/tests/common/mod.rs"]
#[expect(dead_code, reason = "its tests want more of it")]
mod scripted;
mod step;
mod synth;

use std::path::Path;

use anyhow::{Context, Result};
use burn::tensor::Device;
use clap::{Parser, Subcommand};
use iopo::model::{Checkpoint, Decoder, device};
use iopo::train::weights::Card;

/// Time a training step, decoding or synthesis, and print one line of JSON.
#[derive(Debug, Parser)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Write the model as a Hugging Face directory, and the token ids that both sides take.
    Prepare(inputs::Args),
    /// Time an update: forward, backward, clipping and `AdamW`.
    Step(step::Args),
    /// Time greedy generation.
    Decode(decode::Args),
    /// Time instructions by rules alone.
    Draw(draw::Args),
    /// Time synthesis with answers that cost nothing.
    Rules(rules::Args),
    /// Time synthesis with answers from the model.
    Synth(synth::Args),
}

fn main() -> Result<()> {
    allocator::keep_freed_memory();
    let measured = match Cli::parse().command {
        Command::Prepare(args) => return inputs::run(&args),
        Command::Step(args) => step::run(&args)?,
        Command::Decode(args) => decode::run(&args)?,
        Command::Draw(args) => draw::run(&args)?,
        Command::Rules(args) => rules::run(&args)?,
        Command::Synth(args) => synth::run(&args)?,
    };
    println!("{measured}");
    Ok(())
}

/// The first device that is built in.
fn first_device() -> Result<Device> {
    let first = device::available().first().copied().context("no device is built in")?;
    Ok(device::device(first)?)
}

/// A model's weights on the first device.
fn decoder(model: &Path) -> Result<Decoder> {
    let mut checkpoint = Checkpoint::open(model)?;
    let config = checkpoint.config.clone();
    let tensor = |name: &str, shape: &[usize]| checkpoint.tensor(name, shape);
    Ok(Decoder::from_tensors(&config, &first_device()?, tensor)?)
}

/// What identifies a run, for one that nobody will look for.
fn nameless(method: &str) -> Card {
    Card {
        base: String::new(),
        base_weights_hash: String::new(),
        template_hash: String::new(),
        method: method.to_owned(),
        preferences_hash: String::new(),
        settings: serde_json::Value::Null,
    }
}

/// The middle of some seconds; the mean of both middles where there are two.
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

//! Greedy generation.

use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Result, ensure};
use iopo::llm::{Sampling, Silent};
use iopo::model::{Decoder, Limits, ModelError, Prompt, workers};
use iopo::train::estimate::peak_memory;
use serde_json::{Value, json};

use crate::{decoder, inputs, median};

/// Flags of `decode`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A Hugging Face directory or a `.gguf` file.
    model: PathBuf,
    /// Token ids, as `prepare` writes them.
    #[arg(long)]
    prompts: PathBuf,
    /// Prompts that are continued together.
    #[arg(long, default_value_t = 1)]
    batch: usize,
    /// New tokens of each; nothing ends a text before.
    #[arg(long, default_value_t = 32)]
    tokens: usize,
    /// Generations that are timed.
    #[arg(long, default_value_t = 3)]
    repeat: usize,
    /// Generations before them.
    #[arg(long, default_value_t = 1)]
    warmup: usize,
}

/// Times one batch, and the same prompts dealt out to the workers as `iopo synth` does.
pub(crate) fn run(args: &Args) -> Result<Value> {
    let decoder = decoder(&args.model)?;
    let prompts: Vec<Prompt> = inputs::prompts(&args.prompts, args.batch)?
        .into_iter()
        .map(|tokens| Prompt { tokens, sampling: Sampling::greedy(args.tokens) })
        .collect();
    let count = workers::count(&decoder.device());
    let share = prompts.len().div_ceil(count.max(1));
    let together = time(args, || generate(&decoder, &prompts))?;
    let dealt = time(args, || {
        let shares: Vec<&[Prompt]> = prompts.chunks(share).collect();
        let made = workers::map(&decoder.device(), shares, |share| generate(&decoder, share))?;
        Ok(made.into_iter().sum())
    })?;
    let rate = |times: &[f64]| (args.batch * args.tokens) as f64 / median(times);
    Ok(json!({
        "side": "iopo",
        "mode": "decode",
        "dtype": "f32",
        "batch": args.batch,
        "threads": count,
        "tokens_per_second": rate(&together),
        "tokens_per_second_dealt": rate(&dealt),
        "seconds": median(&together),
        "times": together,
        "peak_bytes": peak_memory(),
    }))
}

/// Continues all prompts and says how many tokens that made.
fn generate(decoder: &Decoder, prompts: &[Prompt]) -> Result<usize, ModelError> {
    let limits = Limits { rows: prompts.len(), ..Limits::default() };
    let made = decoder.generate(prompts, &[], limits, &Silent)?;
    Ok(made.iter().map(|row| row.count).sum())
}

fn time(args: &Args, work: impl Fn() -> Result<usize, ModelError>) -> Result<Vec<f64>> {
    let mut times = Vec::new();
    for _ in 0..args.warmup + args.repeat {
        let clock = Instant::now();
        let made = work()?;
        times.push(clock.elapsed().as_secs_f64());
        let expected = args.batch * args.tokens;
        ensure!(made == expected, "expected {expected} new tokens, got {made}");
    }
    Ok(times.split_off(args.warmup))
}

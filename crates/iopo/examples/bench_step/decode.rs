//! Greedy generation.

use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Result, ensure};
use iopo::llm::{Sampling, Silent};
use iopo::model::device::in_main_memory;
use iopo::model::memory;
use iopo::model::{Decoder, GenerationRequest, Limits, ModelError, launches, workers};
use serde_json::{Value, json};

use crate::{On, inputs, median};

/// Flags of `decode`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Hugging Face directory or `.gguf` file.
    model: PathBuf,
    /// File of token ids that `prepare` wrote.
    #[arg(long)]
    prompts: PathBuf,
    /// Prompts of a batch.
    #[arg(long, default_value_t = 1)]
    batch: usize,
    /// New tokens per prompt; no stop token ends a text earlier.
    #[arg(long, default_value_t = 32)]
    tokens: usize,
    /// Timed generations.
    #[arg(long, default_value_t = 3)]
    repeat: usize,
    /// Untimed generations before the timed ones.
    #[arg(long, default_value_t = 1)]
    warmup: usize,
}

/// Times one batch, and the same prompts distributed to the workers as in `iopo synth`.
pub(crate) fn run(args: &Args, on: &On) -> Result<Value> {
    let decoder = on.decoder(&args.model)?.frozen();
    ensure!(
        args.tokens > 1,
        "expected at least two new tokens, because the prefill computes the first"
    );
    let ids = inputs::prompts(&args.prompts, args.batch)?;
    let prompts = |new: usize| -> Vec<GenerationRequest> {
        let prompt = |tokens: &Vec<u32>| GenerationRequest {
            tokens: tokens.clone(),
            sampling: Sampling::greedy(new),
        };
        ids.iter().map(prompt).collect()
    };
    let (first, prompts) = (prompts(1), prompts(args.tokens));
    let count = workers::count(&decoder.device());
    let share = prompts.len().div_ceil(count.max(1));
    let (prefill, _) = time(args, on, 1, || generate(&decoder, &first))?;
    let (together, made) = time(args, on, args.tokens, || generate(&decoder, &prompts))?;
    let (dealt, _) = time(args, on, args.tokens, || {
        let shares: Vec<&[GenerationRequest]> = prompts.chunks(share).collect();
        let made = workers::map(&decoder.device(), shares, |share| generate(&decoder, share))?;
        Ok(made.concat())
    })?;
    let device = decoder.device();
    let launched = |prompts: &[GenerationRequest]| -> Result<Option<usize>> {
        if in_main_memory(&device) {
            return Ok(None);
        }
        Ok(launches::count(&device, || generate(&decoder, prompts))?.1)
    };
    let both = launched(&prompts)?.zip(launched(&first)?);
    // The other way round, autotune was at work.
    let launched = both.and_then(|(all, first)| all.checked_sub(first));
    let rate = |times: &[f64]| (args.batch * args.tokens) as f64 / median(times);
    let steps = median(&together) - median(&prefill);
    ensure!(steps > 0.0, "{} tokens took no longer than one", args.tokens);
    Ok(json!({
        "side": "iopo",
        "mode": "decode",
        "device": on.name()?,
        "dtype": on.dtype.name(),
        "batch": args.batch,
        "threads": count,
        "tokens_per_second": rate(&together),
        "tokens_per_second_dealt": rate(&dealt),
        "prefill_seconds": median(&prefill),
        "decode_tokens_per_second": (args.batch * (args.tokens - 1)) as f64 / steps,
        "seconds": median(&together),
        "times": together,
        "made": made,
        "launches_per_step": launched.map(|launched| launched as f64 / (args.tokens - 1) as f64),
        "peak_bytes": memory::peak(),
    }))
}

/// Returns the new tokens of each prompt.
fn generate(decoder: &Decoder, prompts: &[GenerationRequest]) -> Result<Vec<Vec<u32>>, ModelError> {
    let limits = Limits::default().with_rows(prompts.len());
    let made = decoder.generate(prompts, &[], limits, &Silent)?;
    Ok(made.into_iter().map(|row| row.tokens).collect())
}

/// Returns the seconds of each generation, and the tokens of the last one.
fn time(
    args: &Args,
    on: &On,
    new: usize,
    work: impl Fn() -> Result<Vec<Vec<u32>>, ModelError>,
) -> Result<(Vec<f64>, Vec<Vec<u32>>)> {
    let (mut times, mut made) = (Vec::new(), Vec::new());
    for _ in 0..args.warmup + args.repeat {
        let clock = Instant::now();
        made = work()?;
        times.push(clock.elapsed().as_secs_f64());
        on.note(times[times.len() - 1]);
        let (expected, got) = (args.batch * new, made.concat().len());
        ensure!(got == expected, "expected {expected} new tokens, got {got}");
    }
    Ok((times.split_off(args.warmup), made))
}

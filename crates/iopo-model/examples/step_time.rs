//! Measures the time of one IOPO step and of one batch of decoding, and the memory of a step:
//! `MIMALLOC_PURGE_DELAY=-1 cargo run --release --example step_time MODEL [train | decode | kept | recomputed]`.
//!
//! The variable sets the allocator up as the `iopo` binary does. `kept` and `recomputed` run two steps of 512 + 128 tokens
//! and print the peak memory after them; the peak of a process only rises, so each is a separate run.
#![expect(clippy::print_stdout, reason = "the example prints its measurements")]

use std::path::Path;
use std::time::Instant;

use iopo_llm::{Sampling, Silent};
use iopo_model::{
    Activations, Decoder, GenerationRequest, Layout, Limits, LoraConfig, ModelError, ModelFiles,
    Segment, Targets, memory, workers,
};

/// The allocator of the `iopo` binary. It reuses the pages of large tensors; fresh pages would take a quarter of a step.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn tokens(count: usize, salt: u32) -> Vec<u32> {
    (0..count as u32).map(|at| 1000 + (at * 7919 + salt * 104_729) % 40_000).collect()
}

/// Makes a group with prompts and responses of the given lengths; the prompts differ in the last 16 tokens.
fn group(prompt: usize, response: usize) -> Result<(Layout, Targets), ModelError> {
    let rest = 16;
    let segment = |parent, tokens| Segment { parent, tokens };
    let fed = |salt| tokens(response - 1, salt);
    let layout = Layout::new(vec![
        segment(None, tokens(prompt - rest, 0)),
        segment(Some(0), tokens(rest, 1)),
        segment(Some(0), tokens(rest, 2)),
        segment(Some(1), fed(3)),
        segment(Some(1), fed(4)),
        segment(Some(2), fed(4)),
        segment(Some(2), fed(3)),
    ])?;
    let mut targets = Targets::default();
    for leaf in 3..7 {
        let parent = if leaf < 5 { 1 } else { 2 };
        targets.rows.push(layout.position(parent, rest - 1));
        targets.rows.extend((0..response - 1).map(|at| layout.position(leaf, at)));
        targets.tokens.extend(tokens(response, leaf as u32));
    }
    Ok((layout, targets))
}

/// Runs one forward and backward pass.
fn step(
    lora: &Decoder,
    layout: &Layout,
    targets: &Targets,
    activations: Activations,
) -> Result<(), ModelError> {
    let coefficients = |logps: &[f32]| Ok::<_, ModelError>(vec![0.01; logps.len()]);
    lora.response_logps_and_grads(layout, targets, activations, coefficients).map(|_| ())
}

/// Runs two steps and prints the peak memory.
fn peak_memory(lora: &Decoder, activations: Activations) -> Result<(), ModelError> {
    let gigabytes = || memory::peak().map_or(f64::NAN, |bytes| bytes as f64 / 1e9);
    println!("loaded: peak {:.2} GB", gigabytes());
    let (layout, targets) = group(512, 128)?;
    for _ in 0..2 {
        let start = Instant::now();
        step(lora, &layout, &targets, activations)?;
        println!(
            "512 + 128, {} tokens, activations {activations:?}: {:.2} s, peak {:.2} GB",
            layout.token_count(),
            start.elapsed().as_secs_f64(),
            gigabytes()
        );
    }
    Ok(())
}

/// Measures the forward pass, a step, and steps on several workers.
fn training(lora: &Decoder) -> Result<(), ModelError> {
    let step = |layout: &Layout, targets: &Targets| step(lora, layout, targets, Activations::Kept);
    for (prompt, response) in [(64, 64), (256, 128)] {
        let (layout, targets) = group(prompt, response)?;
        let tokens = layout.token_count();
        for _ in 0..4 {
            let start = Instant::now();
            lora.response_logps(&layout, &targets)?;
            let forward = start.elapsed().as_secs_f64();
            let start = Instant::now();
            step(&layout, &targets)?;
            let whole = start.elapsed().as_secs_f64();
            println!(
                "{prompt} + {response}, {tokens} tokens: forward {forward:.2} s, step {whole:.2} s"
            );
        }
        let pieces = 3 * workers::count(&lora.device());
        let start = Instant::now();
        workers::map(&lora.device(), vec![(); pieces], |()| step(&layout, &targets))?;
        let each = start.elapsed().as_secs_f64() / pieces as f64;
        println!("{prompt} + {response}, {tokens} tokens: {each:.2} s per step on several workers");
    }
    Ok(())
}

/// Measures tokens per second by batch size, with one batch and with one batch per worker. Rows are greedy continuations of
/// different prompts, or samples of one prompt.
fn decoding(decoder: &Decoder) -> Result<(), ModelError> {
    let length = 32;
    let greedy =
        |row| GenerationRequest { tokens: tokens(60, row), sampling: Sampling::greedy(length) };
    let sample = |row| {
        let sampling = Sampling::greedy(length)
            .with_temperature(0.6)
            .with_top_p(0.9)
            .with_seed(u64::from(row));
        GenerationRequest { tokens: tokens(60, 0), sampling }
    };
    for batch in [1u32, 16, 32, 64] {
        let (greedy, samples) =
            ((0..batch).map(greedy).collect(), (0..batch).map(sample).collect());
        for (what, prompts) in [("greedy", greedy), ("samples of one prompt", samples)] {
            let prompts: Vec<GenerationRequest> = prompts;
            let limits = Limits::default().with_rows(prompts.len());
            let generate = || decoder.generate(&prompts, &[], limits, &Silent);
            generate()?;
            let start = Instant::now();
            generate()?;
            let alone = start.elapsed().as_secs_f64();
            let count = workers::count(&decoder.device());
            let start = Instant::now();
            workers::map(&decoder.device(), vec![(); count], |()| generate())?;
            let beside = start.elapsed().as_secs_f64() / count as f64;
            let rate = |seconds: f64| f64::from(batch) * length as f64 / seconds;
            println!(
                "decode batch {batch}, {what}: {:.0} tokens/s with prefill, {:.0} on several workers",
                rate(alone),
                rate(beside)
            );
        }
    }
    Ok(())
}

fn main() -> Result<(), ModelError> {
    let mut args = std::env::args().skip(1);
    let (path, what) = (args.next().unwrap_or_default(), args.next());
    let (mut checkpoint, _, _) = ModelFiles::open(Path::new(&path))?;
    let config = checkpoint.config.clone();
    let device = iopo_model::device::device("flex")?;
    let decoder =
        Decoder::from_tensors(&config, &device, |name, shape| checkpoint.tensor(name, shape))?;
    let lora = || decoder.clone().with_lora(&LoraConfig::default(), 0);
    match what.as_deref() {
        Some("kept") => return peak_memory(&lora()?, Activations::Kept),
        Some("recomputed") => return peak_memory(&lora()?, Activations::Recomputed),
        Some("decode") => {}
        _ => training(&lora()?)?,
    }
    if what.as_deref() != Some("train") {
        decoding(&decoder)?;
    }
    Ok(())
}

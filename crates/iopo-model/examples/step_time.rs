//! How long one IOPO step and one batch of decoding take: `cargo run --release --example step_time MODEL`.
#![expect(clippy::print_stdout, reason = "it prints what it measured")]

use std::path::Path;
use std::time::Instant;

use iopo_llm::{Sampling, Silent};
use iopo_model::{Decoder, Layout, LoraConfig, ModelError, ModelFiles, Prompt, Segment, Targets};

fn tokens(count: usize, salt: u32) -> Vec<u32> {
    (0..count as u32).map(|at| 1000 + (at * 7919 + salt * 104_729) % 40_000).collect()
}

/// Stem, two rests of 16, four responses: prompt and response as given.
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

fn main() -> Result<(), ModelError> {
    let path = std::env::args().nth(1).unwrap_or_default();
    let (mut checkpoint, _, _) = ModelFiles::open(Path::new(&path))?;
    let config = checkpoint.config.clone();
    let device = iopo_model::device::device("flex")?;
    let start = Instant::now();
    let decoder =
        Decoder::from_tensors(&config, &device, |name, shape| checkpoint.tensor(name, shape))?;
    println!("load {:.2} s", start.elapsed().as_secs_f64());
    let lora = decoder.clone().with_lora(&LoraConfig::default(), 0)?;
    for (prompt, response) in [(64, 64), (256, 128)] {
        let (layout, targets) = group(prompt, response)?;
        for _ in 0..3 {
            let start = Instant::now();
            lora.response_logps(&layout, &targets)?;
            let forward = start.elapsed().as_secs_f64();
            let start = Instant::now();
            lora.response_logps_and_grads::<ModelError>(&layout, &targets, |logps| {
                Ok(vec![0.01; logps.len()])
            })?;
            println!(
                "prompt {prompt} response {response}: {} tokens, forward {forward:.2} s, step {:.2} s",
                layout.token_count(),
                start.elapsed().as_secs_f64()
            );
        }
    }
    for batch in [1, 16, 64] {
        let prompts: Vec<Prompt> = (0..batch)
            .map(|row| Prompt { tokens: tokens(60, row), sampling: Sampling::greedy(32) })
            .collect();
        let start = Instant::now();
        decoder.generate(&prompts, &[], &Silent)?;
        let seconds = start.elapsed().as_secs_f64();
        println!(
            "decode batch {batch}: {:.0} tokens/s with prefill",
            f64::from(batch) * 32.0 / seconds
        );
    }
    Ok(())
}

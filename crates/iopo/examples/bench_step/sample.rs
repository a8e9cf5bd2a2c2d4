//! Sampling of answers to tasks, as synthesis does it.

use std::fs;
use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use iopo::llm::{Message, Quantization, Sampling, Silent};
use iopo::model::{
    ChatModel, Decoder, GenerationRequest, Limits, LoraConfig, ModelError, memory, workers,
};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{On, inputs, median};

/// Flags of `sample`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Hugging Face directory or `.gguf` file.
    model: PathBuf,
    /// Tasks as JSON lines.
    #[arg(long)]
    tasks: PathBuf,
    /// Rows that run at once, over all workers; one task each.
    #[arg(long, default_value_t = 64)]
    rows: usize,
    /// New tokens per row; no stop token ends a text earlier.
    #[arg(long, default_value_t = 96)]
    tokens: usize,
    /// Softmax temperature; 0 decodes greedily.
    #[arg(long, default_value_t = 0.7)]
    temperature: f32,
    /// Probability mass of nucleus sampling.
    #[arg(long, default_value_t = 0.9)]
    top_p: f32,
    /// Sample from the model with a fresh adapter of the default rank.
    #[arg(long)]
    lora: bool,
    /// Sample with weights in 8 bits.
    #[arg(long)]
    int8: bool,
    /// Timed generations, after an untimed one of two tokens.
    #[arg(long, default_value_t = 1)]
    repeat: usize,
}

#[derive(Deserialize)]
struct Task {
    task: String,
}

/// Times sampling with the rows distributed to the workers.
pub(crate) fn run(args: &Args, on: &On) -> Result<Value> {
    let model = ChatModel::load(&args.model, "bench", (&on.device()?, on.dtype), args.rows)?;
    let decoder = model.decoder().clone();
    let decoder = if args.lora {
        decoder.with_lora(&LoraConfig::default(), inputs::ADAPTER_SEED)?
    } else {
        decoder
    };
    let quantization = if args.int8 { Quantization::Int8 } else { Quantization::None };
    let decoder = decoder.quantized(quantization)?;
    let text = fs::read_to_string(&args.tasks)
        .with_context(|| format!("failed to read {}", args.tasks.display()))?;
    let mut prompts = Vec::new();
    for line in text.lines().take(args.rows) {
        let task: Task = serde_json::from_str(line)?;
        prompts.push(model.encode_prompt(&[Message::user(task.task)])?);
    }
    ensure!(prompts.len() == args.rows, "found {} tasks, expected {}", prompts.len(), args.rows);
    let requests = |tokens: usize| -> Vec<GenerationRequest> {
        let of = |(row, prompt): (usize, &Vec<u32>)| GenerationRequest {
            tokens: prompt.clone(),
            sampling: Sampling::greedy(tokens)
                .with_temperature(args.temperature)
                .with_top_p(args.top_p)
                .with_seed(row as u64),
        };
        prompts.iter().enumerate().map(of).collect()
    };
    let count = workers::count(&decoder.device());
    let generate = |requests: &[GenerationRequest]| {
        let shares: Vec<_> = requests.chunks(args.rows.div_ceil(count)).collect();
        workers::map(&decoder.device(), shares, |share| made(&decoder, share))
    };
    generate(&requests(2))?;
    let (all, mut times, mut ids) = (requests(args.tokens), Vec::new(), Vec::new());
    for _ in 0..args.repeat {
        let clock = Instant::now();
        ids = generate(&all)?.concat();
        times.push(clock.elapsed().as_secs_f64());
        on.note(times[times.len() - 1]);
    }
    let tokens: usize = ids.iter().map(Vec::len).sum();
    ensure!(tokens == args.rows * args.tokens, "found {tokens} new tokens");
    Ok(json!({
        "side": "iopo",
        "mode": "sample",
        "device": on.name()?,
        "dtype": on.dtype.name(),
        "rows": args.rows,
        "quantization": quantization,
        "threads": count,
        "prompt_tokens": prompts.iter().map(Vec::len).sum::<usize>(),
        "tokens_per_second": tokens as f64 / median(&times),
        "seconds": median(&times),
        "times": times,
        "first": model.tokenizer().decode(&ids[0], true)?,
        "peak_bytes": memory::peak(),
    }))
}

/// Returns the new tokens of each row.
fn made(decoder: &Decoder, requests: &[GenerationRequest]) -> Result<Vec<Vec<u32>>, ModelError> {
    let limits = Limits::default().with_rows(requests.len());
    let rows = decoder.generate(requests, &[], limits, &Silent)?;
    Ok(rows.into_iter().map(|row| row.tokens).collect())
}

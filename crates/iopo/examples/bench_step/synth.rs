//! Synthesis by rules, with answers from the model.

use std::path::PathBuf;
use std::time::Instant;

use anyhow::Result;
use iopo::llm::Silent;
use iopo::model::{ChatModel, memory};
use iopo::synth::{SynthConfig, synthesize};
use serde_json::{Value, json};

use crate::On;

/// Sequences that a worker generates together.
const BATCH: usize = 16;

/// Flags of `synth`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Hugging Face directory or `.gguf` file.
    model: PathBuf,
    /// Tasks as JSON lines.
    #[arg(long)]
    tasks: PathBuf,
    /// Tasks to use, from the start of the file.
    #[arg(long, default_value_t = 25)]
    count: usize,
    /// Maximum number of tokens of an answer.
    #[arg(long, default_value_t = 96)]
    tokens: usize,
}

/// Times one synthesis, from tasks to written files, without loading the model.
pub(crate) fn run(args: &Args, on: &On) -> Result<Value> {
    let model = ChatModel::load(&args.model, "bench", (&on.device()?, on.dtype), BATCH)?;
    let dir = tempfile::tempdir()?;
    let mut config = SynthConfig::default();
    config.max_tasks = Some(args.count);
    config.tasks_per_part = args.count;
    config.sampling.max_new_tokens = args.tokens;
    let clock = Instant::now();
    let made = synthesize(&args.tasks, dir.path(), &model, None, &config, &Silent)?;
    let seconds = clock.elapsed().as_secs_f64();
    Ok(json!({
        "side": "iopo",
        "mode": "synth",
        "device": on.name()?,
        "dtype": on.dtype.name(),
        "tasks": made.tasks,
        "answers": made.answers,
        "instructions": made.instructions,
        "seconds": seconds,
        "answers_per_second": made.answers as f64 / seconds,
        "rows_per_second": made.instructions as f64 / seconds,
        "peak_bytes": memory::peak(),
    }))
}

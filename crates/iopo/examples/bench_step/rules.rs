//! Speed and memory of synthesis with scripted answers, which take no time.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::time::Instant;

use anyhow::Result;
use iopo::llm::{Scripted, Silent};
use iopo::model::memory;
use iopo::synth::{SynthConfig, synthesize};
use iopo_testing::answers;
use serde_json::{Value, json};

/// Flags of `rules`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Tasks; each has four answers.
    #[arg(long, default_value_t = 2_500)]
    count: usize,
    /// Length of the n-grams that two tasks must not share; a length above that of every answer disables the search.
    #[arg(long)]
    shared_words: Option<usize>,
}

/// Times one synthesis, from tasks to written files.
pub(crate) fn run(args: &Args) -> Result<Value> {
    let dir = tempfile::tempdir()?;
    let tasks = dir.path().join("tasks.jsonl");
    write_tasks(&tasks, args.count)?;
    let mut config = SynthConfig::default();
    if let Some(words) = args.shared_words {
        config.decontamination_ngram = words;
    }
    let model = Scripted::new(answers::natural);
    let before = memory::peak();
    let clock = Instant::now();
    let made = synthesize(&tasks, dir.path(), &model, None, &config, &Silent)?;
    let seconds = clock.elapsed().as_secs_f64();
    let peak = memory::peak();
    let per_row = peak.zip(before).map(|(peak, before)| (peak - before) / made.instructions.max(1));
    Ok(json!({
        "side": "iopo",
        "mode": "rules",
        "tasks": made.tasks,
        "answers": made.answers,
        "instructions": made.instructions,
        "seconds": seconds,
        "rows_per_second": made.instructions as f64 / seconds,
        "peak_bytes": peak,
        "bytes_per_row": per_row,
    }))
}

/// Writes distinct tasks, one per line.
fn write_tasks(path: &Path, count: usize) -> Result<()> {
    let mut file = BufWriter::new(File::create(path)?);
    for index in 0..count {
        let line = json!({ "id": format!("task-{index:07}"), "task": format!("Write about number {index}.") });
        writeln!(file, "{line}")?;
    }
    Ok(file.flush()?)
}

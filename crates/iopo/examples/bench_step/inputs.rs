//! The inputs of both sides: weights as a Hugging Face directory, random token ids as JSON.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use iopo::core::FalseCells;
use iopo::model::{Decoder, LoraConfig, ModelFiles, write_chat_files, write_hf_dir};
use iopo::train::{EncodedGroup, weights};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use crate::On;
use crate::shape::{self, Shape};

/// Groups in a file.
const GROUPS: usize = 8;
/// Prompts in a file, and the tokens of each.
const PROMPTS: (usize, usize) = (64, 60);
/// Tokens that the two instructions of a group do not share: the last constraint and the end of the turn.
const REST: usize = 12;
/// Random seed of the fresh adapters, here and in `step`.
pub(crate) const ADAPTER_SEED: u64 = 0;
/// Maximum number of bytes of one weights file.
const MAX_SHARD: u64 = 5_000_000_000;

/// Flags of `prepare`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Hugging Face directory or `.gguf` file.
    model: PathBuf,
    /// Directory for `model/`, `adapter/`, `prompts.json` and one `groups-PROMPT-RESPONSE.json` per length.
    out: PathBuf,
    /// Tokens of prompt and response, for instance 256+128; can be repeated.
    #[arg(long = "length", value_parser = length, default_value = "64+64")]
    lengths: Vec<(usize, usize)>,
    /// Write random weights of this shape instead of the model's; its tokenizer is kept.
    #[arg(long, value_enum)]
    shape: Option<Shape>,
}

fn length(text: &str) -> Result<(usize, usize), String> {
    let halves = text.split_once('+').and_then(|(prompt, response)| {
        Some((prompt.parse::<usize>().ok()?, response.parse::<usize>().ok()?))
    });
    match halves {
        Some((prompt, response)) if prompt > REST && response > 0 => Ok((prompt, response)),
        _ => Err(format!("expected PROMPT+RESPONSE with a prompt of more than {REST} tokens")),
    }
}

/// A group as token ids.
#[derive(Debug, Serialize, Deserialize)]
struct Ids {
    x1: Vec<u32>,
    x2: Vec<u32>,
    y1: Vec<u32>,
    y2: Vec<u32>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Groups {
    groups: Vec<Ids>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Prompts {
    prompts: Vec<Vec<u32>>,
}

/// Writes the files; an existing model is kept.
pub(crate) fn run(args: &Args, on: &On) -> Result<()> {
    let (mut checkpoint, tokenizer, template) = ModelFiles::open(&args.model)?;
    let config = match args.shape {
        Some(shape) => shape.config()?,
        None => checkpoint.config.clone(),
    };
    let (model, adapter) = (args.out.join("model"), args.out.join("adapter"));
    // `config.json` is written last.
    let existing = model.join("config.json");
    if existing.exists() {
        let stored = read(&existing)?;
        let asked = format!("{:#}\n", config.to_hf_json());
        ensure!(stored == asked, "{} is of another model; remove it", model.display());
    } else {
        for dir in [&model, &adapter] {
            fs::create_dir_all(dir)
                .with_context(|| format!("failed to create {}", dir.display()))?;
        }
        let device = on.device()?;
        let decoder = if args.shape.is_some() {
            Decoder::from_tensors(&config, &device, shape::random())?
        } else {
            let tensor = |name: &str, shape: &[usize]| checkpoint.tensor(name, shape);
            Decoder::from_tensors(&config, &device, tensor)?
        };
        write_chat_files(&model, &tokenizer, &template, &config)?;
        let lora = LoraConfig::default();
        let fresh = decoder.clone().with_lora(&lora, ADAPTER_SEED)?;
        weights::save(&adapter, &fresh, Some(&lora), "none")?;
        write_hf_dir(&model, &decoder, MAX_SHARD)?;
    }
    // The tokens of a file depend on its lengths only.
    let vocab = config.vocab_size as u32;
    let source = |lengths: (usize, usize)| {
        let mut rng = ChaCha8Rng::seed_from_u64(((lengths.0 as u64) << 32) | lengths.1 as u64);
        move |count: usize| -> Vec<u32> { (0..count).map(|_| rng.random_range(0..vocab)).collect() }
    };
    for &(prompt, response) in &args.lengths {
        let mut tokens = source((prompt, response));
        let mut group = || {
            let stem = tokens(prompt - REST);
            let mut instruction = || [stem.clone(), tokens(REST)].concat();
            let (x1, x2) = (instruction(), instruction());
            Ids { x1, x2, y1: tokens(response), y2: tokens(response) }
        };
        let groups = Groups { groups: (0..GROUPS).map(|_| group()).collect() };
        write(&args.out.join(format!("groups-{prompt}-{response}.json")), &groups)?;
    }
    let mut tokens = source(PROMPTS);
    let prompts = Prompts { prompts: (0..PROMPTS.0).map(|_| tokens(PROMPTS.1)).collect() };
    write(&args.out.join("prompts.json"), &prompts)
}

fn write(path: &Path, value: &impl Serialize) -> Result<()> {
    let text = serde_json::to_string(value)?;
    fs::write(path, text).with_context(|| format!("failed to write {}", path.display()))
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("failed to read {}", path.display()))
}

/// Reads the first groups of a file.
pub(crate) fn groups(path: &Path, count: usize) -> Result<Vec<EncodedGroup>> {
    let Groups { groups } = serde_json::from_str(&read(path)?)?;
    let found = groups.len();
    ensure!(
        (1..=found).contains(&count),
        "{} holds {found} groups, expected {count}",
        path.display()
    );
    let encoded = groups.into_iter().take(count).enumerate().map(|(index, ids)| EncodedGroup {
        id: format!("group-{index}"),
        x1: ids.x1,
        x2: ids.x2,
        y1: ids.y1,
        y2: ids.y2,
        false_cells: FalseCells::BOTH,
    });
    Ok(encoded.collect())
}

/// Reads the first prompts of a file.
pub(crate) fn prompts(path: &Path, count: usize) -> Result<Vec<Vec<u32>>> {
    let Prompts { mut prompts } = serde_json::from_str(&read(path)?)?;
    let found = prompts.len();
    ensure!(
        (1..=found).contains(&count),
        "{} holds {found} prompts, expected {count}",
        path.display()
    );
    prompts.truncate(count);
    Ok(prompts)
}

//! A tiny random checkpoint in Hugging Face layout, for smoke runs without a download.
//!
//! Random weights alone would generate random bytes. To give synthesis something to work on, the first hidden dimension
//! carries a constant and the first column of the head the logarithm of a token frequency: the model generates random words
//! with full stops, commas and line breaks, of varying length.

mod tokenizer;
mod weights;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::run_dir;

pub(crate) use tokenizer::Vocabulary;

const HIDDEN: usize = 64;
const LAYERS: usize = 2;
const HEADS: usize = 4;
const KV_HEADS: usize = 2;
const INTERMEDIATE: usize = 128;
const RMS_NORM_EPS: f64 = 1e-5;

/// Returns the checkpoint in `dir`, created if it does not exist. The bytes are always the same.
pub(crate) fn make(dir: &Path) -> Result<PathBuf> {
    if dir.join("config.json").is_file() {
        return Ok(dir.to_path_buf());
    }
    let what = || format!("failed to write the tiny model to {}", dir.display());
    let parent = dir.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(parent).with_context(what)?;
    let scratch = run_dir::scratch().tempdir_in(parent).with_context(what)?;
    let vocabulary = Vocabulary::new();
    let write = |name: &str, bytes: &[u8]| {
        std::fs::write(scratch.path().join(name), bytes).with_context(what)
    };
    write("tokenizer.json", &pretty(&vocabulary.tokenizer())?)?;
    write("tokenizer_config.json", &pretty(&Vocabulary::tokenizer_config())?)?;
    write("model.safetensors", &weights::safetensors(&vocabulary)?)?;
    write("config.json", &pretty(&config(&vocabulary))?)?;
    // An interrupted attempt has no config.json.
    if dir.exists() {
        std::fs::remove_dir_all(dir).with_context(what)?;
    }
    std::fs::rename(scratch.path(), dir).with_context(what)?;
    Ok(dir.to_path_buf())
}

fn config(vocabulary: &Vocabulary) -> Value {
    json!({
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "hidden_act": "silu",
        "hidden_size": HIDDEN,
        "intermediate_size": INTERMEDIATE,
        "num_hidden_layers": LAYERS,
        "num_attention_heads": HEADS,
        "num_key_value_heads": KV_HEADS,
        "head_dim": HIDDEN / HEADS,
        "max_position_embeddings": 2048,
        "rms_norm_eps": RMS_NORM_EPS,
        "rope_theta": 10_000.0,
        "rope_scaling": null,
        "attention_bias": false,
        "mlp_bias": false,
        "tie_word_embeddings": false,
        "torch_dtype": "float32",
        "bos_token_id": Vocabulary::start(),
        "eos_token_id": Vocabulary::end(),
        "pad_token_id": Vocabulary::end(),
        "vocab_size": vocabulary.len(),
    })
}

fn pretty(value: &Value) -> Result<Vec<u8>> {
    serde_json::to_vec_pretty(value).context("failed to write JSON")
}

#[cfg(test)]
mod tests {
    use super::make;

    #[test]
    fn the_checkpoint_has_the_same_bytes_every_time_and_is_not_overwritten() {
        let dir = tempfile::tempdir().expect("temporary directory");
        let [one, two] = ["one", "two"].map(|name| make(&dir.path().join(name)).expect("made"));
        for name in ["config.json", "tokenizer.json", "tokenizer_config.json", "model.safetensors"]
        {
            let [a, b] = [&one, &two].map(|dir| std::fs::read(dir.join(name)).expect("file"));
            assert!(a == b, "{name} differs");
        }
        std::fs::write(one.join("mark"), b"").expect("written");
        make(&one).expect("found");
        assert!(one.join("mark").exists());
    }
}

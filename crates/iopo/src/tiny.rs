//! A tiny random model in Hugging Face layout, for smoke runs without a download.
//!
//! It generates random words with full stops, commas and line breaks, of varying length, so that synthesis has something to
//! work on. For that, the first hidden dimension carries a constant, and the first column of the head holds the logarithm
//! of each token's frequency; random weights alone would generate random bytes.

mod tokenizer;
mod weights;

use std::path::{Path, PathBuf};
use std::{fs, io};

use iopo_core::directories::AtomicDirectory;
use serde_json::{Value, json};

use tokenizer::Vocabulary;

/// Name of the model in a configuration.
pub const NAME: &str = "tiny";

const HIDDEN: usize = 64;
const LAYERS: usize = 2;
const HEADS: usize = 4;
const KV_HEADS: usize = 2;
const INTERMEDIATE: usize = 128;
const RMS_NORM_EPS: f64 = 1e-5;

/// Returns the model in `dir`, created if it does not exist. The bytes are always the same; a changed file is restored.
///
/// # Errors
/// Returns the operating system's error if the files cannot be written, or if `dir` holds other files.
pub fn create(dir: &Path) -> io::Result<PathBuf> {
    let vocabulary = Vocabulary::new();
    let files = [
        ("tokenizer.json", pretty(&vocabulary.tokenizer())?),
        ("tokenizer_config.json", pretty(&Vocabulary::tokenizer_config())?),
        ("model.safetensors", weights::safetensors(&vocabulary).map_err(io::Error::other)?),
        ("config.json", pretty(&config(&vocabulary))?),
    ];
    if dir.join("config.json").is_file() {
        for (name, bytes) in files {
            let path = dir.join(name);
            if fs::read(&path).ok().as_ref() != Some(&bytes) {
                iopo_core::files::write(&path, &bytes)?;
            }
        }
        return Ok(dir.to_path_buf());
    }
    let made = AtomicDirectory::create(dir)?;
    for (name, bytes) in files {
        fs::write(made.path().join(name), bytes)?;
    }
    made.commit()?;
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

fn pretty(value: &Value) -> io::Result<Vec<u8>> {
    Ok(serde_json::to_vec_pretty(value)?)
}

#[cfg(test)]
mod tests {
    use super::create;

    #[test]
    fn the_model_has_the_same_bytes_every_time_and_a_changed_file_is_restored() {
        let dir = tempfile::tempdir().expect("temporary directory");
        let [one, two] =
            ["one", "two"].map(|name| create(&dir.path().join(name)).expect("created"));
        for name in ["config.json", "tokenizer.json", "tokenizer_config.json", "model.safetensors"]
        {
            let [a, b] = [&one, &two].map(|dir| std::fs::read(dir.join(name)).expect("file"));
            assert!(a == b, "{name} differs");
        }
        std::fs::write(one.join("mark"), b"").expect("written");
        std::fs::write(one.join("tokenizer.json"), b"{}").expect("written");
        create(&one).expect("found");
        assert!(one.join("mark").exists());
        let [a, b] =
            [&one, &two].map(|dir| std::fs::read(dir.join("tokenizer.json")).expect("file"));
        assert!(a == b, "not restored");
    }
}

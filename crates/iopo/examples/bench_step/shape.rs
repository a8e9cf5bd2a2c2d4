//! Shapes of published models, for steps with random weights.

use std::path::Path;

use anyhow::Result;
use iopo::model::{ModelConfig, ModelError};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::json;

/// The sizes of a published model.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
pub(crate) enum Shape {
    /// SmolLM2-135M: 30 layers of width 576.
    #[value(name = "smollm2-135m")]
    SmolLm2,
    /// Llama 3.2 1B: 16 layers of width 2048.
    #[value(name = "llama-1b")]
    Llama,
}

impl Shape {
    pub(crate) fn config(self) -> Result<ModelConfig> {
        let [layers, width, wide, heads, keys, vocab] = match self {
            Self::SmolLm2 => [30, 576, 1536, 9, 3, 49_152],
            Self::Llama => [16, 2048, 8192, 32, 8, 128_256],
        };
        let config = json!({
            "model_type": "llama", "architectures": ["LlamaForCausalLM"], "hidden_act": "silu",
            "num_hidden_layers": layers, "hidden_size": width, "intermediate_size": wide,
            "num_attention_heads": heads, "num_key_value_heads": keys, "vocab_size": vocab,
            "max_position_embeddings": 8192, "rms_norm_eps": 1e-5, "rope_theta": 1e5,
            "tie_word_embeddings": true,
        });
        Ok(ModelConfig::from_hf_json(&config, Path::new("config.json"))?)
    }
}

/// Returns a source of weights: small random matrices, and ones for norms.
pub(crate) fn random() -> impl FnMut(&str, &[usize]) -> Result<Vec<f32>, ModelError> {
    let mut rng = ChaCha8Rng::seed_from_u64(0);
    move |_, shape| {
        let count = shape.iter().product();
        Ok(match shape {
            [_] => vec![1.0; count],
            _ => (0..count).map(|_| rng.random_range(-0.03..0.03)).collect(),
        })
    }
}

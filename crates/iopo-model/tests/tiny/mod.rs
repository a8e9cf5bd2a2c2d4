//! A decoder with two small layers and random weights.

use burn::tensor::Device;
use iopo_model::{Decoder, ModelConfig};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

const CONFIG: &str = r#"{
    "architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_act": "silu",
    "vocab_size": 97, "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2,
    "num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 512,
    "rms_norm_eps": 1e-5, "rope_theta": 10000.0, "tie_word_embeddings": true,
    "bos_token_id": 1, "eos_token_id": 2
}"#;

pub(crate) fn decoder() -> Decoder {
    let dir = tempfile::tempdir().expect("temporary directory");
    std::fs::write(dir.path().join("config.json"), CONFIG).expect("written");
    let config = ModelConfig::from_dir(dir.path()).expect("configuration");
    let mut rng = ChaCha8Rng::seed_from_u64(5);
    Decoder::from_tensors(&config, &Device::flex(), |name, shape| {
        let spread = if name.contains("norm") { 0.0 } else { 0.35 };
        let values = (0..shape.iter().product()).map(|_| rng.random_range(-spread..=spread));
        Ok(values.map(|value: f32| if spread == 0.0 { 1.0 } else { value }).collect())
    })
    .expect("decoder")
}

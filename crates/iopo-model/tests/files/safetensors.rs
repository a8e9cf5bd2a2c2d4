//! Writes safetensors files.

use std::path::Path;

use serde_json::{Value, json};

/// Makes a file from a header and data without checking them.
pub(crate) fn raw(header: &[u8], data: &[u8]) -> Vec<u8> {
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend(header);
    bytes.extend(data);
    bytes
}

/// Makes a file with metadata and three tensors of 1 and −2.5, one of each dtype.
pub(crate) fn valid() -> Vec<u8> {
    let header = json!({
        "__metadata__": {"format": "pt"},
        "bf16": {"dtype": "BF16", "shape": [2], "data_offsets": [0, 4]},
        "f16": {"dtype": "F16", "shape": [1, 2], "data_offsets": [4, 8]},
        "f32": {"dtype": "F32", "shape": [2, 1], "data_offsets": [8, 16]},
    });
    let mut data = vec![0x80, 0x3f, 0x20, 0xc0, 0x00, 0x3c, 0x00, 0xc1];
    data.extend(1f32.to_le_bytes());
    data.extend((-2.5f32).to_le_bytes());
    raw(header.to_string().as_bytes(), &data)
}

/// Writes the config.json of a small model, with changes.
pub(crate) fn write_config(dir: &Path, changes: Value) {
    let mut config = json!({
        "model_type": "llama", "vocab_size": 8, "hidden_size": 8, "intermediate_size": 8,
        "num_hidden_layers": 1, "num_attention_heads": 2, "num_key_value_heads": 1,
        "tie_word_embeddings": true,
    });
    if let (Some(config), Value::Object(changes)) = (config.as_object_mut(), changes) {
        config.extend(changes);
    }
    std::fs::write(dir.join("config.json"), config.to_string()).expect("written");
}

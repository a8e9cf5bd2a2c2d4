//! Reads the model's configuration from GGUF metadata.

use super::{Metadata, rope};
use crate::config::{Architecture, ModelConfig, limits};
use crate::error::ModelError;

/// Reads the configuration; `vocab` is the number of embedding rows, `tied` whether there is no output tensor.
pub(super) fn from_metadata(
    metadata: &Metadata,
    vocab: usize,
    tied: bool,
) -> Result<ModelConfig, ModelError> {
    let path = metadata.path();
    let name = metadata.text("general.architecture")?.ok_or_else(|| {
        ModelError::config(path, "general.architecture", Architecture::SUPPORTED, "nothing")
    })?;
    let architecture = Architecture::from_id(name, path)?;
    let key = |part: &str| format!("{name}.{part}");

    refuse_unsupported(metadata, name)?;
    if vocab == 0 || vocab > limits::VOCAB {
        let expected = format!("1 to {} rows", limits::VOCAB);
        return Err(ModelError::config(path, "token_embd.weight", expected, vocab.to_string()));
    }
    let hidden = metadata.required(&key("embedding_length"), limits::WIDTH)?;
    let heads = metadata.required(&key("attention.head_count"), limits::HEADS)?;
    let kv_key = key("attention.head_count_kv");
    let kv_heads = match metadata.size(&kv_key, limits::HEADS)? {
        Some(_) => metadata.required(&kv_key, limits::HEADS)?,
        None => heads,
    };
    let head_dim = metadata.size(&key("attention.key_length"), limits::HEAD_DIM)?;
    let head_dim = head_dim.unwrap_or(hidden / heads);
    for part in ["attention.value_length", "rope.dimension_count"] {
        if let Some(found) = metadata.size(&key(part), limits::HEAD_DIM)?
            && found != head_dim
        {
            return Err(ModelError::unsupported(
                path,
                format!("`{}` = {found} with a head width of {head_dim}", key(part)),
                "use a model whose heads have equal widths and rotate as a whole",
            ));
        }
    }
    let epsilon_key = key("attention.layer_norm_rms_epsilon");
    let epsilon = metadata
        .float(&epsilon_key)?
        .ok_or_else(|| ModelError::config(path, epsilon_key, "a value", "nothing"))?;
    let config = ModelConfig {
        architecture,
        vocab_size: vocab,
        hidden_size: hidden,
        intermediate_size: metadata.required(&key("feed_forward_length"), limits::WIDTH)?,
        num_hidden_layers: metadata.required(&key("block_count"), limits::LAYERS)?,
        num_attention_heads: heads,
        num_key_value_heads: kv_heads,
        head_dim,
        rms_norm_eps: epsilon,
        rope_theta: metadata.float(&key("rope.freq_base"))?.unwrap_or(10_000.0),
        rope_scaling: rope::scaling(metadata, name)?,
        max_position_embeddings: metadata.required(&key("context_length"), limits::POSITIONS)?,
        tie_word_embeddings: tied,
        qkv_bias: architecture.has_qkv_bias(),
        bos_token_id: metadata.id("tokenizer.ggml.bos_token_id")?,
        eos_token_ids: stop_ids(metadata)?,
        pad_token_id: metadata.id("tokenizer.ggml.padding_token_id")?,
    };
    config.validated(path)
}

/// Returns the end-of-text token and, if it differs, the end-of-turn token.
fn stop_ids(metadata: &Metadata) -> Result<Vec<u32>, ModelError> {
    let eos = metadata.id("tokenizer.ggml.eos_token_id")?;
    let eot = metadata.id("tokenizer.ggml.eot_token_id")?.filter(|eot| Some(*eot) != eos);
    Ok(eos.into_iter().chain(eot).collect())
}

fn refuse_unsupported(metadata: &Metadata, name: &str) -> Result<(), ModelError> {
    let path = metadata.path();
    if metadata.size(&format!("{name}.expert_count"), usize::MAX)?.unwrap_or(0) > 0 {
        return Err(ModelError::unsupported(path, "experts", "use a dense model"));
    }
    if metadata.size("split.count", usize::MAX)?.unwrap_or(0) > 1 {
        return Err(ModelError::unsupported(
            path,
            "more than one file",
            "merge the parts into one file (llama.cpp's gguf-split --merge)",
        ));
    }
    Ok(())
}

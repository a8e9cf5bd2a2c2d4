//! Maps GGUF tensor names to Hugging Face names.

use crate::config::ModelConfig;

/// Returns the Hugging Face name of a GGUF tensor; `None` if the decoder has no such parameter.
pub(super) fn hugging_face(name: &str, config: &ModelConfig) -> Option<String> {
    match name {
        "token_embd.weight" => return Some("model.embed_tokens.weight".to_owned()),
        "output_norm.weight" => return Some("model.norm.weight".to_owned()),
        "output.weight" => return Some("lm_head.weight".to_owned()),
        _ => {}
    }
    let (layer, part) = name.strip_prefix("blk.")?.split_once('.')?;
    let number: usize = layer.parse().ok()?;
    if number >= config.num_hidden_layers || number.to_string() != layer {
        return None;
    }
    let (part, kind) = part.rsplit_once('.')?;
    let (part, may_have_bias) = match part {
        "attn_norm" => ("input_layernorm", false),
        "ffn_norm" => ("post_attention_layernorm", false),
        "attn_q" => ("self_attn.q_proj", config.qkv_bias),
        "attn_k" => ("self_attn.k_proj", config.qkv_bias),
        "attn_v" => ("self_attn.v_proj", config.qkv_bias),
        "attn_output" => ("self_attn.o_proj", false),
        "ffn_gate" => ("mlp.gate_proj", false),
        "ffn_up" => ("mlp.up_proj", false),
        "ffn_down" => ("mlp.down_proj", false),
        _ => return None,
    };
    match kind {
        "weight" => {}
        "bias" if may_have_bias => {}
        _ => return None,
    }
    Some(format!("model.layers.{number}.{part}.{kind}"))
}

/// Returns the number of heads if this tensor's rows are interleaved, as for q and k in llama files.
pub(super) fn interleaved_heads(name: &str, config: &ModelConfig) -> Option<usize> {
    if !config.architecture.interleaves_heads() {
        return None;
    }
    match name.rsplit('.').nth(1)? {
        "attn_q" => Some(config.num_attention_heads),
        "attn_k" => Some(config.num_key_value_heads),
        _ => None,
    }
}

//! The size of a micro-batch if the configuration does not give it.

use iopo_model::{Decoder, device, memory};

use crate::estimate::{Estimate, Size};

/// Tokens of a micro-batch on a CPU, and on a GPU whose memory is small or unknown.
const SMALL: usize = 1024;

/// Tokens of a micro-batch on a GPU, largest first.
const LARGE: [usize; 4] = [1 << 14, 1 << 13, 1 << 12, 1 << 11];

/// Returns the maximum number of tokens of a micro-batch: that of the configuration or, without one, 1024 on a CPU, and on a
/// GPU as many as half of its free memory holds.
///
/// On a GPU, a pass of a few groups takes hardly longer than that of one.
pub fn tokens(configured: Option<usize>, decoder: &Decoder) -> usize {
    configured.unwrap_or_else(|| {
        let device = decoder.device();
        if device::in_main_memory(&device) {
            return SMALL;
        }
        memory::obtainable(&device).map_or(SMALL, |free| largest(decoder, free / 2))
    })
}

/// Returns the largest size whose activations fit into some bytes.
fn largest(decoder: &Decoder, bytes: u64) -> usize {
    let activations = |tokens: usize| {
        let size = Size {
            config: decoder.config(),
            weight: decoder.dtype().bytes(),
            trained: 0,
            full: false,
            copies: 0,
            tokens,
            group: tokens.min(SMALL),
            fused_kernels: false,
            at_once: 1,
        };
        Estimate::new(size).kept
    };
    LARGE.into_iter().find(|&tokens| activations(tokens) <= bytes).unwrap_or(SMALL)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use burn::tensor::Device;
    use iopo_model::{Decoder, ModelConfig};
    use serde_json::json;

    use super::{LARGE, SMALL, largest, tokens};

    #[test]
    fn a_micro_batch_grows_with_the_memory_of_a_gpu() {
        let config = json!({
            "model_type": "llama", "vocab_size": 8, "hidden_size": 16, "intermediate_size": 32,
            "num_hidden_layers": 2, "num_attention_heads": 2, "tie_word_embeddings": true,
        });
        let config = ModelConfig::from_hf_json(&config, Path::new("config.json")).expect("a model");
        let zeros = |_: &str, shape: &[usize]| Ok(vec![0.0; shape.iter().product()]);
        let decoder = Decoder::from_tensors(&config, &Device::flex(), zeros).expect("a decoder");
        assert_eq!(tokens(None, &decoder), SMALL);
        assert_eq!(tokens(Some(7), &decoder), 7);
        assert_eq!(largest(&decoder, 0), SMALL);
        assert_eq!(largest(&decoder, u64::MAX), LARGE[0]);
        let sizes: Vec<usize> = (20..40).map(|bits| largest(&decoder, 1 << bits)).collect();
        assert!(sizes.is_sorted() && sizes.contains(&LARGE[2]), "{sizes:?}");
    }
}

//! The size of a micro-batch if the configuration does not give it.

use iopo_model::{Activations, Decoder, device, memory};

use crate::estimate::{Estimate, Size};

/// Tokens of a micro-batch, except on a GPU whose memory holds more.
const SMALL: usize = 1024;

/// Tokens of a micro-batch on a GPU, largest first.
const LARGE: [usize; 4] = [1 << 14, 1 << 13, 1 << 12, 1 << 11];

/// Share of a GPU's memory that an estimate with a larger micro-batch may fill, because estimates are rough.
const FILLED: f64 = 0.5;

/// Returns the memory for training a decoder, in bytes: what the device has left, and what the decoder's weights take; `None`
/// if it is not known.
pub(crate) fn obtainable(decoder: &Decoder, weights: u64) -> Option<u64> {
    let device = decoder.device();
    let left = memory::obtainable(&device)?;
    // In main memory, what the process holds counts already.
    Some(if device::in_main_memory(&device) { left } else { left + weights })
}

/// Returns the maximum number of tokens of a micro-batch: that of the configuration or, without one, 1024, and on a GPU more if
/// its memory holds them. `estimate` returns the memory for a number of tokens, with these activations.
pub(crate) fn tokens(
    configured: Option<usize>,
    decoder: &Decoder,
    activations: Activations,
    estimate: impl Fn(usize) -> Estimate,
) -> usize {
    let on_a_gpu = !device::in_main_memory(&decoder.device());
    let memory = || obtainable(decoder, estimate(SMALL).weights);
    configured.unwrap_or_else(|| match on_a_gpu.then(memory).flatten() {
        Some(bytes) => largest(bytes, |tokens| estimate(tokens).total(activations)),
        None => SMALL,
    })
}

/// Returns the maximum number of tokens of a pass without gradients: that of the configuration or, without one, 1024, and on a
/// GPU more if its memory holds them.
pub fn forward_tokens(configured: Option<usize>, decoder: &Decoder) -> usize {
    tokens(configured, decoder, Activations::Recomputed, |tokens| {
        Estimate::new(Size {
            config: decoder.config(),
            weight: decoder.dtype().bytes(),
            trained: 0,
            full: false,
            copies: 0,
            tokens,
            group: tokens,
            fused_kernels: false,
            at_once: 1,
        })
    })
}

/// Returns the largest size whose memory is within its share of some bytes.
fn largest(bytes: u64, needed: impl Fn(usize) -> u64) -> usize {
    let share = bytes as f64 * FILLED;
    LARGE.into_iter().find(|&tokens| needed(tokens) as f64 <= share).unwrap_or(SMALL)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use burn::tensor::Device;
    use iopo_model::{Decoder, ModelConfig};
    use serde_json::json;

    use super::{LARGE, SMALL, forward_tokens, largest};

    #[test]
    fn a_cpu_has_small_micro_batches_unless_the_configuration_says_otherwise() {
        let config = json!({
            "model_type": "llama", "vocab_size": 8, "hidden_size": 16, "intermediate_size": 32,
            "num_hidden_layers": 2, "num_attention_heads": 2, "tie_word_embeddings": true,
        });
        let config = ModelConfig::from_hf_json(&config, Path::new("config.json")).expect("a model");
        let zeros = |_: &str, shape: &[usize]| Ok(vec![0.0; shape.iter().product()]);
        let decoder = Decoder::from_tensors(&config, &Device::flex(), zeros).expect("a decoder");
        assert_eq!(forward_tokens(None, &decoder), SMALL);
        assert_eq!(forward_tokens(Some(7), &decoder), 7);
    }

    #[test]
    fn a_micro_batch_grows_with_the_memory_of_a_gpu() {
        // A megabyte for each token, beside a gigabyte.
        let needed = |tokens: usize| 1_000_000_000 + 1_000_000 * tokens as u64;
        let of = |gigabytes: u64| largest(gigabytes * 1_000_000_000, needed);
        assert_eq!((of(0), of(6), of(7)), (SMALL, SMALL, LARGE[3]));
        assert_eq!((of(16), of(80)), (LARGE[2], LARGE[0]));
    }
}

//! Estimates of a run's memory and time before its first step.

use iopo_model::{ATTENTION_SCORES, Activations, ModelConfig, head::CHUNK_ELEMENTS};

/// Rough estimate of a run's memory, in bytes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    /// Parameters of the decoder.
    pub parameters: u64,
    /// Trained parameters.
    pub trained: u64,
    /// Weights, in their type.
    pub weights: u64,
    /// Gradients of every concurrent micro-batch and their sum, the optimizer's moments, and the best weights so far if they
    /// are kept.
    pub optimizer: u64,
    /// Activations of the largest micro-batches without gradient checkpointing.
    pub kept: u64,
    /// Activations of the largest micro-batches with gradient checkpointing.
    pub recomputed: u64,
    /// Share of a step's time that gradient checkpointing adds, counted in matrix products without those of the head.
    pub slowdown: f64,
}

/// The inputs of an estimate.
#[derive(Debug, Clone, Copy)]
pub struct Size<'a> {
    /// The decoder's shape.
    pub config: &'a ModelConfig,
    /// Bytes of a weight.
    pub weight: u64,
    /// Trained parameters: all, or the adapters'.
    pub trained: u64,
    /// Whether all parameters are trained.
    pub full: bool,
    /// Copies of each trained tensor: the optimizer's moments and the best weights so far.
    pub copies: usize,
    /// Tokens of the largest micro-batch.
    pub tokens: usize,
    /// Tokens of its largest group.
    pub group: usize,
    /// Whether the device uses the kernels of `iopo-model`, as flex does: attention has neither a mask nor scores in memory,
    /// and a head of fewer bits is converted to f32 in pieces.
    pub fused_kernels: bool,
    /// Micro-batches that are computed concurrently.
    pub at_once: usize,
}

impl Estimate {
    /// Estimates a training of that size.
    pub fn new(size: Size<'_>) -> Self {
        let Size { config, trained, tokens, .. } = size;
        let (d, ff) = (config.hidden_size as u64, config.intermediate_size as u64);
        let (layers, vocab) = (config.num_hidden_layers as u64, config.vocab_size as u64);
        let queries = (config.num_attention_heads * config.head_dim) as u64;
        let keys = (config.num_key_value_heads * config.head_dim) as u64;
        let linear = 2 * d * queries + 2 * d * keys + 3 * d * ff;
        let matrices = if config.tie_word_embeddings { 1 } else { 2 };
        let parameters = layers * (linear + 2 * d) + matrices * vocab * d + d;
        let (tokens, at_once) = (tokens as u64, size.at_once as u64);
        // Per token and layer: two normalized and two scaled inputs, q, k, v, the output of attention, three buffers of
        // the MLP's width, and the log-sum of each head's scores.
        let heads = config.num_attention_heads as u64;
        let layer = 4 * d + 2 * queries + 2 * keys + 3 * ff + heads;
        // In addition: the gradients of one layer's activations, the hidden states before the head with their gradients,
        // and three copies of one chunk of logits.
        let beside = tokens * (layer + 4 * d) + 3 * (tokens * vocab).min(CHUNK_ELEMENTS as u64);
        // Without kernels, also the mask, and the scores with their gradients.
        let pairs = tokens * size.group as u64;
        let scores = pairs + 4 * (heads * pairs).min(ATTENTION_SCORES as u64);
        let beside = if size.fused_kernels { beside } else { beside + scores };
        // A head of fewer bits is copied to f32, except on flex.
        let copies_head = size.weight < 4 && !size.fused_kernels;
        let beside = if copies_head { beside + vocab * d } else { beside };
        let bytes = |elements: u64| 4 * at_once * elements;
        // Recomputing repeats every product of a layer except the last. Adapters have one backward product for each forward
        // product, trained weights have two.
        let passes = if size.full { 3 } else { 2 };
        Self {
            parameters,
            trained,
            weights: size.weight * parameters,
            optimizer: 4 * trained * (size.copies as u64 + at_once + 1),
            kept: bytes(tokens * layers * layer + beside),
            recomputed: bytes(tokens * (layers * d + layer) + beside),
            slowdown: (linear - d * ff) as f64 / (passes * linear) as f64,
        }
    }

    /// Returns the total in bytes.
    pub fn total(&self, activations: Activations) -> u64 {
        let activations = match activations {
            Activations::Kept => self.kept,
            Activations::Recomputed => self.recomputed,
        };
        self.weights + self.optimizer + activations
    }

    /// Describes the parameters: `134.5 M parameters, 2.44 M trained`.
    pub fn describe(&self) -> String {
        let [parameters, trained] = [self.parameters, self.trained].map(|count| count as f64 / 1e6);
        format!("{parameters:.1} M parameters, {trained:.2} M trained")
    }
}

/// Compares the peak with the estimate: `peak memory of the process 2.1 GB, estimated 1.9 GB`.
pub fn beside(peak: u64, estimated: u64) -> String {
    format!("peak memory of the process {}, estimated {}", gigabytes(peak), gigabytes(estimated))
}

/// Formats bytes: `1.9 GB`.
pub(crate) fn gigabytes(bytes: u64) -> String {
    format!("{:.1} GB", bytes as f64 / 1e9)
}

/// Formats the remaining time, extrapolated from the time so far: `2 h 05 min left`.
pub fn remaining(seconds: f64, done: usize, total: usize) -> String {
    let left = seconds / done.max(1) as f64 * total.saturating_sub(done) as f64;
    format!("{} left", duration(left))
}

/// Formats seconds: `45 s`, `3 min`, `2 h 05 min`.
pub fn duration(seconds: f64) -> String {
    let seconds = seconds.ceil() as u64;
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7200 => format!("{} min", (seconds + 30) / 60),
        _ => format!("{} h {:02} min", seconds / 3600, seconds % 3600 / 60),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use iopo_model::{Activations, ModelConfig};

    use super::{Estimate, Size, beside, remaining};

    /// Returns the configuration of SmolLM2-135M.
    fn config() -> ModelConfig {
        let json = serde_json::json!({
            "model_type": "llama", "vocab_size": 49_152, "hidden_size": 576, "intermediate_size": 1536,
            "num_hidden_layers": 30, "num_attention_heads": 9, "num_key_value_heads": 3, "head_dim": 64,
            "rms_norm_eps": 1e-5, "rope_theta": 1e5, "max_position_embeddings": 8192,
            "tie_word_embeddings": true, "eos_token_id": 2,
        });
        ModelConfig::from_hf_json(&json, Path::new("config.json")).expect("a configuration")
    }

    #[test]
    fn recomputing_keeps_one_input_per_layer() {
        let config = config();
        let size = Size {
            config: &config,
            weight: 4,
            trained: 2_440_000,
            full: false,
            copies: 2,
            tokens: 1036,
            group: 1036,
            fused_kernels: false,
            at_once: 1,
        };
        let estimate = Estimate::new(size);
        assert_eq!(estimate.parameters, 134_515_008);
        assert!((estimate.slowdown - 0.375).abs() < 1e-12, "{}", estimate.slowdown);
        let [kept, recomputed] =
            [Activations::Kept, Activations::Recomputed].map(|kind| estimate.total(kind) as f64);
        assert!(kept > 1.8e9 && recomputed < 1.0e9, "{kept}, {recomputed}");
        let fused_size = Size { fused_kernels: true, ..size };
        let fused = Estimate::new(fused_size);
        // The mask, and four matrices of scores.
        assert_eq!(estimate.kept - fused.kept, 4 * (1 + 4 * 9) * 1036 * 1036);
        // Of a long group, some rows of scores at a time.
        let [long, fused_long] = [size, fused_size]
            .map(|size| Estimate::new(Size { group: 8192, tokens: 8192, ..size }));
        assert_eq!(long.kept - fused_long.kept, 4 * (8192 * 8192 + 4 * (1 << 24)));
        // With a single layer, recomputing saves nothing.
        let mut shallow = config.clone();
        shallow.num_hidden_layers = 1;
        let one = Estimate::new(Size { config: &shallow, ..size });
        assert!(one.recomputed >= one.kept);
        let full = Estimate::new(Size { full: true, trained: 134_515_008, ..size });
        assert!((full.slowdown - 0.25).abs() < 1e-12 && full.kept == estimate.kept);
        assert_eq!(Estimate::new(Size { at_once: 2, ..size }).kept, 2 * estimate.kept);
        // 16-bit weights take half the memory, and the head is copied to f32.
        let half = Estimate::new(Size { weight: 2, ..size });
        assert_eq!(half.weights, estimate.weights / 2);
        assert_eq!(half.kept - estimate.kept, 4 * 49_152 * 576);
        assert_eq!(Estimate::new(Size { weight: 2, ..fused_size }).kept, fused.kept);
    }

    #[test]
    fn the_peak_is_compared_with_the_estimate() {
        let expected = "peak memory of the process 2.1 GB, estimated 1.9 GB";
        assert_eq!(beside(2_100_000_000, 1_900_000_000), expected);
    }

    #[test]
    fn the_remaining_time_is_extrapolated() {
        assert_eq!(remaining(10.0, 1, 4), "30 s left");
        assert_eq!(remaining(60.0, 1, 11), "10 min left");
        assert_eq!(remaining(3600.0, 1, 3), "2 h 00 min left");
    }
}

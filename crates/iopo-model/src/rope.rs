//! Rotary position embedding, halves rotated as in Hugging Face models.

use burn::tensor::{Device, Tensor, TensorData};

use crate::config::ModelConfig;
use crate::kernels::{Angles, Direction};

/// Cosines and sines for a list of positions.
#[derive(Debug, Clone)]
pub(crate) struct Rope(Angles);

/// Angular frequency of each pair, computed in f32 as the reference implementation does.
pub(crate) fn frequencies(config: &ModelConfig) -> Vec<f32> {
    let half = config.head_dim / 2;
    (0..half)
        .map(|pair| {
            let exponent = (2 * pair) as f32 / config.head_dim as f32;
            let frequency = 1.0 / (config.rope_theta as f32).powf(exponent);
            let divisor =
                config.rope_scaling.as_ref().map(|scaling| scaling.divisor(f64::from(frequency)));
            frequency / divisor.unwrap_or(1.0) as f32
        })
        .collect()
}

/// Returns the cosines and sines of all positions, `[positions, half]`.
pub(crate) fn tables(frequencies: &[f32], positions: &[u32]) -> [Vec<f32>; 2] {
    let table = |f: fn(f32) -> f32| {
        let rows = positions.iter().flat_map(|&position| {
            frequencies.iter().map(move |&frequency| f(position as f32 * frequency))
        });
        rows.collect()
    };
    [table(f32::cos), table(f32::sin)]
}

impl Rope {
    pub(crate) fn new(frequencies: &[f32], positions: &[u32], device: &Device) -> Self {
        let shape = [positions.len(), 1, frequencies.len()];
        let [cos, sin] = tables(frequencies, positions)
            .map(|values| Tensor::from_data(TensorData::new(values, shape), device));
        Self(Angles::new(cos, sin))
    }

    /// Rotates every head of every token by the angle of its position.
    ///
    /// # Shapes
    /// `[tokens, heads · head_dim]` → the same.
    pub(crate) fn rotate(&self, x: Tensor<2>) -> Tensor<2> {
        self.0.rotate(x, Direction::Forward)
    }

    /// Rotates the first `heads` heads of every token, or back. `heads` is the same in all layers.
    ///
    /// # Shapes
    /// `[tokens, all heads · head_dim]` → the same.
    pub(crate) fn rotate_first(
        &self,
        x: Tensor<2>,
        heads: usize,
        direction: Direction,
    ) -> Tensor<2> {
        self.0.rotate_first(x, heads, direction)
    }

    /// Rotates back. Used for gradients.
    pub(crate) fn rotate_back(&self, x: Tensor<2>) -> Tensor<2> {
        self.0.rotate(x, Direction::Back)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use serde_json::json;

    use super::frequencies;
    use crate::ModelConfig;

    #[test]
    fn linear_scaling_divides_every_frequency_as_in_transformers() {
        let of = |rotary: serde_json::Value| {
            let mut config = json!({
                "model_type": "llama", "vocab_size": 8, "hidden_size": 16, "intermediate_size": 8,
                "num_hidden_layers": 1, "num_attention_heads": 2, "rope_theta": 5e5,
            });
            config["rope_scaling"] = rotary;
            let config = ModelConfig::from_hf_json(&config, Path::new("config.json"));
            frequencies(&config.expect("a model"))
        };
        // Made with transformers 5.24: `LlamaRotaryEmbedding(config).inv_freq`.
        let expected = [0.5, 0.018_803_02, 0.000_707_106_8, 0.000_026_591_48];
        let scaled = of(json!({"type": "linear", "factor": 2.0}));
        let close = |a: f32, b: f32| (a - b).abs() <= 1e-5 * b;
        assert!(scaled.iter().zip(expected).all(|(a, b)| close(*a, b)), "{scaled:?}");
        assert_eq!(scaled.len(), expected.len());
        // Negative control: without scaling, the frequencies are twice as high.
        assert!(of(json!(null)).iter().zip(&scaled).all(|(a, b)| close(*a, 2.0 * b)));
    }
}

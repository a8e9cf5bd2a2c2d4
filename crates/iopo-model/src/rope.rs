//! Rotary position embedding, halves rotated as in Hugging Face models.

use burn::tensor::{Device, Tensor, TensorData};

use crate::config::ModelConfig;
use crate::kernels::rotate;

/// Cosines and sines for a list of positions.
#[derive(Debug, Clone)]
pub(crate) struct Rope {
    /// `[tokens, 1, head_dim / 2]`.
    cos: Tensor<3>,
    sin: Tensor<3>,
    /// The negative sines.
    back: Tensor<3>,
}

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

impl Rope {
    pub(crate) fn new(frequencies: &[f32], positions: &[u32], device: &Device) -> Self {
        let table = |f: fn(f32) -> f32| {
            let values: Vec<f32> = positions
                .iter()
                .flat_map(|&position| {
                    frequencies.iter().map(move |&frequency| f(position as f32 * frequency))
                })
                .collect();
            Tensor::from_data(
                TensorData::new(values, [positions.len(), 1, frequencies.len()]),
                device,
            )
        };
        let sin = table(f32::sin);
        Self { cos: table(f32::cos), back: sin.clone().neg(), sin }
    }

    /// Rotates every head of every token by the angle of its position.
    ///
    /// # Shapes
    /// `[tokens, heads · head_dim]` → the same.
    pub(crate) fn rotate(&self, x: Tensor<2>) -> Tensor<2> {
        rotate(x, &self.cos, &self.sin)
    }

    /// Rotates back, the transpose of [`Rope::rotate`]. Used for gradients.
    pub(crate) fn rotate_back(&self, x: Tensor<2>) -> Tensor<2> {
        rotate(x, &self.cos, &self.back)
    }
}

//! Merges an adapter into the weights.

use burn::module::Param;

use crate::Decoder;
use crate::dtype::wide;

impl Decoder {
    /// Returns a decoder without an adapter whose weights are `W + scale·B·A`.
    ///
    /// Its output equals this decoder's up to rounding.
    #[must_use]
    pub fn merged(&self) -> Self {
        // Rounded weights would be those without the adapter.
        let mut merged = self.without_quantization();
        for layer in &mut merged.layers {
            layer.unjoin();
            for (_, projection) in layer.projections_mut() {
                if let Some(lora) = projection.lora.take() {
                    let change = lora.b.val().matmul(lora.a.val()).mul_scalar(lora.scale);
                    let weight = wide(projection.weight.val()) + change;
                    projection.weight = Param::initialized(projection.weight.id, weight);
                }
            }
        }
        merged
    }
}

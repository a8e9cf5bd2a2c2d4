//! Adapters folded into the weights that they lie beside.

use burn::module::Param;

use crate::Decoder;
use crate::dtype::wide;

impl Decoder {
    /// The decoder whose weights are `W + scale·B·A`, without an adapter: it says the same, up to rounding, and
    /// needs nothing beside it.
    #[must_use]
    pub fn merged(&self) -> Self {
        let mut merged = self.clone();
        for layer in &mut merged.layers {
            for projection in layer.projections_mut() {
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

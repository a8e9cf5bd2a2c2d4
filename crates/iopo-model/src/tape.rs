//! Gradient checkpointing: keeps or recomputes a layer's activations.

use burn::tensor::Tensor;

use crate::layer::{DecoderLayer, LayerTape, Pass};

/// Whether activations are kept for the backward pass or recomputed in it, which is gradient checkpointing.
///
/// The gradients are the same, bit for bit on a device whose matrix products are deterministic.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Activations {
    /// Keeps the activations of all layers. Faster.
    #[default]
    Kept,
    /// Keeps each layer's input only and recomputes the rest in the backward pass (Chen et al. 2016, arXiv 1604.06174), so
    /// that one layer's activations exist at a time. Slower, with much less memory; `docs/decisions/0011-gradient-checkpointing.md`
    /// has measurements.
    Recomputed,
}

/// A layer's state between the two passes.
#[derive(Debug)]
pub(crate) enum Kept {
    Tape(Box<LayerTape>),
    /// `[tokens, d_model]`.
    Input(Box<Tensor<2>>),
}

impl Kept {
    /// Returns a layer's output and the state to keep.
    pub(crate) fn forward(
        layer: &DecoderLayer,
        x: Tensor<2>,
        pass: &Pass<'_>,
        activations: Activations,
    ) -> (Tensor<2>, Self) {
        match activations {
            Activations::Kept => {
                let (y, tape) = layer.forward(x, pass);
                (y, Self::Tape(Box::new(tape)))
            }
            Activations::Recomputed => (layer.prefill(x.clone(), pass).0, Self::Input(Box::new(x))),
        }
    }

    /// Returns the activations that the layer's backward pass reads.
    pub(crate) fn into_tape(self, layer: &DecoderLayer, pass: &Pass<'_>) -> LayerTape {
        match self {
            Self::Tape(tape) => *tape,
            Self::Input(x) => layer.tape(*x, pass).1,
        }
    }
}

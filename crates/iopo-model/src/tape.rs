//! What the forward pass keeps of a layer for the backward pass.

use burn::tensor::Tensor;

use crate::layer::{DecoderLayer, LayerTape, Pass};

/// What becomes of the layers' activations between the forward and the backward pass. The gradients are the same
/// either way, bit for bit where the device gives the same product twice; memory and time are not.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Activations {
    /// Those of all layers are kept.
    #[default]
    Kept,
    /// Each layer's input alone is kept, and the rest computed again when the backward pass comes to the layer
    /// (Chen et al. 2016, arXiv 1604.06174), so that one layer's activations exist at a time.
    Recomputed,
}

/// One layer between the two passes.
#[derive(Debug)]
pub(crate) enum Kept {
    Tape(Box<LayerTape>),
    /// `[tokens, d_model]`.
    Input(Box<Tensor<2>>),
}

impl Kept {
    /// A layer's output, and what is kept of it.
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

    /// What the backward pass of the layer needs.
    pub(crate) fn into_tape(self, layer: &DecoderLayer, pass: &Pass<'_>) -> LayerTape {
        match self {
            Self::Tape(tape) => *tape,
            Self::Input(x) => layer.tape(*x, pass).1,
        }
    }
}

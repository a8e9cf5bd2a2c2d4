//! The gated feed-forward block.

use burn::module::Module;
use burn::tensor::Tensor;

use crate::grads::Grads;
use crate::kernels::{swiglu, swiglu_backward};
use crate::linear::{Projection, ProjectionTape};

/// Computes `down(silu(gate(x)) · up(x))` (Shazeer 2020, arXiv 2002.05202).
#[derive(Module, Debug)]
pub(crate) struct SwiGlu {
    pub(crate) gate: Projection,
    pub(crate) up: Projection,
    pub(crate) down: Projection,
}

/// State kept for the backward pass.
#[derive(Debug, Clone)]
pub(crate) struct SwiGluTape {
    gate: Tensor<2>,
    up: Tensor<2>,
    gate_tape: ProjectionTape,
    up_tape: ProjectionTape,
    down_tape: ProjectionTape,
}

impl SwiGlu {
    /// Returns the state for the backward pass, without computing the output.
    ///
    /// # Shapes
    /// `[tokens, d_model]`.
    pub(crate) fn tape(&self, x: Tensor<2>) -> SwiGluTape {
        let (gate, gate_tape) = self.gate.forward(x.clone());
        let (up, up_tape) = self.up.forward(x);
        let down_tape = self.down.tape(swiglu(&gate, &up));
        SwiGluTape { gate, up, gate_tape, up_tape, down_tape }
    }

    /// Returns the output, added to `onto`.
    ///
    /// # Shapes
    /// `[tokens, d_model]` → the same.
    pub(crate) fn output_onto(&self, tape: &SwiGluTape, onto: Tensor<2>) -> Tensor<2> {
        self.down.output_onto(&tape.down_tape, Some(onto))
    }

    /// Returns the input's gradient and adds the parameters' gradients to `grads`.
    pub(crate) fn backward(&self, tape: SwiGluTape, dy: Tensor<2>, grads: &mut Grads) -> Tensor<2> {
        let dhidden = self.down.backward(tape.down_tape, dy, None, grads);
        let (dgate, dup) = swiglu_backward(&tape.gate, &tape.up, &dhidden);
        let dx = self.gate.backward(tape.gate_tape, dgate, None, grads);
        self.up.backward(tape.up_tape, dup, Some(dx), grads)
    }
}

//! The gated feed-forward block.

use burn::module::Module;
use burn::tensor::Tensor;
use burn::tensor::activation::sigmoid;

use crate::grads::Grads;
use crate::linear::{Projection, ProjectionTape};

/// `down(silu(gate(x)) · up(x))` (Shazeer 2020, arXiv 2002.05202).
#[derive(Module, Debug)]
pub(crate) struct SwiGlu {
    pub(crate) gate: Projection,
    pub(crate) up: Projection,
    pub(crate) down: Projection,
}

/// What the backward pass needs.
#[derive(Debug, Clone)]
pub(crate) struct SwiGluTape {
    gate: Tensor<2>,
    gate_sigmoid: Tensor<2>,
    up: Tensor<2>,
    gate_tape: ProjectionTape,
    up_tape: ProjectionTape,
    down_tape: ProjectionTape,
}

impl SwiGlu {
    /// # Shapes
    /// `[tokens, d_model]` → `[tokens, d_model]`.
    pub(crate) fn forward(&self, x: Tensor<2>) -> (Tensor<2>, SwiGluTape) {
        let (gate, gate_tape) = self.gate.forward(x.clone());
        let (up, up_tape) = self.up.forward(x);
        let gate_sigmoid = sigmoid(gate.clone());
        let (y, down_tape) = self.down.forward(gate.clone() * gate_sigmoid.clone() * up.clone());
        (y, SwiGluTape { gate, gate_sigmoid, up, gate_tape, up_tape, down_tape })
    }

    /// The input's gradient; the parameters' go into `grads`.
    pub(crate) fn backward(&self, tape: SwiGluTape, dy: Tensor<2>, grads: &mut Grads) -> Tensor<2> {
        let dhidden = self.down.backward(tape.down_tape, dy, grads);
        let silu = tape.gate.clone() * tape.gate_sigmoid.clone();
        let dup = dhidden.clone() * silu.clone();
        // silu′ = σ·(1 + g·(1 − σ)) = σ + silu·(1 − σ)
        let slope = tape.gate_sigmoid.clone() + silu.clone() - silu * tape.gate_sigmoid;
        let dgate = dhidden * tape.up * slope;
        self.gate.backward(tape.gate_tape, dgate, grads)
            + self.up.backward(tape.up_tape, dup, grads)
    }
}

//! The gated feed-forward block.

use std::sync::Arc;

use burn::module::Module;
use burn::tensor::Tensor;

use crate::grads::Grads;
use crate::joint::{Joint, JointTape};
use crate::kernels::{swiglu, swiglu_backward};
use crate::linear::{Projection, ProjectionTape};

/// Computes `down(silu(gate(x)) · up(x))` (Shazeer 2020, arXiv 2002.05202).
#[derive(Module, Debug)]
pub(crate) struct SwiGlu {
    pub(crate) gate: Projection,
    pub(crate) up: Projection,
    pub(crate) down: Projection,
    /// gate and up with joined weights.
    #[module(skip)]
    pub(crate) joint: Option<Arc<Joint>>,
}

/// State kept for the backward pass.
#[derive(Debug, Clone)]
pub(crate) struct SwiGluTape {
    gate: Tensor<2>,
    up: Tensor<2>,
    inner: InnerTape,
    down_tape: ProjectionTape,
}

/// State kept for the backward pass of gate and up.
#[derive(Debug, Clone)]
enum InnerTape {
    Apart(Box<[ProjectionTape; 2]>),
    Joint(Arc<Joint>, Box<JointTape>),
}

impl SwiGlu {
    /// Returns the state for the backward pass, without computing the output.
    ///
    /// # Shapes
    /// `[tokens, d_model]`.
    pub(crate) fn tape(&self, x: Tensor<2>) -> SwiGluTape {
        let (gate, up, inner) = if let Some(joint) = &self.joint
            && let Some((both, tape)) = joint.forward(&x, &[&self.gate, &self.up])
        {
            let half = both.dims()[1] / 2;
            let (gate, up) = (both.clone().narrow(1, 0, half), both.narrow(1, half, half));
            (gate, up, InnerTape::Joint(joint.clone(), Box::new(tape)))
        } else {
            let (gate, gate_tape) = self.gate.forward(x.clone());
            let (up, up_tape) = self.up.forward(x);
            (gate, up, InnerTape::Apart(Box::new([gate_tape, up_tape])))
        };
        let down_tape = self.down.tape(swiglu(&gate, &up));
        SwiGluTape { gate, up, inner, down_tape }
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
        match tape.inner {
            InnerTape::Apart(tapes) => {
                let [gate, up] = *tapes;
                let dx = self.gate.backward(gate, dgate, None, grads);
                self.up.backward(up, dup, Some(dx), grads)
            }
            InnerTape::Joint(joint, tape) => {
                let both = Tensor::cat(vec![dgate, dup], 1);
                joint.backward(*tape, both, &[&self.gate, &self.up], grads)
            }
        }
    }

    /// Joins the frozen weights of gate and up on devices without this crate's kernels, unless that is done.
    pub(crate) fn join(&mut self) {
        if self.joint.is_none() {
            self.joint = Joint::new(&mut [&mut self.gate, &mut self.up]).map(Arc::new);
        }
    }

    /// Computes gate and up as one, if they are joined and their adapters allow it.
    pub(crate) fn adapt(&mut self) {
        if let Some(joint) = &mut self.joint {
            Arc::make_mut(joint).adapt(&[&self.gate, &self.up]);
        }
    }
}

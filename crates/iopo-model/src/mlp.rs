//! The gated feed-forward block.

use std::sync::Arc;

use burn::module::Module;
use burn::tensor::Tensor;

use crate::grads::Grads;
use crate::joint::{Joint, JointTape};
use crate::kernels::{swiglu, swiglu_backward, swiglu_joint, swiglu_joint_backward};
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
    inner: InnerTape,
    down_tape: ProjectionTape,
}

/// State kept for the backward pass of gate and up, with their outputs.
#[derive(Debug, Clone)]
enum InnerTape {
    Apart(Box<([Tensor<2>; 2], [ProjectionTape; 2])>),
    /// The outputs side by side.
    Joint(Arc<Joint>, Box<(Tensor<2>, JointTape)>),
}

impl SwiGlu {
    /// Returns the state for the backward pass, without computing the output.
    ///
    /// # Shapes
    /// `[tokens, d_model]`.
    pub(crate) fn tape(&self, x: Tensor<2>) -> SwiGluTape {
        let (hidden, inner) = if let Some(joint) = &self.joint
            && let Some((both, tape)) = joint.forward(&x, &[&self.gate, &self.up])
        {
            (swiglu_joint(&both), InnerTape::Joint(joint.clone(), Box::new((both, tape))))
        } else {
            let (gate, gate_tape) = self.gate.forward(x.clone());
            let (up, up_tape) = self.up.forward(x);
            let hidden = swiglu(&gate, &up);
            (hidden, InnerTape::Apart(Box::new(([gate, up], [gate_tape, up_tape]))))
        };
        SwiGluTape { inner, down_tape: self.down.tape(hidden) }
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
        match tape.inner {
            InnerTape::Apart(apart) => {
                let ([gate, up], [gate_tape, up_tape]) = *apart;
                let (dgate, dup) = swiglu_backward(&gate, &up, &dhidden);
                drop((gate, up, dhidden));
                let dx = self.gate.backward(gate_tape, dgate, None, grads);
                self.up.backward(up_tape, dup, Some(dx), grads)
            }
            InnerTape::Joint(joint, tape) => {
                let (both, tape) = *tape;
                let gradients = swiglu_joint_backward(&both, &dhidden);
                drop((both, dhidden));
                joint.backward(tape, gradients, &[&self.gate, &self.up], grads)
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

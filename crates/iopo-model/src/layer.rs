//! A decoder layer: attention and feed-forward block, each with a pre-norm and a residual connection.

use std::cell::OnceCell;

use burn::module::Module;
use burn::tensor::{Device, Tensor};

use crate::attention::{self, AttentionTape, Dense, Heads};
use crate::grads::Grads;
use crate::layout::Layout;
use crate::linear::{Projection, ProjectionTape};
use crate::mlp::{SwiGlu, SwiGluTape};
use crate::norm::{RmsNorm, RmsNormTape};
use crate::rope::Rope;

/// A pre-norm decoder layer.
#[derive(Module, Debug)]
pub(crate) struct DecoderLayer {
    pub(crate) input_norm: RmsNorm,
    pub(crate) q: Projection,
    pub(crate) k: Projection,
    pub(crate) v: Projection,
    pub(crate) o: Projection,
    pub(crate) post_norm: RmsNorm,
    pub(crate) mlp: SwiGlu,
}

/// State shared by all layers in one pass.
pub(crate) struct Pass<'a> {
    pub(crate) layout: &'a Layout,
    /// Made where no kernel applies.
    pub(crate) dense: OnceCell<Dense>,
    pub(crate) rope: Rope,
    pub(crate) heads: Heads,
}

impl Pass<'_> {
    fn dense(&self, device: &Device) -> &Dense {
        self.dense.get_or_init(|| Dense::new(self.layout, device))
    }
}

/// State kept for the backward pass.
#[derive(Debug, Clone)]
pub(crate) struct LayerTape {
    input_norm: RmsNormTape,
    q: ProjectionTape,
    k: ProjectionTape,
    v: ProjectionTape,
    attention: AttentionTape,
    o: ProjectionTape,
    post_norm: RmsNormTape,
    mlp: SwiGluTape,
}

/// Rotated keys and values of one layer, flat.
pub(crate) struct KeysValues {
    /// `[tokens, kv_heads · head_dim]`.
    pub(crate) keys: Tensor<2>,
    pub(crate) values: Tensor<2>,
}

impl DecoderLayer {
    /// # Shapes
    /// `[tokens, d_model]` → `[tokens, d_model]`.
    pub(crate) fn forward(&self, x: Tensor<2>, pass: &Pass<'_>) -> (Tensor<2>, LayerTape) {
        let (x, tape) = self.tape(x, pass);
        (self.mlp.output_onto(&tape.mlp, x), tape)
    }

    /// Returns the state for the backward pass and the residual sum, without computing the feed-forward block's output,
    /// which the backward pass does not read.
    pub(crate) fn tape(&self, x: Tensor<2>, pass: &Pass<'_>) -> (Tensor<2>, LayerTape) {
        let device = x.device();
        let (normed, input_norm) = self.input_norm.forward(&x);
        let (q, q_tape) = self.q.forward(normed.clone());
        let (k, k_tape) = self.k.forward(normed.clone());
        let (v, v_tape) = self.v.forward(normed);
        let (q, k) = (pass.rope.rotate(q), pass.rope.rotate(k));
        let dense = || pass.dense(&device);
        let (mixed, attention) = attention::forward(q, k, v, pass.layout, dense, pass.heads);
        let o_tape = self.o.tape(mixed);
        let x = self.o.output_onto(&o_tape, Some(x));
        let (normed, post_norm) = self.post_norm.forward(&x);
        let mlp = self.mlp.tape(normed);
        let tape = LayerTape {
            input_norm,
            q: q_tape,
            k: k_tape,
            v: v_tape,
            attention,
            o: o_tape,
            post_norm,
            mlp,
        };
        (x, tape)
    }

    /// Returns the input's gradient and adds the parameters' gradients to `grads`.
    pub(crate) fn backward(
        &self,
        tape: LayerTape,
        dy: Tensor<2>,
        pass: &Pass<'_>,
        grads: &mut Grads,
    ) -> Tensor<2> {
        let (full, device) = (grads.full(), dy.device());
        let dnormed = self.mlp.backward(tape.mlp, dy.clone(), grads);
        let (dy, dgamma) = self.post_norm.backward(&tape.post_norm, &dnormed, dy, full);
        if let Some(dgamma) = dgamma {
            grads.add(&self.post_norm.gamma, dgamma);
        }
        let dmixed = self.o.backward(tape.o, dy.clone(), None, grads);
        let dense = || pass.dense(&device);
        let [dq, dk, dv] =
            attention::backward(tape.attention, &dmixed, pass.layout, dense, pass.heads);
        let (dq, dk) = (pass.rope.rotate_back(dq), pass.rope.rotate_back(dk));
        let dnormed = self.q.backward(tape.q, dq, None, grads);
        let dnormed = self.k.backward(tape.k, dk, Some(dnormed), grads);
        let dnormed = self.v.backward(tape.v, dv, Some(dnormed), grads);
        let (dx, dgamma) = self.input_norm.backward(&tape.input_norm, &dnormed, dy, full);
        if let Some(dgamma) = dgamma {
            grads.add(&self.input_norm.gamma, dgamma);
        }
        dx
    }

    /// Runs the forward pass for inference and returns keys and values for the cache.
    pub(crate) fn prefill(&self, x: Tensor<2>, pass: &Pass<'_>) -> (Tensor<2>, KeysValues) {
        let device = x.device();
        let (normed, _) = self.input_norm.forward(&x);
        let keys = pass.rope.rotate(self.k.forward(normed.clone()).0);
        let values = self.v.forward(normed.clone()).0;
        let q = pass.rope.rotate(self.q.forward(normed).0);
        let dense = || pass.dense(&device);
        let (mixed, _) =
            attention::forward(q, keys.clone(), values.clone(), pass.layout, dense, pass.heads);
        let x = self.o.output_onto(&self.o.tape(mixed), Some(x));
        let (normed, _) = self.post_norm.forward(&x);
        (self.mlp.output_onto(&self.mlp.tape(normed), x), KeysValues { keys, values })
    }
}

//! A decoder layer: attention and feed-forward block, each with a pre-norm and a residual connection.

use std::cell::OnceCell;
use std::sync::Arc;

use burn::module::Module;
use burn::tensor::{Device, Tensor};

use crate::attention::{self, AttentionTape, Dense, Heads};
use crate::grads::Grads;
use crate::joint::{Joint, JointTape};
use crate::kernels::Direction;
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
    /// q, k and v with joined weights.
    #[module(skip)]
    pub(crate) joint: Option<Arc<Joint>>,
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
    projected: ProjectedTape,
    attention: AttentionTape,
    o: ProjectionTape,
    post_norm: RmsNormTape,
    mlp: SwiGluTape,
}

/// State kept for the backward pass of q, k and v.
#[derive(Debug, Clone)]
pub(crate) enum ProjectedTape {
    Apart(Box<[ProjectionTape; 3]>),
    Joint(Arc<Joint>, Box<JointTape>),
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
        let ([q, k, v], projected) = self.projected(normed, &pass.rope, pass.heads);
        let dense = || pass.dense(&device);
        let (mixed, attention) = attention::forward(q, k, v, pass.layout, dense, pass.heads);
        let o_tape = self.o.tape(mixed);
        let x = self.o.output_onto(&o_tape, Some(x));
        let (normed, post_norm) = self.post_norm.forward(&x);
        let mlp = self.mlp.tape(normed);
        let tape = LayerTape { input_norm, projected, attention, o: o_tape, post_norm, mlp };
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
        let gradients =
            attention::backward(tape.attention, &dmixed, pass.layout, dense, pass.heads);
        let dnormed = self.projected_backward(tape.projected, gradients, pass, grads);
        let (dx, dgamma) = self.input_norm.backward(&tape.input_norm, &dnormed, dy, full);
        if let Some(dgamma) = dgamma {
            grads.add(&self.input_norm.gamma, dgamma);
        }
        dx
    }

    /// Returns rotated queries, rotated keys, and values.
    ///
    /// # Shapes
    /// `[tokens, d_model]` → `[tokens, heads · head_dim]`, twice `[tokens, kv_heads · head_dim]`.
    pub(crate) fn projected(
        &self,
        normed: Tensor<2>,
        rope: &Rope,
        heads: Heads,
    ) -> ([Tensor<2>; 3], ProjectedTape) {
        if let Some(joint) = &self.joint
            && let Some((all, tape)) = joint.forward(&normed, &[&self.q, &self.k, &self.v])
        {
            // All three are views of one rotated tensor, so that the unrotated one is freed.
            let all = rope.rotate_first(all, heads.rotated(), Direction::Forward);
            let [queries, keys] = [heads.kv * heads.group * heads.dim, heads.kv * heads.dim];
            let part = |start, width| all.clone().narrow(1, start, width);
            let (q, k, v) = (part(0, queries), part(queries, keys), part(queries + keys, keys));
            return ([q, k, v], ProjectedTape::Joint(joint.clone(), Box::new(tape)));
        }
        let (q, q_tape) = self.q.forward(normed.clone());
        let (k, k_tape) = self.k.forward(normed.clone());
        let (v, v_tape) = self.v.forward(normed);
        let tape = ProjectedTape::Apart(Box::new([q_tape, k_tape, v_tape]));
        ([rope.rotate(q), rope.rotate(k), v], tape)
    }

    /// Returns the gradient of [`DecoderLayer::projected`]'s input.
    fn projected_backward(
        &self,
        tape: ProjectedTape,
        [dq, dk, dv]: [Tensor<2>; 3],
        pass: &Pass<'_>,
        grads: &mut Grads,
    ) -> Tensor<2> {
        let Pass { rope, heads, .. } = pass;
        let [q, k, v] = match tape {
            ProjectedTape::Apart(tapes) => *tapes,
            ProjectedTape::Joint(joint, tape) => {
                let all = Tensor::cat(vec![dq, dk, dv], 1);
                let all = rope.rotate_first(all, heads.rotated(), Direction::Back);
                return joint.backward(*tape, all, &[&self.q, &self.k, &self.v], grads);
            }
        };
        let (dq, dk) = (rope.rotate_back(dq), rope.rotate_back(dk));
        let dnormed = self.q.backward(q, dq, None, grads);
        let dnormed = self.k.backward(k, dk, Some(dnormed), grads);
        self.v.backward(v, dv, Some(dnormed), grads)
    }

    /// Joins the frozen weights of layers of the same input on devices without this crate's kernels, unless that is done.
    pub(crate) fn join(&mut self) {
        if self.joint.is_none() {
            self.joint = Joint::new(&mut [&mut self.q, &mut self.k, &mut self.v]).map(Arc::new);
        }
        self.mlp.join();
    }

    /// Computes joined layers as one, if their adapters allow it.
    pub(crate) fn adapt(&mut self) {
        if let Some(joint) = &mut self.joint {
            Arc::make_mut(joint).adapt(&[&self.q, &self.k, &self.v]);
        }
        self.mlp.adapt();
    }

    /// Returns whether some weights are joined.
    pub(crate) fn is_joined(&self) -> bool {
        self.joint.is_some() || self.mlp.joint.is_some()
    }

    /// Undoes [`DecoderLayer::join`] before a weight changes.
    pub(crate) fn unjoin(&mut self) {
        self.joint = None;
        self.mlp.joint = None;
    }

    /// Runs the forward pass for inference and returns keys and values for the cache.
    pub(crate) fn prefill(&self, x: Tensor<2>, pass: &Pass<'_>) -> (Tensor<2>, KeysValues) {
        let device = x.device();
        let (normed, _) = self.input_norm.forward(&x);
        let ([q, keys, values], _) = self.projected(normed, &pass.rope, pass.heads);
        let dense = || pass.dense(&device);
        let (mixed, _) =
            attention::forward(q, keys.clone(), values.clone(), pass.layout, dense, pass.heads);
        let x = self.o.output_onto(&self.o.tape(mixed), Some(x));
        let (normed, _) = self.post_norm.forward(&x);
        (self.mlp.output_onto(&self.mlp.tape(normed), x), KeysValues { keys, values })
    }
}

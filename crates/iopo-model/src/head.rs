//! Log-probabilities of response tokens, chunk by chunk, with exact gradients.
//!
//! Logits are computed for predicted tokens only, a few rows at a time. Each row keeps its log-probability and
//! `∂ logp / ∂ hidden`.

use burn::optim::GradientsParams;
use burn::tensor::{IndexingUpdateOp, Tensor, TensorData};

use crate::decoder::index_tensor;
use crate::device::in_process;
use crate::dtype::wide;
use crate::grads::Grads;
use crate::host::to_host;
use crate::kernels::{self, Exponentials, Product, exponentials, product, turned};
use crate::layer::DecoderLayer;
use crate::{Activations, Decoder, Dtype, Layout, ModelError, vocabulary};

/// Tokens to score and the layout rows that predict them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Targets {
    /// Flat row whose hidden state predicts each token.
    pub rows: Vec<usize>,
    /// The predicted tokens.
    pub tokens: Vec<u32>,
}

/// The parameters to train: the adapter only, or every weight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trained {
    Adapters,
    Everything,
}

/// Largest number of logits in memory at once.
pub const CHUNK_ELEMENTS: usize = 1 << 23;

impl Targets {
    fn check(&self, layout: &Layout, vocab: usize) -> Result<(), ModelError> {
        let fail = |reason| Err(ModelError::Layout { reason });
        if self.rows.len() != self.tokens.len() {
            return fail(format!(
                "{} target rows for {} target tokens",
                self.rows.len(),
                self.tokens.len()
            ));
        }
        if self.rows.is_empty() {
            return fail("found no target, expected at least one".to_owned());
        }
        if let Some(row) = self.rows.iter().find(|&&row| row >= layout.token_count()) {
            return fail(format!(
                "target row {row} is outside the {} flat tokens",
                layout.token_count()
            ));
        }
        if let Some(token) = self.tokens.iter().find(|&&token| token as usize >= vocab) {
            return fail(format!("target token {token} is outside the vocabulary of {vocab}"));
        }
        Ok(())
    }
}

/// Scores one chunk: `h [c, d]`, targets `t [c]` → logps `[c]` and, if `gradient` is set,
/// `∂ logp / ∂ h = W[t] − softmax(h·Wᵀ)·W`, `[c, d]`.
fn chunk(
    h: &Tensor<2>,
    w: &Tensor<2>,
    targets: &[u32],
    gradient: bool,
) -> (Tensor<1>, Option<Tensor<2>>) {
    let rows = targets.len();
    let t = index_tensor(targets.iter().map(|&token| i64::from(token)), &h.device());
    // The softmax is over logits in f32.
    let logits = vocabulary::logits(h, w, |h, part| product(h, turned(part)));
    let at = logits.clone().gather(1, t.clone().reshape([rows, 1]));
    let Exponentials { max, exp, sum } = exponentials(&logits);
    let logps = (at - max - sum.clone().log()).reshape([rows]);
    let gradients =
        gradient.then(|| wide(w.clone().select(0, t)) - vocabulary::mixed(&exp, w) / sum);
    (logps, gradients)
}

impl Decoder {
    fn head_pass(
        &self,
        hidden: &Tensor<2>,
        targets: &Targets,
        gradient: bool,
    ) -> Result<(Vec<f32>, Option<Tensor<2>>), ModelError> {
        let w = self.head_param().val();
        // Devices other than flex convert the matrix once for all chunks.
        let w = if in_process(&w.device()) { w } else { wide(w) };
        let size = (CHUNK_ELEMENTS / self.config().vocab_size).max(16);
        let (mut logps, mut gradients) = (Vec::new(), Vec::new());
        for (rows, tokens) in targets.rows.chunks(size).zip(targets.tokens.chunks(size)) {
            let picked = hidden
                .clone()
                .select(0, index_tensor(rows.iter().map(|&row| row as i64), &hidden.device()));
            let (of_chunk, gradient) = chunk(&picked, &w, tokens, gradient);
            logps.push(of_chunk);
            gradients.extend(gradient);
        }
        let gradients = gradient.then(|| Tensor::cat(gradients, 0));
        Ok((to_host(Tensor::cat(logps, 0))?, gradients))
    }

    /// Returns the log-probability of every target token in nats, in the order of `targets`, without gradients.
    ///
    /// # Errors
    /// Returns [`ModelError::Layout`] if a target is outside the layout or the vocabulary.
    pub fn response_logps(
        &self,
        layout: &Layout,
        targets: &Targets,
    ) -> Result<Vec<f32>, ModelError> {
        self.check_exact()?;
        targets.check(layout, self.config().vocab_size)?;
        Ok(self.head_pass(&self.hidden(layout)?, targets, false)?.0)
    }

    /// Returns the log-probabilities and, for a loss on them, the gradient of every trained parameter.
    ///
    /// `coefficients` receives the log-probabilities and returns `∂ loss / ∂ logp`, one per target. The adapter is trained if there is
    /// one, otherwise every parameter.
    ///
    /// # Errors
    /// Returns [`ModelError::Layout`] if a target is outside the layout or the vocabulary, and the error of `coefficients`.
    pub fn response_logps_and_grads<E: From<ModelError>>(
        &self,
        layout: &Layout,
        targets: &Targets,
        activations: Activations,
        coefficients: impl FnOnce(&[f32]) -> Result<Vec<f32>, E>,
    ) -> Result<(Vec<f32>, GradientsParams), E> {
        self.check_exact()?;
        targets.check(layout, self.config().vocab_size)?;
        let trained = if self.has_adapter() { Trained::Adapters } else { Trained::Everything };
        if trained == Trained::Everything && self.dtype() != Dtype::F32 {
            let reason = format!(
                "weights in {} cannot be trained; set `dtype = \"f32\"`, or train an adapter",
                self.dtype().name()
            );
            return Err(ModelError::Other { reason }.into());
        }
        if trained == Trained::Everything && self.layers.iter().any(DecoderLayer::is_joined) {
            let reason = "the weights were declared frozen or had an adapter; load the model again to train them";
            return Err(ModelError::Other { reason: reason.to_owned() }.into());
        }
        let mut grads = Grads::new(trained == Trained::Everything);
        let (hidden, tape) = self.forward(layout, activations)?;
        let (logps, gradients) = self.head_pass(&hidden, targets, true)?;
        let coefficients = coefficients(&logps)?;
        if coefficients.len() != logps.len() {
            let reason =
                format!("found {} coefficients, expected {}", coefficients.len(), logps.len());
            return Err(ModelError::Layout { reason }.into());
        }
        let device = hidden.device();
        let count = coefficients.len();
        let weights: Tensor<2> =
            Tensor::from_data(TensorData::new(coefficients, [count, 1]), &device);
        if trained == Trained::Everything {
            self.head_gradient(&hidden, targets, &weights, &mut grads);
        }
        if let Some(gradients) = gradients {
            let rows = index_tensor(targets.rows.iter().map(|&row| row as i64), &device);
            let dhidden = hidden.zeros_like().select_assign(
                0,
                rows,
                gradients * weights,
                IndexingUpdateOp::Add,
            );
            drop(hidden);
            self.backward(tape, dhidden, &mut grads)?;
        }
        Ok((logps, grads.into_params()))
    }

    /// Returns the head's gradient, `Σ c·(onehot(t) − p)ᵀ·h`.
    ///
    /// Recomputes the logits, because the coefficients are known only after the first pass.
    fn head_gradient(
        &self,
        hidden: &Tensor<2>,
        targets: &Targets,
        weights: &Tensor<2>,
        grads: &mut Grads,
    ) {
        let param = self.head_param();
        let w = param.val();
        let size = (CHUNK_ELEMENTS / self.config().vocab_size).max(16);
        let device = hidden.device();
        let mut sum: Option<Tensor<2>> = None;
        for (at, (rows, tokens)) in
            targets.rows.chunks(size).zip(targets.tokens.chunks(size)).enumerate()
        {
            let picked =
                hidden.clone().select(0, index_tensor(rows.iter().map(|&row| row as i64), &device));
            let t = index_tensor(tokens.iter().map(|&token| i64::from(token)), &device);
            let c = weights.clone().slice([at * size..at * size + rows.len(), 0..1]);
            let logits = product(picked.clone(), turned(w.clone()));
            let Exponentials { exp, sum: total, .. } = exponentials(&logits);
            let p = exp / total;
            let weighted = picked * c;
            let product = Product::new(turned(p), weighted.clone()).times(-1.0);
            let pushed = kernels::sum(sum.take(), &product, None);
            sum = Some(pushed.select_assign(0, t, weighted, IndexingUpdateOp::Add));
        }
        if let Some(sum) = sum {
            grads.add(param, sum);
        }
    }
}

//! Batched generation with a key-value cache.

use burn::tensor::Tensor;
use burn::tensor::activation::softmax;
use iopo_llm::{FinishReason, Progress, Sampling};

use crate::cache::{Columns, LayerCache};
use crate::decoder::index_tensor;
use crate::layer::DecoderLayer;
use crate::layout::Layout;
use crate::rope::Rope;
use crate::sample::Sampler;
use crate::{Decoder, ModelError};

/// One row to be continued.
#[derive(Debug, Clone, PartialEq)]
pub struct Prompt {
    /// The rendered chat, tokenised.
    pub tokens: Vec<u32>,
    /// How to continue it.
    pub sampling: Sampling,
}

/// One continued row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Generated {
    /// The new tokens, the stop token left out.
    pub tokens: Vec<u32>,
    /// Why it ended.
    pub finish_reason: FinishReason,
    /// Tokens generated, the stop token included.
    pub count: usize,
}

/// A row on its way.
struct Row {
    index: usize,
    sampler: Sampler,
    limit: usize,
    tokens: Vec<u32>,
    done: bool,
}

impl Row {
    /// The next token; 0 for a row that is done, `None` where a logit is NaN or infinite.
    fn draw(&mut self, logits: &[f32]) -> Option<u32> {
        if self.done {
            return Some(0);
        }
        // NaN fails the comparison too.
        let sound = logits.iter().all(|logit| *logit < f32::INFINITY);
        sound.then(|| self.sampler.draw(logits))
    }
}

impl Decoder {
    /// Continues every prompt until a stop token or its limit, all of them in one batch.
    ///
    /// # Errors
    /// When a prompt is empty, a token lies outside the vocabulary, or `progress` asks to stop (then
    /// [`ModelError::Cancelled`]).
    pub fn generate(
        &self,
        prompts: &[Prompt],
        stop: &[u32],
        progress: &dyn Progress,
    ) -> Result<Vec<Generated>, ModelError> {
        if let Some(index) = prompts.iter().position(|prompt| prompt.tokens.is_empty()) {
            return Err(ModelError::Generation { reason: format!("prompt {index} is empty") });
        }
        let mut finished: Vec<Option<Generated>> = vec![None; prompts.len()];
        let mut rows = Vec::new();
        for (index, prompt) in prompts.iter().enumerate() {
            let limit = prompt.sampling.max_new_tokens;
            if limit == 0 {
                finished[index] = Some(Generated {
                    tokens: Vec::new(),
                    finish_reason: FinishReason::Length,
                    count: 0,
                });
                progress.advance(1);
            } else {
                let sampler = Sampler::new(&prompt.sampling);
                rows.push(Row { index, sampler, limit, tokens: Vec::new(), done: false });
            }
        }
        if !rows.is_empty() {
            self.run(prompts, rows, stop, progress, &mut finished)?;
        }
        Ok(finished.into_iter().flatten().collect())
    }

    fn run(
        &self,
        prompts: &[Prompt],
        mut rows: Vec<Row>,
        stop: &[u32],
        progress: &dyn Progress,
        finished: &mut [Option<Generated>],
    ) -> Result<(), ModelError> {
        let device = self.device();
        let layout = Layout::sequences(rows.iter().map(|row| prompts[row.index].tokens.clone()))?;
        let lengths: Vec<usize> = rows.iter().map(|row| prompts[row.index].tokens.len()).collect();
        let mut columns = Columns::new(&lengths);
        let (hidden, keys_values) = self.prefill(&layout)?;
        let mut caches: Vec<LayerCache> = keys_values
            .into_iter()
            .map(|flat| LayerCache::new(&flat, &layout, &columns, self.heads()))
            .collect();
        let last = (0..rows.len()).map(|row| layout.position(row, lengths[row] - 1) as i64);
        let mut logits = self.logits(hidden.select(0, index_tensor(last, &device)));
        loop {
            if progress.cancelled() {
                return Err(ModelError::Cancelled);
            }
            let drawn = draw(&mut rows, logits, stop, progress, finished)?;
            let alive: Vec<usize> = (0..rows.len()).filter(|&row| !rows[row].done).collect();
            if alive.is_empty() {
                return Ok(());
            }
            let mut tokens = drawn;
            // Rows that are done are dropped in bulk: copying the caches costs about one step.
            if alive.len() * 8 <= rows.len() * 7 {
                let kept = index_tensor(alive.iter().map(|&row| row as i64), &device);
                for cache in &mut caches {
                    cache.keep(&kept);
                }
                columns.keep(&alive);
                tokens = alive.iter().map(|&row| tokens[row]).collect();
                rows.retain(|row| !row.done);
            }
            let hidden = self.step(&tokens, &mut caches, &columns)?;
            columns.used += 1;
            logits = self.logits(hidden);
        }
    }

    /// One token a row through all layers: `[batch, d_model]`.
    fn step(
        &self,
        tokens: &[u32],
        caches: &mut [LayerCache],
        columns: &Columns,
    ) -> Result<Tensor<2>, ModelError> {
        let rope = self.rope(&columns.next_positions());
        let bias = columns.bias(&self.device());
        let mut x = self.embed(tokens)?;
        for (layer, cache) in self.layers.iter().zip(caches) {
            x = self.layer_step(layer, x, &rope, &bias, cache, columns.used);
        }
        Ok(self.norm.forward(x).0)
    }

    fn layer_step(
        &self,
        layer: &DecoderLayer,
        x: Tensor<2>,
        rope: &Rope,
        bias: &Tensor<4>,
        cache: &mut LayerCache,
        at: usize,
    ) -> Tensor<2> {
        let heads = self.heads();
        let batch = x.dims()[0];
        let (normed, _) = layer.input_norm.forward(x.clone());
        let q = rope.rotate(layer.q.forward(normed.clone()).0);
        let k = rope.rotate(layer.k.forward(normed.clone()).0);
        let v = layer.v.forward(normed).0;
        let column = |x: Tensor<2>| x.reshape([batch, heads.kv, 1, heads.dim]);
        let (keys, values) = cache.push(column(k), column(v), at);
        let q = q.reshape([batch, heads.kv, heads.group, heads.dim]);
        let scores = q.matmul(keys.swap_dims(2, 3)).mul_scalar(heads.scale()) + bias.clone();
        let mixed =
            softmax(scores, 3).matmul(values).reshape([batch, heads.kv * heads.group * heads.dim]);
        let x = x + layer.o.forward(mixed).0;
        let (normed, _) = layer.post_norm.forward(x.clone());
        x + layer.mlp.forward(normed).0
    }
}

/// Draws a token for every row that is not done; finished rows leave their result.
fn draw(
    rows: &mut [Row],
    logits: Tensor<2>,
    stop: &[u32],
    progress: &dyn Progress,
    finished: &mut [Option<Generated>],
) -> Result<Vec<u32>, ModelError> {
    let vocab = logits.dims()[1];
    let logits: Vec<f32> = logits.into_data().convert::<f32>().try_to_vec().map_err(|error| {
        ModelError::Generation { reason: format!("cannot read logits: {error:?}") }
    })?;
    // Each row draws from its own stream, so rows may be drawn at the same time.
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let share = rows.len().div_ceil(threads).max(1);
    let drawn: Vec<Option<u32>> = std::thread::scope(|scope| {
        let workers: Vec<_> = rows
            .chunks_mut(share)
            .zip(logits.chunks(share * vocab))
            .map(|(rows, logits)| {
                scope.spawn(move || -> Vec<Option<u32>> {
                    let pairs = rows.iter_mut().zip(logits.chunks(vocab));
                    pairs.map(|(row, logits)| row.draw(logits)).collect()
                })
            })
            .collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap_or_default()).collect()
    });
    if drawn.len() != rows.len() {
        let reason = "a sampling thread ended early".to_owned();
        return Err(ModelError::Generation { reason });
    }
    let mut tokens = Vec::with_capacity(rows.len());
    for (row, drawn) in rows.iter_mut().zip(drawn) {
        let Some(token) = drawn else {
            let reason = format!("row {} has a logit that is not finite", row.index);
            return Err(ModelError::Generation { reason });
        };
        tokens.push(token);
        if row.done {
            continue;
        }
        let stopped = stop.contains(&token);
        let count = row.tokens.len() + 1;
        if !stopped {
            row.tokens.push(token);
        }
        if stopped || count >= row.limit {
            row.done = true;
            let finish_reason = if stopped { FinishReason::Stop } else { FinishReason::Length };
            finished[row.index] =
                Some(Generated { tokens: std::mem::take(&mut row.tokens), finish_reason, count });
            progress.advance(1);
        }
    }
    Ok(tokens)
}

//! Batched generation with a key-value cache and continuous batching: a finished row's slot goes to the next request.

use std::cmp::Reverse;
use std::collections::VecDeque;

use burn::tensor::Tensor;
use iopo_llm::{FinishReason, Progress, Sampling};
use rayon::iter::{IndexedParallelIterator, IntoParallelRefMutIterator, ParallelIterator};

use crate::cache::{Caches, Columns, LayerCache};
use crate::decoder::index_tensor;
use crate::gpu_step::{GpuSteps, Output};
use crate::host::to_host;
use crate::layer::DecoderLayer;
use crate::prefill::Prefilled;
use crate::rope::Rope;
use crate::sample::{Sampler, Scratch};
use crate::{Decoder, ModelError, device};

/// A prompt to continue.
#[derive(Debug, Clone, PartialEq)]
pub struct GenerationRequest {
    /// The rendered chat, tokenized.
    pub tokens: Vec<u32>,
    /// Settings for the continuation.
    pub sampling: Sampling,
}

impl GenerationRequest {
    /// Returns the largest possible number of tokens of prompt and continuation together.
    fn width(&self) -> usize {
        self.tokens.len().saturating_add(self.sampling.max_new_tokens)
    }
}

/// The continuation of a prompt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Generated {
    /// The new tokens, without the stop token.
    pub tokens: Vec<u32>,
    /// Why it ended.
    pub finish_reason: FinishReason,
    /// Tokens generated, including the stop token.
    pub count: usize,
    /// Prompt tokens whose keys and values were reused from another row.
    pub cached: usize,
}

/// Limits of a batch. One row always runs, whatever its length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Rows that run together. Default 32.
    pub rows: usize,
    /// Rows × tokens of the longest row, prompt and continuation together. The cache's memory is proportional to it.
    /// Default 32 768.
    pub tokens: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { rows: 32, tokens: 1 << 15 }
    }
}

impl Limits {
    /// Sets the number of rows that run together.
    #[must_use]
    pub fn with_rows(self, rows: usize) -> Self {
        Self { rows, ..self }
    }

    /// Sets the limit of rows × tokens.
    #[must_use]
    pub fn with_tokens(self, tokens: usize) -> Self {
        Self { tokens, ..self }
    }
}

/// A row in progress.
struct Row {
    /// Index of its request.
    index: usize,
    width: usize,
    limit: usize,
    sampler: Sampler,
    tokens: Vec<u32>,
    cached: usize,
    /// The token to feed next; `None` if a logit was NaN or infinite.
    next: Option<u32>,
    done: bool,
}

impl Row {
    fn new(index: usize, request: &GenerationRequest) -> Self {
        Self {
            index,
            width: request.width(),
            limit: request.sampling.max_new_tokens,
            sampler: Sampler::new(&request.sampling),
            tokens: Vec::new(),
            cached: 0,
            next: None,
            done: false,
        }
    }

    /// Draws the next token if the row has logits.
    fn draw(&mut self, logits: Option<&[f32]>, scratch: &mut Scratch) {
        if let Some(logits) = logits
            && !self.done
        {
            self.next = self.sampler.draw(logits, scratch);
        }
    }
}

/// The state of a batch.
struct Generation<'a> {
    decoder: &'a Decoder,
    requests: &'a [GenerationRequest],
    stop: &'a [u32],
    limits: Limits,
    progress: &'a dyn Progress,
    /// Requests without a slot, longest first, so that each fits into the columns in use. Samples of one prompt are
    /// adjacent.
    waiting: VecDeque<usize>,
    /// The prefill of the first waiting request, if the row before it has the same prompt.
    kept: Option<Prefilled>,
    /// One row per slot of the cache.
    rows: Vec<Row>,
    columns: Columns,
    caches: Caches,
    /// The steps on a GPU.
    gpu: Option<GpuSteps<'a>>,
    finished: Vec<Option<Generated>>,
}

impl Decoder {
    /// Continues every prompt until a stop token or its limit.
    ///
    /// Each row draws from a separate random stream, so other rows affect its text through rounding only. Samples of one
    /// prompt share its prefill, and requests admitted together share the prefill of their common prefix.
    ///
    /// # Errors
    /// Returns [`ModelError::Generation`] if a prompt is empty or a logit is not finite, [`ModelError::Layout`] if a token
    /// is outside the vocabulary, and [`ModelError::Cancelled`] if `progress` asks to stop.
    pub fn generate(
        &self,
        requests: &[GenerationRequest],
        stop: &[u32],
        limits: Limits,
        progress: &dyn Progress,
    ) -> Result<Vec<Generated>, ModelError> {
        if let Some(index) = requests.iter().position(|request| request.tokens.is_empty()) {
            return Err(ModelError::Generation { reason: format!("prompt {index} is empty") });
        }
        let mut order: Vec<usize> = (0..requests.len()).collect();
        order
            .sort_by_key(|&index| (Reverse(requests[index].tokens.len()), &requests[index].tokens));
        let mut generation = Generation {
            decoder: self,
            requests,
            stop,
            limits,
            progress,
            waiting: order.into(),
            kept: None,
            rows: Vec::new(),
            columns: Columns::default(),
            caches: Caches::default(),
            gpu: GpuSteps::new(self),
            finished: vec![None; requests.len()],
        };
        generation.finish_empty();
        generation.run()?;
        let finished: Option<Vec<Generated>> = generation.finished.into_iter().collect();
        finished.ok_or_else(|| ModelError::Generation { reason: "a row has no result".to_owned() })
    }

    /// Runs one token per row through all layers: `[batch, d_model]`.
    fn step(
        &self,
        tokens: &[u32],
        caches: &mut [LayerCache],
        columns: &Columns,
    ) -> Result<Tensor<2>, ModelError> {
        let rope = self.rope(&columns.next_positions());
        let device = self.device();
        let bias = (!device::has_kernels(&device)).then(|| columns.bias(&device));
        let mut x = self.embed(tokens)?;
        for (layer, cache) in self.layers.iter().zip(caches) {
            x = self.layer_step(layer, x, &rope, cache, columns, bias.as_ref());
        }
        Ok(self.norm.forward(&x).0)
    }

    fn layer_step(
        &self,
        layer: &DecoderLayer,
        x: Tensor<2>,
        rope: &Rope,
        cache: &mut LayerCache,
        columns: &Columns,
        bias: Option<&Tensor<4>>,
    ) -> Tensor<2> {
        let heads = self.heads();
        let (normed, _) = layer.input_norm.forward(&x);
        let ([q, k, v], _) = layer.projected(normed, rope, heads);
        cache.push(&k, v, columns.used);
        let mixed = cache.attend(q, columns, bias, heads);
        let x = layer.o.output_onto(&layer.o.tape(mixed), Some(x));
        let (normed, _) = layer.post_norm.forward(&x);
        layer.mlp.output_onto(&layer.mlp.tape(normed), x)
    }
}

impl Generation<'_> {
    /// Finishes the requests that ask for no tokens.
    fn finish_empty(&mut self) {
        let nothing = Generated {
            tokens: Vec::new(),
            finish_reason: FinishReason::Length,
            count: 0,
            cached: 0,
        };
        for (request, finished) in self.requests.iter().zip(&mut self.finished) {
            if request.sampling.max_new_tokens == 0 {
                *finished = Some(nothing.clone());
                self.progress.advance(1);
            }
        }
        let finished = &self.finished;
        self.waiting.retain(|&index| finished[index].is_none());
    }

    fn run(&mut self) -> Result<(), ModelError> {
        loop {
            if self.progress.cancelled() {
                return Err(ModelError::Cancelled);
            }
            let admitted = self.admissible();
            if admitted > 0 {
                self.admit(admitted)?;
            } else {
                self.compact();
            }
            if self.rows.iter().all(|row| row.done) {
                if self.waiting.is_empty() {
                    return Ok(());
                }
                continue;
            }
            let tokens: Vec<u32> =
                self.rows.iter().map(|row| row.next.unwrap_or_default()).collect();
            let drawn = self.output();
            let made = if let Some(steps) = &mut self.gpu {
                steps.run(&tokens, &mut self.caches, &self.columns, drawn)?
            } else {
                let mut caches = self.caches.layers().borrow_mut();
                self.decoder.logits(&self.decoder.step(&tokens, &mut caches, &self.columns)?)
            };
            self.columns.used += 1;
            let slots: Vec<(usize, usize)> =
                (0..self.rows.len()).map(|slot| (slot, slot)).collect();
            self.draw(&slots, made, drawn)?;
        }
    }

    fn alive(&self) -> Vec<usize> {
        (0..self.rows.len()).filter(|&slot| !self.rows[slot].done).collect()
    }

    /// Returns how many waiting requests to admit now.
    ///
    /// Each admission costs a separate pass through the model, so requests wait until they fill an eighth of the batch or
    /// are the last ones.
    fn admissible(&self) -> usize {
        let alive = self.rows.iter().filter(|row| !row.done);
        let (mut count, mut widest) =
            alive.fold((0, 0), |(count, widest), row| (count + 1, row.width.max(widest)));
        let before = count;
        for &index in &self.waiting {
            widest = self.requests[index].width().max(widest);
            let fits =
                count < self.limits.rows && widest.saturating_mul(count + 1) <= self.limits.tokens;
            if count > 0 && !fits {
                break;
            }
            count += 1;
        }
        let new = count - before;
        if new * 8 >= count || new == self.waiting.len() { new } else { 0 }
    }

    /// Gives the next `count` waiting requests a slot and draws their first tokens.
    fn admit(&mut self, count: usize) -> Result<(), ModelError> {
        let requests = self.requests;
        let new: Vec<usize> = self.waiting.drain(..count).collect();
        let placed: Vec<(usize, usize)> = self.make_room(&new).into_iter().zip(new).collect();
        let tokens = |index: usize| requests[index].tokens.as_slice();
        let samples: Vec<&[(usize, usize)]> =
            placed.chunk_by(|(_, a), (_, b)| tokens(*a) == tokens(*b)).collect();
        let mut source = self.kept.take();
        let (known, unknown) = samples.split_at(usize::from(source.is_some()));
        if let Some(source) = &source {
            self.fill(source, known)?;
        }
        if !unknown.is_empty() {
            let distinct: Vec<&[u32]> = unknown.iter().map(|rows| tokens(rows[0].1)).collect();
            let prefilled = self.decoder.prefill_shared(&distinct)?;
            self.fill(&prefilled, unknown)?;
            source = Some(prefilled);
        }
        let last = placed.last().map(|&(_, index)| tokens(index));
        if self.waiting.front().map(|&index| tokens(index)) == last {
            let entry = unknown.len().saturating_sub(1);
            self.kept = source.map(|source| source.alone(entry)).transpose()?;
        }
        Ok(())
    }

    /// Returns slots for new requests, reusing those of finished rows first.
    fn make_room(&mut self, new: &[usize]) -> Vec<usize> {
        self.gpu.iter_mut().for_each(GpuSteps::forget);
        let alive = self.alive();
        let mut caches = self.caches.change();
        let (heads, device) = (self.decoder.heads(), self.decoder.device());
        if self.rows.iter().all(|row| row.done) {
            self.rows.clear();
            caches.clear();
            self.columns = Columns::default();
        } else {
            let unused = self.columns.trim(alive.into_iter());
            if unused > 0 {
                caches.iter_mut().for_each(|cache| cache.trim(unused));
            }
        }
        let free = (0..self.rows.len()).filter(|&slot| self.rows[slot].done);
        let mut slots: Vec<usize> = free.take(new.len()).collect();
        let more = new.len() - slots.len();
        slots.extend(self.rows.len()..self.rows.len() + more);
        for (&slot, &index) in slots.iter().zip(new) {
            let row = Row::new(index, &self.requests[index]);
            self.columns.place(slot, self.requests[index].tokens.len());
            if slot < self.rows.len() {
                self.rows[slot] = row;
            } else {
                self.rows.push(row);
            }
        }
        if caches.is_empty() {
            let empty = |_| LayerCache::new(more, self.columns.used, heads, &device);
            *caches = self.decoder.layers.iter().map(empty).collect();
        } else if more > 0 {
            caches.iter_mut().for_each(|cache| cache.add_slots(more));
        }
        slots
    }

    /// Copies prefilled prompts into slots and draws the first tokens.
    ///
    /// `samples` has one entry per prompt of the source: the slots of its rows and the indices of their requests.
    fn fill(
        &mut self,
        source: &Prefilled,
        samples: &[&[(usize, usize)]],
    ) -> Result<(), ModelError> {
        let heads = self.decoder.heads();
        let mut drawn = Vec::new();
        for (prompt, rows) in samples.iter().enumerate() {
            for (cache, (keys, values)) in
                self.caches.change().iter_mut().zip(source.keys_values(prompt, heads))
            {
                for &(slot, _) in *rows {
                    cache.place(slot, self.columns.start(slot), keys.clone(), values.clone());
                }
            }
            let mut cached = source.cached(prompt);
            for &(slot, index) in *rows {
                self.rows[slot].cached = cached;
                cached = self.requests[index].tokens.len();
                drawn.push((slot, prompt));
            }
        }
        let logits = self.decoder.logits(&source.hidden);
        self.draw(&drawn, logits, Output::Logits)
    }

    /// Drops finished rows, several at a time because copying the caches costs about one step.
    fn compact(&mut self) {
        let alive = self.alive();
        if alive.is_empty() || alive.len() * 8 > self.rows.len() * 7 {
            return;
        }
        let kept = index_tensor(alive.iter().map(|&slot| slot as i64), &self.decoder.device());
        self.gpu.iter_mut().for_each(GpuSteps::forget);
        self.caches.change().iter_mut().for_each(|cache| cache.keep(&kept));
        self.columns.keep(&alive);
        self.rows.retain(|row| !row.done);
    }

    /// Returns what the rows need for their next tokens.
    fn output(&self) -> Output {
        let greedy = self.rows.iter().all(|row| row.sampler.is_greedy());
        if greedy && self.gpu.is_some() { Output::Likeliest } else { Output::Logits }
    }

    /// Draws the next token of the given slots, each from a row of what a step `made`, and records the rows that finish.
    fn draw(
        &mut self,
        slots: &[(usize, usize)],
        made: Tensor<2>,
        output: Output,
    ) -> Result<(), ModelError> {
        let width = made.dims()[1];
        let values = to_host(made)?;
        match output {
            Output::Likeliest => {
                for &(slot, row) in slots {
                    self.rows[slot].next = (values[row] >= 0.0).then_some(values[row] as u32);
                }
            }
            Output::Logits => {
                let mut of_slot = vec![None; self.rows.len()];
                for &(slot, row) in slots {
                    of_slot[slot] = Some(&values[row * width..(row + 1) * width]);
                }
                // Each row has a separate random stream, so rows can draw in parallel.
                let rows = self.rows.par_iter_mut().zip(of_slot);
                rows.for_each_init(Scratch::default, |scratch, (row, logits)| {
                    row.draw(logits, scratch);
                });
            }
        }
        for &(slot, _) in slots {
            let row = &mut self.rows[slot];
            if row.done {
                continue;
            }
            let Some(next) = row.next else {
                let reason = format!("row {} has a logit that is not finite", row.index);
                return Err(ModelError::Generation { reason });
            };
            let stopped = self.stop.contains(&next);
            let count = row.tokens.len() + 1;
            if !stopped {
                row.tokens.push(next);
            }
            if stopped || count >= row.limit {
                row.done = true;
                let finish_reason = if stopped { FinishReason::Stop } else { FinishReason::Length };
                let tokens = std::mem::take(&mut row.tokens);
                let cached = row.cached;
                self.finished[row.index] = Some(Generated { tokens, finish_reason, count, cached });
                self.progress.advance(1);
            }
        }
        Ok(())
    }
}

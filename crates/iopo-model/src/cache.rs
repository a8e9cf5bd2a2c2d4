//! Keys and values of the tokens so far, for a ragged batch.
//!
//! Rows are aligned at their right end: the prompts' last tokens share a column, so that each step writes one
//! column for the whole batch. Columns left of a row's first token are hidden by a bias.

use burn::tensor::{Device, Int, Tensor, TensorData};

use crate::attention::Heads;
use crate::layer::KeysValues;
use crate::layout::Layout;

/// Columns by which the cache grows.
const GROWTH: usize = 64;
/// Added to the scores of hidden columns.
const HIDDEN: f32 = -1e30;

/// The cache of one layer.
pub(crate) struct LayerCache {
    /// `[batch, kv_heads, capacity, head_dim]`; taken out while it is written, so that it is written in place.
    keys: Option<Tensor<4>>,
    values: Option<Tensor<4>>,
}

/// Which columns belong to which row.
pub(crate) struct Columns {
    /// First column of each row.
    starts: Vec<usize>,
    /// Columns in use.
    pub(crate) used: usize,
}

impl Columns {
    /// Prompt lengths → columns.
    pub(crate) fn new(lengths: &[usize]) -> Self {
        let used = lengths.iter().copied().max().unwrap_or(0);
        Self { starts: lengths.iter().map(|length| used - length).collect(), used }
    }

    /// Position of the token that is written next, a row.
    pub(crate) fn next_positions(&self) -> Vec<u32> {
        self.starts.iter().map(|start| (self.used - start) as u32).collect()
    }

    /// Keeps the given rows.
    pub(crate) fn keep(&mut self, rows: &[usize]) {
        self.starts = rows.iter().map(|&row| self.starts[row]).collect();
    }

    /// The bias over all columns up to and with the one that is written next: `[batch, 1, 1, used + 1]`.
    pub(crate) fn bias(&self, device: &Device) -> Tensor<4> {
        let width = self.used + 1;
        let mut bias = vec![0f32; self.starts.len() * width];
        for (row, &start) in self.starts.iter().enumerate() {
            bias[row * width..row * width + start].fill(HIDDEN);
        }
        Tensor::from_data(TensorData::new(bias, [self.starts.len(), 1, 1, width]), device)
    }
}

impl LayerCache {
    /// Takes the flat keys and values of prefilled prompts, one root segment a row.
    pub(crate) fn new(flat: &KeysValues, layout: &Layout, columns: &Columns, heads: Heads) -> Self {
        let capacity = columns.used.next_multiple_of(GROWTH);
        let place = |x: &Tensor<2>| {
            let width = x.dims()[1];
            let mut cache = Tensor::<4>::zeros(
                [columns.starts.len(), heads.kv, capacity, heads.dim],
                &x.device(),
            );
            for (row, span) in layout.spans() {
                let of_row =
                    heads.split_keys(x.clone().slice([span.rows.clone(), 0..width])).unsqueeze();
                let at =
                    [row..row + 1, 0..heads.kv, columns.starts[row]..columns.used, 0..heads.dim];
                cache = cache.slice_assign(at, of_row);
            }
            cache
        };
        Self { keys: Some(place(&flat.keys)), values: Some(place(&flat.values)) }
    }

    /// Writes one token a row into column `at` and gives back keys and values up to it.
    ///
    /// # Shapes
    /// `[batch, kv_heads, 1, head_dim]` → `[batch, kv_heads, at + 1, head_dim]`.
    pub(crate) fn push(
        &mut self,
        keys: Tensor<4>,
        values: Tensor<4>,
        at: usize,
    ) -> (Tensor<4>, Tensor<4>) {
        (write(&mut self.keys, keys, at), write(&mut self.values, values, at))
    }

    /// Keeps the given rows.
    pub(crate) fn keep(&mut self, rows: &Tensor<1, Int>) {
        for cache in [&mut self.keys, &mut self.values] {
            *cache = cache.take().map(|cache| cache.select(0, rows.clone()));
        }
    }
}

fn write(slot: &mut Option<Tensor<4>>, column: Tensor<4>, at: usize) -> Tensor<4> {
    let [batch, kv, _, dim] = column.dims();
    let mut cache = match slot.take() {
        Some(cache) if cache.dims()[2] > at => cache,
        Some(cache) => {
            let more = Tensor::zeros(
                [batch, kv, GROWTH.max(at + 1 - cache.dims()[2]), dim],
                &column.device(),
            );
            Tensor::cat(vec![cache, more], 2)
        }
        None => {
            Tensor::zeros([batch, kv, (at + 1).next_multiple_of(GROWTH), dim], &column.device())
        }
    };
    cache = cache.slice_assign([0..batch, 0..kv, at..at + 1, 0..dim], column);
    let view = cache.clone().slice([0..batch, 0..kv, 0..at + 1, 0..dim]);
    *slot = Some(cache);
    view
}

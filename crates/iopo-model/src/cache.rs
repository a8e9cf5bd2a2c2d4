//! Key-value cache of a batch whose rows are replaced as they finish.
//!
//! Rows are right-aligned: the next tokens of all rows share a column, so a step writes one column for the whole batch.
//! Columns left of a row's first token are masked. The slot of a finished row goes to a new prompt, placed so that it ends
//! at the same column as the others.

use std::cell::{RefCell, RefMut};
use std::rc::Rc;

use burn::tensor::activation::softmax;
use burn::tensor::{Device, Int, Tensor, TensorData};

use crate::attention::{HIDDEN, Heads};
use crate::kernels::{Seen, attend, gpu, push_keys};

/// Columns by which the cache grows and shrinks.
const GROWTH: usize = 64;

/// The cache of one layer.
pub(crate) struct LayerCache {
    /// `[slots, kv_heads, head_dim, capacity]`; taken out while it is written, so that the write is in place.
    keys: Option<Tensor<4>>,
    /// `[slots, kv_heads, capacity, head_dim]`.
    values: Option<Tensor<4>>,
}

/// The caches of all layers, which a recorded step shares with the batch.
#[derive(Default)]
pub(crate) struct Caches {
    layers: Rc<RefCell<Vec<LayerCache>>>,
    changes: usize,
}

impl Caches {
    /// Returns the caches to replace some of their tensors.
    pub(crate) fn change(&mut self) -> RefMut<'_, Vec<LayerCache>> {
        self.changes += 1;
        self.layers.borrow_mut()
    }

    /// Returns how often [`Caches::change`] was called.
    pub(crate) fn changes(&self) -> usize {
        self.changes
    }

    /// Returns the caches for a step, which writes one column of each tensor.
    pub(crate) fn layers(&self) -> &Rc<RefCell<Vec<LayerCache>>> {
        &self.layers
    }
}

/// The columns of each slot.
#[derive(Clone, Default)]
pub(crate) struct Columns {
    /// First column of each slot.
    starts: Vec<usize>,
    /// Columns in use; the next token goes here.
    pub(crate) used: usize,
}

impl Columns {
    /// Assigns a slot, an existing one or the next new one, to a prompt of `length` tokens.
    ///
    /// A prompt must not be longer than the columns in use, except in an empty batch.
    pub(crate) fn place(&mut self, slot: usize, length: usize) {
        if self.starts.is_empty() {
            self.used = length;
        }
        let start = self.used.saturating_sub(length);
        match self.starts.get_mut(slot) {
            Some(old) => *old = start,
            None => self.starts.push(start),
        }
    }

    /// Returns the first column of a slot.
    pub(crate) fn start(&self, slot: usize) -> usize {
        self.starts[slot]
    }

    /// Returns the position of each slot's next token.
    pub(crate) fn next_positions(&self) -> Vec<u32> {
        self.starts.iter().map(|start| (self.used - start) as u32).collect()
    }

    /// Keeps the given slots.
    pub(crate) fn keep(&mut self, slots: &[usize]) {
        self.starts = slots.iter().map(|&slot| self.starts[slot]).collect();
    }

    /// Drops leading columns that no slot in use needs, a multiple of [`GROWTH`], and returns their number.
    pub(crate) fn trim(&mut self, in_use: impl Iterator<Item = usize>) -> usize {
        let unused = in_use.map(|slot| self.starts[slot]).min().unwrap_or(0) / GROWTH * GROWTH;
        self.used -= unused;
        for start in &mut self.starts {
            *start = start.saturating_sub(unused);
        }
        unused
    }

    /// Returns the first column of every slot.
    pub(crate) fn starts(&self) -> &[usize] {
        &self.starts
    }

    /// Returns the score bias over all columns, including the next one: `[slots, 1, 1, used + 1]`.
    pub(crate) fn bias(&self, device: &Device) -> Tensor<4> {
        let width = self.used + 1;
        let mut bias = vec![0f32; self.starts.len() * width];
        for (slot, &start) in self.starts.iter().enumerate() {
            bias[slot * width..slot * width + start].fill(HIDDEN);
        }
        Tensor::from_data(TensorData::new(bias, [self.starts.len(), 1, 1, width]), device)
    }
}

impl LayerCache {
    /// Makes a cache for `slots` rows of `columns` tokens, with spare columns.
    pub(crate) fn new(slots: usize, columns: usize, heads: Heads, device: &Device) -> Self {
        let capacity = (columns + 1).next_multiple_of(GROWTH);
        Self {
            keys: Some(Tensor::zeros([slots, heads.kv, heads.dim, capacity], device)),
            values: Some(Tensor::zeros([slots, heads.kv, capacity, heads.dim], device)),
        }
    }

    /// Returns keys and values.
    #[cfg(all(test, feature = "_gpu"))]
    pub(crate) fn tensors(&self) -> Option<(Tensor<4>, Tensor<4>)> {
        self.keys.clone().zip(self.values.clone())
    }

    /// Applies `change` to keys and to values.
    fn each(&mut self, mut change: impl FnMut(Tensor<4>) -> Tensor<4>) {
        for cache in [&mut self.keys, &mut self.values] {
            *cache = cache.take().map(&mut change);
        }
    }

    /// Adds empty slots.
    pub(crate) fn add_slots(&mut self, count: usize) {
        self.each(|cache| {
            let [_, kv, a, b] = cache.dims();
            let more = Tensor::zeros([count, kv, a, b], &cache.device());
            Tensor::cat(vec![cache, more], 0)
        });
    }

    /// Copies a prompt's keys and values, `[kv_heads, length, head_dim]`, into a slot from column `start`.
    pub(crate) fn place(&mut self, slot: usize, start: usize, keys: Tensor<3>, values: Tensor<3>) {
        let [kv, length, dim] = keys.dims();
        let (slot, columns) = (slot..slot + 1, start..start + length);
        let at = [slot.clone(), 0..kv, 0..dim, columns.clone()];
        let keys = keys.swap_dims(1, 2).unsqueeze();
        self.keys = self.keys.take().map(|cache| cache.slice_assign(at, keys));
        let at = [slot, 0..kv, columns, 0..dim];
        self.values = self.values.take().map(|cache| cache.slice_assign(at, values.unsqueeze()));
    }

    /// Writes one token per slot into column `at`.
    ///
    /// # Shapes
    /// `[slots, kv_heads · head_dim]`.
    pub(crate) fn push(&mut self, keys: &Tensor<2>, values: Tensor<2>, at: usize) {
        self.keys = self.keys.take().map(|cache| {
            let cache = with_room(cache, 3, at);
            let [slots, kv, dim, _] = cache.dims();
            push_keys(cache, keys, at).unwrap_or_else(|cache| {
                let column = keys.clone().reshape([slots, kv, dim, 1]);
                cache.slice_assign([0..slots, 0..kv, 0..dim, at..at + 1], column)
            })
        });
        self.values = self.values.take().map(|cache| {
            let cache = with_room(cache, 2, at);
            let [slots, kv, _, dim] = cache.dims();
            let column = values.reshape([slots, kv, 1, dim]);
            cache.slice_assign([0..slots, 0..kv, at..at + 1, 0..dim], column)
        });
    }

    /// Returns whether there is a column `at`.
    pub(crate) fn has_room(&self, at: usize) -> bool {
        self.values.as_ref().is_some_and(|values| values.dims()[2] > at)
    }

    /// Adds empty columns if there is no column `at`.
    pub(crate) fn make_room(&mut self, at: usize) {
        self.keys = self.keys.take().map(|keys| with_room(keys, 3, at));
        self.values = self.values.take().map(|values| with_room(values, 2, at));
    }

    /// Computes attention of one token per slot, after its keys and values are written into the column of the inputs, on a
    /// GPU. There must be room for it. See [`gpu::push`].
    ///
    /// # Shapes
    /// `x` has queries, of width `queries`, keys and values side by side → `[slots, queries]`.
    pub(crate) fn push_and_attend(
        &mut self,
        x: Tensor<2>,
        inputs: &Tensor<1>,
        queries: usize,
        in_place: bool,
    ) -> Option<Tensor<2>> {
        let caches = [self.keys.take()?, self.values.take()?];
        let (q, keys, values) = gpu::push(x, inputs, caches, queries, in_place);
        let mixed = gpu::attend(q, &keys, &values, inputs);
        (self.keys, self.values) = (Some(keys), Some(values));
        Some(mixed)
    }

    /// Computes attention of each slot's newest token to the slot's columns.
    ///
    /// `bias` is [`Columns::bias`], for devices that need it.
    ///
    /// # Shapes
    /// `[slots, heads · head_dim]` → the same.
    pub(crate) fn attend(
        &self,
        q: Tensor<2>,
        columns: &Columns,
        bias: Option<&Tensor<4>>,
        heads: Heads,
    ) -> Tensor<2> {
        let (Some(keys), Some(values)) = (&self.keys, &self.values) else { return q };
        let seen = Seen { starts: &columns.starts, end: columns.used + 1 };
        attend(&q, keys, values, seen, heads)
            .unwrap_or_else(|| plain(q, keys, values, columns, bias, heads))
    }

    /// Keeps the given slots.
    pub(crate) fn keep(&mut self, slots: &Tensor<1, Int>) {
        self.each(|cache| cache.select(0, slots.clone()));
    }

    /// Drops the first `columns` columns.
    pub(crate) fn trim(&mut self, columns: usize) {
        let from = columns as i64..;
        self.keys = self.keys.take().map(|keys| keys.slice_dim(3, from.clone()));
        self.values = self.values.take().map(|values| values.slice_dim(2, from.clone()));
    }
}

/// Computes [`LayerCache::attend`] with Burn operations, for other backends.
fn plain(
    q: Tensor<2>,
    keys: &Tensor<4>,
    values: &Tensor<4>,
    columns: &Columns,
    bias: Option<&Tensor<4>>,
    heads: Heads,
) -> Tensor<2> {
    let ([slots, width], end) = (q.dims(), columns.used + 1);
    let keys = keys.clone().slice_dim(3, 0..end as i64);
    let values = values.clone().slice_dim(2, 0..end as i64);
    let q = q.reshape([slots, heads.kv, heads.group, heads.dim]);
    let bias = bias.cloned().unwrap_or_else(|| columns.bias(&keys.device()));
    let scores = q.matmul(keys).mul_scalar(heads.scale()) + bias;
    softmax(scores, 3).matmul(values).reshape([slots, width])
}

/// Adds empty columns, which are dimension `dim`, if the cache has no column `at`.
fn with_room(cache: Tensor<4>, dim: usize, at: usize) -> Tensor<4> {
    let mut shape = cache.dims();
    if shape[dim] > at {
        return cache;
    }
    shape[dim] = (at + 1 - shape[dim]).next_multiple_of(GROWTH);
    let more = Tensor::zeros(shape, &cache.device());
    Tensor::cat(vec![cache, more], dim)
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, Distribution, Tensor};

    use super::{Columns, LayerCache, plain};
    use crate::attention::Heads;

    #[test]
    fn the_kernel_matches_burn_and_reads_no_column_of_another_prompt() {
        let device = Device::flex();
        device.seed(3);
        let heads = Heads { kv: 2, group: 3, dim: 20 };
        let random = |shape: [usize; 4]| Tensor::<4>::random(shape, Distribution::Default, &device);
        let (keys, values) = (random([3, 2, 20, 64]), random([3, 2, 64, 20]));
        let q = Tensor::<2>::random([3, 120], Distribution::Default, &device);
        let columns = Columns { starts: vec![0, 17, 30], used: 30 };
        let far = |a: Tensor<2>, b: Tensor<2>| -> f32 { (a - b).abs().max().into_scalar() };
        let want = plain(q.clone(), &keys, &values, &columns, None, heads);
        let cache = LayerCache { keys: Some(keys.clone()), values: Some(values.clone()) };
        let got = cache.attend(q.clone(), &columns, None, heads);
        assert!(far(got, want.clone()) < 1e-5);
        // Negative control: one visible column more changes the result.
        let leaked = Columns { starts: vec![0, 16, 30], used: 30 };
        assert!(far(cache.attend(q, &leaked, None, heads), want) > 1e-3);
    }
}

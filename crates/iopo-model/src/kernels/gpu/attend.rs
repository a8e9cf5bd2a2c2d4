//! Attention of one new token per slot to the key-value cache, one cube per slot and head.

use burn_cubecl::cubecl;
use burn_cubecl::tensor::CubeTensor;
use cubecl::prelude::*;

use super::launch::{UNITS, cubes, like, row_major, rows_and_width, slice};
use super::norm::total;

/// Returns the largest value of all units of a cube.
#[cube]
fn largest(value: f32, shared: &mut Shared<[f32]>) -> f32 {
    let unit = UNIT_POS_X as usize;
    shared[unit] = value;
    sync_cube();
    let mut half = CUBE_DIM_X as usize / 2;
    while half > 0 {
        if unit < half {
            shared[unit] = max(shared[unit], shared[unit + half]);
        }
        sync_cube();
        half /= 2;
    }
    let largest = shared[0];
    sync_cube();
    largest
}

/// Adds up the columns, as many at a time as there are units, with the softmax relative to the largest score so far (Dao et al.
/// 2022, arXiv 2205.14135).
#[cube(launch)]
fn mix(
    q: &[f32],
    keys: &[f32],
    values: &[f32],
    inputs: &[f32],
    y: &mut [f32],
    slots: usize,
    heads: usize,
    group: usize,
    dim: usize,
    capacity: usize,
    scale: f32,
    #[comptime] units: usize,
) {
    if CUBE_POS >= slots * heads {
        terminate!();
    }
    let (slot, head) = (CUBE_POS / heads, CUBE_POS % heads);
    let unit = UNIT_POS_X as usize;
    let mut query = Shared::<[f32]>::new_slice(units);
    let mut weights = Shared::<[f32]>::new_slice(units);
    let mut shared = Shared::<[f32]>::new_slice(units);
    if unit < dim {
        query[unit] = q[CUBE_POS * dim + unit] * scale;
    }
    sync_cube();
    // All heads of keys or values before this one have `capacity · dim` values each.
    let base = (slot * (heads / group) + head / group) * capacity * dim;
    // The order of `GpuStep::inputs`.
    let mut first = usize::cast_from(inputs[slots * dim + slot]);
    let end = usize::cast_from(inputs[slots * dim + slots]) + 1;
    let (mut top, mut sum, mut mixed) = (f32::new(-1e30), 0f32, 0f32);
    while first < end {
        let column = first + unit;
        let mut score = f32::new(-1e30);
        if column < end {
            let mut dot = 0f32;
            for place in 0..dim {
                dot += query[place] * keys[base + place * capacity + column];
            }
            score = dot;
        }
        let new_top = max(top, largest(score, &mut shared));
        let mut weight = 0f32;
        if column < end {
            weight = (score - new_top).exp();
        }
        weights[unit] = weight;
        let factor = (top - new_top).exp();
        sum = sum * factor + total(weight, &mut shared);
        mixed *= factor;
        if unit < dim {
            let mut columns = end - first;
            if columns > units {
                columns = units.runtime();
            }
            for at in 0..columns {
                mixed += weights[at] * values[base + (first + at) * dim + unit];
            }
        }
        top = new_top;
        first += units;
    }
    if unit < dim {
        y[CUBE_POS * dim + unit] = mixed / sum;
    }
}

pub(super) fn attend(
    q: CubeTensor,
    keys: CubeTensor,
    values: CubeTensor,
    inputs: CubeTensor,
) -> CubeTensor {
    let [q, keys, values, inputs] = [q, keys, values, inputs].map(row_major);
    let [slots, width] = rows_and_width(&q);
    let (kv, capacity, dim) = {
        let shape = values.meta.shape();
        (shape[1], shape[2], shape[3])
    };
    let heads = width / dim;
    let y = like(&q);
    mix::launch(
        &y.client,
        cubes(slots * heads),
        CubeDim::new_1d(UNITS as u32),
        slice(&q),
        slice(&keys),
        slice(&values),
        slice(&inputs),
        slice(&y),
        slots,
        heads,
        heads / kv,
        dim,
        capacity,
        1.0 / (dim as f32).sqrt(),
        UNITS,
    );
    y
}

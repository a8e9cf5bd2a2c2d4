//! Rotary position embedding, one unit per value.

use burn_cubecl::cubecl;
use burn_cubecl::tensor::CubeTensor;
use cubecl::calculate_cube_count_elemwise;
use cubecl::prelude::*;

use super::launch::{like, row_major, rows_and_width, slice, with_shape};

/// Returns the value at `at`, at `place` of its head, after the rotation by the angles whose cosines and sines begin at these
/// places of their tables.
#[cube]
fn turned(
    x: &[f32],
    cos: &[f32],
    sin: &[f32],
    at: usize,
    place: usize,
    half: usize,
    starts: (usize, usize),
    sign: f32,
) -> f32 {
    let pair = place % half;
    let (along, across) = (cos[starts.0 + pair], sign * sin[starts.1 + pair]);
    let mut value = x[at] * along;
    if place < half {
        value -= x[at + half] * across;
    } else {
        value += x[at - half] * across;
    }
    value
}

#[cube(launch)]
fn turn(
    x: &[f32],
    cos: &[f32],
    sin: &[f32],
    y: &mut [f32],
    width: usize,
    half: usize,
    heads: usize,
    sign: f32,
) {
    if ABSOLUTE_POS >= x.len() {
        terminate!();
    }
    let (row, column) = (ABSOLUTE_POS / width, ABSOLUTE_POS % width);
    let dim = 2 * half;
    if column < heads * dim {
        let start = row * half;
        let place = column % dim;
        y[ABSOLUTE_POS] = turned(x, cos, sin, ABSOLUTE_POS, place, half, (start, start), sign);
    } else {
        y[ABSOLUTE_POS] = x[ABSOLUTE_POS];
    }
}

/// Writes the caches without reading them, on which [`crate::gpu_step`] relies where a device refuses a recording.
#[cube(launch)]
fn turn_and_push(
    x: &[f32],
    inputs: &[f32],
    queries: &mut [f32],
    keys: &mut [f32],
    values: &mut [f32],
    rows: usize,
    width: usize,
    half: usize,
    heads: usize,
    kv: usize,
    capacity: usize,
) {
    if ABSOLUTE_POS >= x.len() {
        terminate!();
    }
    let dim = 2 * half;
    let (row, at) = (ABSOLUTE_POS / width, ABSOLUTE_POS % width);
    let (head, place) = (at / dim, at % dim);
    // The order of `GpuStep::inputs`.
    let starts = (row * half, (rows + row) * half);
    let column = usize::cast_from(inputs[2 * rows * half + rows]);
    if head < heads + kv {
        let value = turned(x, inputs, inputs, ABSOLUTE_POS, place, half, starts, 1.0);
        if head < heads {
            queries[row * heads * dim + at] = value;
        } else {
            keys[((row * kv + head - heads) * dim + place) * capacity + column] = value;
        }
    } else {
        let head = head - heads - kv;
        values[((row * kv + head) * capacity + column) * dim + place] = x[ABSOLUTE_POS];
    }
}

pub(super) fn rotate(
    x: CubeTensor,
    cos: CubeTensor,
    sin: CubeTensor,
    heads: usize,
    sign: f32,
) -> CubeTensor {
    let [x, cos, sin] = [x, cos, sin].map(row_major);
    let [rows, width] = rows_and_width(&x);
    let half = cos.meta.shape()[2];
    let y = like(&x);
    let cube_dim = CubeDim::new(&y.client, rows * width);
    turn::launch(
        &y.client,
        calculate_cube_count_elemwise(&y.client, rows * width, cube_dim),
        cube_dim,
        slice(&x),
        slice(&cos),
        slice(&sin),
        slice(&y),
        width,
        half,
        heads,
        sign,
    );
    y
}

pub(super) fn push(
    x: CubeTensor,
    inputs: CubeTensor,
    caches: [CubeTensor; 2],
    queries: usize,
    in_place: bool,
) -> (CubeTensor, CubeTensor, CubeTensor) {
    let [x, inputs] = [x, inputs].map(row_major);
    let own = |cache: CubeTensor| {
        if in_place || cache.can_mut() {
            return cache;
        }
        // Row by row, because a copy can have gaps between its rows.
        row_major(cache.copy())
    };
    let [keys, values] = caches.map(row_major).map(own);
    let [rows, width] = rows_and_width(&x);
    let (kv, capacity, dim) = {
        let shape = values.meta.shape();
        (shape[1], shape[2], shape[3])
    };
    let q = with_shape(&x, [rows, queries]);
    let cube_dim = CubeDim::new(&q.client, rows * width);
    turn_and_push::launch(
        &q.client,
        calculate_cube_count_elemwise(&q.client, rows * width, cube_dim),
        cube_dim,
        slice(&x),
        slice(&inputs),
        slice(&q),
        slice(&keys),
        slice(&values),
        rows,
        width,
        dim / 2,
        queries / dim,
        kv,
        capacity,
    );
    (q, keys, values)
}

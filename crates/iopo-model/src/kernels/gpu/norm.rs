//! Root-mean-square normalization, one cube per row.

use burn_cubecl::cubecl;
use burn_cubecl::tensor::CubeTensor;
use cubecl::prelude::*;

use super::launch::{UNITS, cubes, like, row_major, rows_and_width, slice, with_shape};

/// Adds up one value of each unit of a cube. Every unit gets the sum.
#[cube]
pub(super) fn total(value: f32, shared: &mut Shared<[f32]>) -> f32 {
    let unit = UNIT_POS_X as usize;
    shared[unit] = value;
    sync_cube();
    let mut half = CUBE_DIM_X as usize / 2;
    while half > 0 {
        if unit < half {
            shared[unit] = shared[unit] + shared[unit + half];
        }
        sync_cube();
        half /= 2;
    }
    let total = shared[0];
    sync_cube();
    total
}

#[cube(launch)]
fn forward(
    x: &[f32],
    gamma: &[f32],
    y: &mut [f32],
    normalized: &mut [f32],
    scale: &mut [f32],
    rows: usize,
    width: usize,
    epsilon: f32,
    #[comptime] units: usize,
) {
    let row = CUBE_POS;
    if row >= rows {
        terminate!();
    }
    let mut shared = Shared::<[f32]>::new_slice(units);
    let start = row * width;
    let mut squares = 0f32;
    let mut at = UNIT_POS_X as usize;
    while at < width {
        squares += x[start + at] * x[start + at];
        at += units;
    }
    let mean = total(squares, &mut shared) / width as f32;
    let factor = 1.0 / (mean + epsilon).sqrt();
    if UNIT_POS_X == 0 {
        scale[row] = factor;
    }
    let mut at = UNIT_POS_X as usize;
    while at < width {
        let value = x[start + at] * factor;
        normalized[start + at] = value;
        y[start + at] = value * gamma[at];
        at += units;
    }
}

#[cube(launch)]
fn add_forward(
    x: &[f32],
    more: &[f32],
    gamma: &[f32],
    sum: &mut [f32],
    y: &mut [f32],
    rows: usize,
    width: usize,
    epsilon: f32,
    #[comptime] units: usize,
) {
    let row = CUBE_POS;
    if row >= rows {
        terminate!();
    }
    let mut shared = Shared::<[f32]>::new_slice(units);
    let start = row * width;
    let mut squares = 0f32;
    let mut at = UNIT_POS_X as usize;
    while at < width {
        let value = x[start + at] + more[start + at];
        sum[start + at] = value;
        squares += value * value;
        at += units;
    }
    let mean = total(squares, &mut shared) / width as f32;
    let factor = 1.0 / (mean + epsilon).sqrt();
    let mut at = UNIT_POS_X as usize;
    while at < width {
        // Each unit reads what it wrote.
        y[start + at] = sum[start + at] * factor * gamma[at];
        at += units;
    }
}

#[cube(launch)]
fn backward(
    normalized: &[f32],
    scale: &[f32],
    gamma: &[f32],
    dy: &[f32],
    onto: &[f32],
    dx: &mut [f32],
    rows: usize,
    width: usize,
    #[comptime] units: usize,
) {
    let row = CUBE_POS;
    if row >= rows {
        terminate!();
    }
    let mut shared = Shared::<[f32]>::new_slice(units);
    let start = row * width;
    let mut along = 0f32;
    let mut at = UNIT_POS_X as usize;
    while at < width {
        along += dy[start + at] * gamma[at] * normalized[start + at];
        at += units;
    }
    let along = total(along, &mut shared) / width as f32;
    let factor = scale[row];
    let mut at = UNIT_POS_X as usize;
    while at < width {
        let value = dy[start + at] * gamma[at] - normalized[start + at] * along;
        dx[start + at] = onto[start + at] + value * factor;
        at += units;
    }
}

pub(super) fn rms_norm(
    x: CubeTensor,
    gamma: CubeTensor,
    epsilon: f32,
) -> (CubeTensor, CubeTensor, CubeTensor) {
    let (x, gamma) = (row_major(x), row_major(gamma));
    let [rows, width] = rows_and_width(&x);
    let (y, normalized, scale) = (like(&x), like(&x), with_shape(&x, [rows, 1]));
    forward::launch(
        &y.client,
        cubes(rows),
        CubeDim::new_1d(UNITS as u32),
        slice(&x),
        slice(&gamma),
        slice(&y),
        slice(&normalized),
        slice(&scale),
        rows,
        width,
        epsilon,
        UNITS,
    );
    (y, normalized, scale)
}

pub(super) fn add_rms_norm(
    x: CubeTensor,
    more: CubeTensor,
    gamma: CubeTensor,
    epsilon: f32,
) -> (CubeTensor, CubeTensor) {
    let (x, more, gamma) = (row_major(x), row_major(more), row_major(gamma));
    let [rows, width] = rows_and_width(&x);
    let (sum, y) = (like(&x), like(&x));
    add_forward::launch(
        &y.client,
        cubes(rows),
        CubeDim::new_1d(UNITS as u32),
        slice(&x),
        slice(&more),
        slice(&gamma),
        slice(&sum),
        slice(&y),
        rows,
        width,
        epsilon,
        UNITS,
    );
    (sum, y)
}

pub(super) fn rms_norm_backward(
    normalized: CubeTensor,
    scale: CubeTensor,
    gamma: CubeTensor,
    dy: CubeTensor,
    onto: CubeTensor,
) -> CubeTensor {
    let [normalized, scale, gamma, dy, onto] = [normalized, scale, gamma, dy, onto].map(row_major);
    let [rows, width] = rows_and_width(&dy);
    let dx = like(&dy);
    backward::launch(
        &dx.client,
        cubes(rows),
        CubeDim::new_1d(UNITS as u32),
        slice(&normalized),
        slice(&scale),
        slice(&gamma),
        slice(&dy),
        slice(&onto),
        slice(&dx),
        rows,
        width,
        UNITS,
    );
    dx
}

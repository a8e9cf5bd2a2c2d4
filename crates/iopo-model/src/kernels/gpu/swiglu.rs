//! `silu(gate) · up` and its gradients, one unit per value.

use burn_cubecl::cubecl;
use burn_cubecl::tensor::CubeTensor;
use cubecl::calculate_cube_count_elemwise;
use cubecl::prelude::*;

use super::launch::{like, row_major, rows_and_width, slice, with_shape};

#[cube(launch)]
fn forward(both: &[f32], y: &mut [f32], width: usize) {
    if ABSOLUTE_POS >= y.len() {
        terminate!();
    }
    let (row, column) = (ABSOLUTE_POS / width, ABSOLUTE_POS % width);
    let at = row * 2 * width + column;
    let gate = both[at];
    // An exponential that overflows gives 0.
    y[ABSOLUTE_POS] = gate / (1.0 + (-gate).exp()) * both[at + width];
}

#[cube(launch)]
fn backward(both: &[f32], dy: &[f32], gradients: &mut [f32], width: usize) {
    if ABSOLUTE_POS >= dy.len() {
        terminate!();
    }
    let (row, column) = (ABSOLUTE_POS / width, ABSOLUTE_POS % width);
    let at = row * 2 * width + column;
    let (gate, up, d) = (both[at], both[at + width], dy[ABSOLUTE_POS]);
    let sigma = 1.0 / (1.0 + (-gate).exp());
    let silu = gate * sigma;
    // silu′ = σ·(1 + gate·(1 − σ)) = σ + silu·(1 − σ)
    gradients[at] = d * up * (sigma + silu * (1.0 - sigma));
    gradients[at + width] = d * silu;
}

pub(super) fn swiglu(both: CubeTensor) -> CubeTensor {
    let both = row_major(both);
    let [rows, width] = rows_and_width(&both);
    let width = width / 2;
    let y = with_shape(&both, [rows, width]);
    let cube_dim = CubeDim::new(&y.client, rows * width);
    let count = calculate_cube_count_elemwise(&y.client, rows * width, cube_dim);
    forward::launch(&y.client, count, cube_dim, slice(&both), slice(&y), width);
    y
}

pub(super) fn swiglu_backward(both: CubeTensor, dy: CubeTensor) -> CubeTensor {
    let (both, dy) = (row_major(both), row_major(dy));
    let [rows, width] = rows_and_width(&dy);
    let gradients = like(&both);
    let client = &gradients.client;
    let cube_dim = CubeDim::new(client, rows * width);
    let count = calculate_cube_count_elemwise(client, rows * width, cube_dim);
    backward::launch(client, count, cube_dim, slice(&both), slice(&dy), slice(&gradients), width);
    gradients
}

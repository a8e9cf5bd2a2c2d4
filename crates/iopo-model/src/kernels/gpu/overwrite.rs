//! Writes a tensor's values into the memory of another, one unit per value.

use burn_cubecl::cubecl;
use burn_cubecl::tensor::CubeTensor;
use cubecl::calculate_cube_count_elemwise;
use cubecl::prelude::*;

use super::launch::{row_major, slice};

#[cube(launch)]
fn copy(from: &[f32], into: &mut [f32]) {
    if ABSOLUTE_POS >= from.len() {
        terminate!();
    }
    into[ABSOLUTE_POS] = from[ABSOLUTE_POS];
}

/// Writes into a row-major tensor whatever holds it.
///
/// # Panics
/// Panics if the tensors differ in size, or `into` is not row-major.
pub(super) fn overwrite(into: CubeTensor, from: CubeTensor) -> CubeTensor {
    let from = row_major(from);
    let count = from.meta.num_elements();
    assert_eq!(into.meta.num_elements(), count, "the sizes differ");
    assert!(into.is_contiguous(), "the tensor has gaps");
    let cube_dim = CubeDim::new(&into.client, count);
    copy::launch(
        &into.client,
        calculate_cube_count_elemwise(&into.client, count, cube_dim),
        cube_dim,
        slice(&from),
        slice(&into),
    );
    into
}

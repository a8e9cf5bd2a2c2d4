//! The likeliest token of each row, one cube per row.

use burn_cubecl::cubecl;
use burn_cubecl::tensor::CubeTensor;
use cubecl::prelude::*;

use super::launch::{UNITS, cubes, row_major, rows_and_width, slice, with_shape};

/// The bits of an exponent. All are set in NaN and infinities.
const EXPONENT: u32 = 0x7f80_0000;

#[cube(launch)]
fn choose(logits: &[f32], chosen: &mut [f32], rows: usize, width: usize, #[comptime] units: usize) {
    let row = CUBE_POS;
    if row >= rows {
        terminate!();
    }
    let unit = UNIT_POS_X as usize;
    let mut values = Shared::<[f32]>::new_slice(units);
    let mut tokens = Shared::<[u32]>::new_slice(units);
    let mut failed = Shared::<[u32]>::new_slice(units);
    // A unit without a token has one that loses against all others.
    let (mut best, mut token, mut bad) = (f32::new(-3.4e38), u32::MAX.runtime(), 0u32);
    let mut at = unit;
    while at < width {
        let logit = logits[row * width + at];
        // By its bits, because compilers may assume that there is no NaN.
        if u32::reinterpret(logit) & EXPONENT == EXPONENT {
            bad = 1u32;
        }
        if logit > best || token == u32::MAX {
            best = logit;
            token = at as u32;
        }
        at += units;
    }
    values[unit] = best;
    tokens[unit] = token;
    failed[unit] = bad;
    sync_cube();
    let mut half = CUBE_DIM_X as usize / 2;
    while half > 0 {
        if unit < half {
            let other = unit + half;
            let tie = values[other] == values[unit] && tokens[other] < tokens[unit];
            if tokens[unit] == u32::MAX
                || (tokens[other] != u32::MAX && (values[other] > values[unit] || tie))
            {
                values[unit] = values[other];
                tokens[unit] = tokens[other];
            }
            failed[unit] = failed[unit] | failed[other];
        }
        sync_cube();
        half /= 2;
    }
    if unit == 0 {
        if failed[0] > 0 {
            chosen[row] = f32::new(-1.0);
        } else {
            chosen[row] = f32::cast_from(tokens[0]);
        }
    }
}

pub(super) fn likeliest(logits: CubeTensor) -> CubeTensor {
    let logits = row_major(logits);
    let [rows, width] = rows_and_width(&logits);
    let chosen = with_shape(&logits, [rows, 1]);
    choose::launch(
        &chosen.client,
        cubes(rows),
        CubeDim::new_1d(UNITS as u32),
        slice(&logits),
        slice(&chosen),
        rows,
        width,
        UNITS,
    );
    chosen
}

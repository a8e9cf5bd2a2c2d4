//! Products with the matrix of the output head, always in f32.
//!
//! A 16-bit matrix on the CPU is converted to f32 a few rows at a time, so that the whole matrix is never in memory twice.

use std::ops::Range;

use burn::tensor::{DType, Tensor};

use crate::device::in_process;
use crate::dtype::wide;
use crate::kernels::{Product, sum};

/// Rows converted to f32 at a time.
const ROWS: usize = 1 << 12;

/// Yields the matrix `[vocab, d]` in f32, in pieces, with the rows of each piece.
fn pieces(matrix: &Tensor<2>) -> impl Iterator<Item = (Range<usize>, Tensor<2>)> + use<> {
    let [vocab, _] = matrix.dims();
    let at_once = matrix.dtype() == DType::F32 || !in_process(&matrix.device());
    let rows = if at_once { vocab.max(1) } else { ROWS };
    let matrix = matrix.clone();
    (0..vocab).step_by(rows).map(move |first| {
        let range = first..vocab.min(first + rows);
        let all = range.len() == vocab;
        let piece = if all { matrix.clone() } else { matrix.clone().slice(range.clone()) };
        (range, wide(piece))
    })
}

/// Computes the logits.
///
/// # Shapes
/// `hidden` `[rows, d]`, `matrix` `[vocab, d]` → `[rows, vocab]`; `times` maps `[rows, d]`, `[part, d]` → `[rows, part]`.
pub(crate) fn logits(
    hidden: &Tensor<2>,
    matrix: &Tensor<2>,
    times: impl Fn(Tensor<2>, Tensor<2>) -> Tensor<2>,
) -> Tensor<2> {
    let parts = pieces(matrix).map(|(_, piece)| times(hidden.clone(), piece));
    one(parts.collect())
}

/// Computes the weighted sums of the matrix's rows.
///
/// # Shapes
/// `weights` `[rows, vocab]`, `matrix` `[vocab, d]` → `[rows, d]`.
pub(crate) fn mixed(weights: &Tensor<2>, matrix: &Tensor<2>) -> Tensor<2> {
    let [rows, vocab] = weights.dims();
    let mixed = pieces(matrix).fold(None, |mixed, (range, piece)| {
        let all = range.len() == vocab;
        // A copy, because the product kernels read contiguous values.
        let part = || weights.clone().slice([0..rows, range.clone()]).into_data();
        let share =
            if all { weights.clone() } else { Tensor::from_data(part(), &weights.device()) };
        Some(sum(mixed, &Product::new(share, piece), None))
    });
    mixed.unwrap_or_else(|| Tensor::zeros([rows, matrix.dims()[1]], &weights.device()))
}

fn one(mut parts: Vec<Tensor<2>>) -> Tensor<2> {
    if parts.len() == 1 { parts.swap_remove(0) } else { Tensor::cat(parts, 1) }
}

#[cfg(test)]
mod tests {
    use burn::tensor::{DType, Device, Distribution, Tensor};

    use super::{ROWS, logits, mixed, pieces};
    use crate::dtype::wide;
    use crate::kernels::{product, turned};

    #[test]
    fn a_16_bit_matrix_gives_the_same_products_in_pieces() {
        let device = Device::flex();
        let random = |shape| Tensor::<2>::random(shape, Distribution::Default, &device);
        let (vocab, d) = (2 * ROWS + 77, 8);
        let (hidden, weights) = (random([3, d]), random([3, vocab]));
        let narrow = random([vocab, d]).cast(DType::BF16);
        let whole = wide(narrow.clone());
        let sizes = |matrix| pieces(matrix).map(|(range, _)| range.len()).collect::<Vec<_>>();
        assert_eq!(sizes(&narrow), [ROWS, ROWS, 77]);
        assert_eq!(sizes(&whole), [vocab]);
        let far = |a: Tensor<2>, b: Tensor<2>| {
            let scale = b.clone().abs().max().into_scalar::<f32>();
            (a - b).abs().max().into_scalar::<f32>() / scale
        };
        let times = |h: Tensor<2>, part: Tensor<2>| product(h, turned(part));
        let expected = product(hidden.clone(), turned(whole.clone()));
        assert!(far(logits(&hidden, &narrow, times), expected.clone()) < 1e-6);
        let mix = product(weights.clone(), whole);
        assert!(far(mixed(&weights, &narrow), mix.clone()) < 1e-5);
        // Negative control: the order of the rows matters.
        let reversed = narrow.flip([0]);
        assert!(far(logits(&hidden, &reversed, times), expected) > 1e-2);
        assert!(far(mixed(&weights, &reversed), mix) > 1e-4);
    }
}

//! `x·wᵀ` for the few rows of a decoding step.
//!
//! A general matrix product first copies the weights into blocks, which pays off for many rows only. Here each weight is read
//! once, where it is, and used for all rows.

mod dots;
mod panels;

use burn::tensor::{Tensor, TensorData};

use super::Local;
use super::change::change;
pub(super) use panels::{Bands, PIECE, write_back};

/// Fewest rows for which transposing them pays off.
const PANEL_ROWS: usize = 6;

/// Computes `x·wᵀ`, added to `onto` if given; gives `onto` back if the operands cannot be read in place.
///
/// # Shapes
/// `[rows, in]`, `[out, in]` → `[rows, out]`.
#[expect(clippy::result_large_err, reason = "the error is the unchanged tensor")]
pub(crate) fn few_rows_times_transposed(
    x: &Tensor<2>,
    w: &Tensor<2>,
    onto: Option<Tensor<2>>,
) -> Result<Tensor<2>, Option<Tensor<2>>> {
    let ([rows, inner], [out, _]) = (x.dims(), w.dims());
    let (Some(left), Some(right)) = (Local::new(x), Local::new(w)) else { return Err(onto) };
    let (left, right) = (left.values(), right.values());
    let fits = onto.as_ref().is_none_or(|onto| onto.dims() == [rows, out]);
    if rows == 0 || inner == 0 || out == 0 || !fits {
        return Err(onto);
    }
    let add = onto.is_some();
    let product = |y: &mut [f32]| {
        if rows < PANEL_ROWS {
            dots::product(left, right, y, inner, add);
        } else {
            panels::product(left, right, y, inner, add);
        }
    };
    if let Some(onto) = onto {
        return change(onto, product).map_err(Some);
    }
    let mut y = vec![0f32; rows * out];
    product(&mut y);
    Ok(Tensor::from_data(TensorData::new(y, [rows, out]), &x.device()))
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, Tensor, TensorData};
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::few_rows_times_transposed;

    fn random(shape: [usize; 2], seed: u64) -> Tensor<2> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let values: Vec<f32> =
            (0..shape[0] * shape[1]).map(|_| rng.random_range(-1.0..1.0)).collect();
        Tensor::from_data(TensorData::new(values, shape), &Device::flex())
    }

    fn far(a: Tensor<2>, b: Tensor<2>) -> f32 {
        assert_eq!(a.dims(), b.dims());
        (a - b).abs().max().into_scalar()
    }

    #[test]
    fn the_kernel_matches_burn_for_every_remainder() {
        // Rows below and above the size of panels and of pairs of panels; outputs below and above the size of a piece.
        for rows in [1, 3, 4, 5, 6, 7, 15, 16, 17, 31, 32, 33, 48, 70] {
            for (inner, out) in [(1, 1), (17, 5), (64, 64), (100, 131), (48, 67), (8, 600)] {
                let (x, w) = (random([rows, inner], 1), random([out, inner], 2));
                let onto = random([rows, out], 3);
                let got = few_rows_times_transposed(&x, &w, None).expect("local");
                let want = x.clone().matmul(w.clone().transpose());
                let bound = 1e-6 * (inner + 8) as f32;
                let apart = far(got, want.clone());
                assert!(apart < bound, "{rows} {inner} {out}: {apart}");
                let sum = few_rows_times_transposed(&x, &w, Some(onto.clone())).expect("local");
                let apart = far(sum.clone(), want.clone() + onto);
                assert!(apart < bound, "{rows} {inner} {out}: {apart}");
                // Negative control: without the addend the result differs.
                assert!(far(sum, want) > 1e-2, "{rows} {inner} {out}");
            }
        }
    }

    #[test]
    fn strided_views_fall_back_to_burn() {
        let x = random([4, 6], 1).transpose();
        assert!(few_rows_times_transposed(&x, &random([3, 4], 2), None).is_err());
    }

    #[test]
    fn an_addend_of_another_shape_is_given_back() {
        let (x, w, onto) = (random([7, 4], 1), random([3, 4], 2), random([1, 3], 3));
        let back = few_rows_times_transposed(&x, &w, Some(onto.clone())).expect_err("refused");
        assert!(far(back.expect("given back"), onto) < 1e-9);
    }
}

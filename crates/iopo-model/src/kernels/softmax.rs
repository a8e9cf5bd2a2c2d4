//! Row maxima and exponentials of logits, for the head's softmax.

use burn::tensor::{Tensor, TensorData};
use pulp::{Arch, Simd, WithSimd};
use rayon::iter::{IndexedParallelIterator, ParallelIterator};
use rayon::slice::{ParallelSlice, ParallelSliceMut};

use super::Local;
use super::exp::exp;
use super::lanes::fold;

/// The maximum `m`, the values `e^(x − m)` and their sum for each row of `[rows, columns]`.
pub(crate) struct Exponentials {
    /// `[rows, 1]`.
    pub(crate) max: Tensor<2>,
    /// `[rows, columns]`.
    pub(crate) exp: Tensor<2>,
    /// `[rows, 1]`.
    pub(crate) sum: Tensor<2>,
}

/// Computes the exponentials of every row, relative to its maximum.
pub(crate) fn exponentials(x: &Tensor<2>) -> Exponentials {
    fused(x).unwrap_or_else(|| plain(x))
}

fn plain(x: &Tensor<2>) -> Exponentials {
    let max = x.clone().max_dim(1);
    let exp = (x.clone() - max.clone()).exp();
    let sum = exp.clone().sum_dim(1);
    Exponentials { max, exp, sum }
}

fn fused(x: &Tensor<2>) -> Option<Exponentials> {
    let [rows, columns] = x.dims();
    let local = Local::new(x)?;
    if rows == 0 || columns == 0 {
        return None;
    }
    let (arch, device) = (Arch::new(), x.device());
    let mut exp = vec![0f32; rows * columns];
    let of_rows: Vec<[f32; 2]> = exp
        .par_chunks_mut(columns)
        .zip(local.values().par_chunks(columns))
        .map(|(exp, x)| arch.dispatch(Row { x, exp }))
        .collect();
    let column = |at: usize| {
        let values: Vec<f32> = of_rows.iter().map(|row| row[at]).collect();
        Tensor::from_data(TensorData::new(values, [rows, 1]), &device)
    };
    let [max, sum] = [0, 1].map(column);
    let exp = Tensor::from_data(TensorData::new(exp, [rows, columns]), &device);
    Some(Exponentials { max, exp, sum })
}

/// Processes one row and returns its maximum and sum.
struct Row<'a> {
    x: &'a [f32],
    exp: &'a mut [f32],
}

impl WithSimd for Row<'_> {
    type Output = [f32; 2];

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> [f32; 2] {
        let max = fold(self.x, f32::NEG_INFINITY, f32::max);
        for (to, x) in self.exp.iter_mut().zip(self.x) {
            *to = exp(*x - max);
        }
        [max, fold(self.exp, 0.0, |a, b| a + b)]
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, Tensor, TensorData};
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::{fused, plain};

    #[test]
    fn the_kernel_matches_burn() {
        let mut rng = ChaCha8Rng::seed_from_u64(5);
        for (rows, columns) in [(1, 1), (3, 17), (5, 1003)] {
            let values: Vec<f32> =
                (0..rows * columns).map(|_| rng.random_range(-30.0..30.0)).collect();
            let x: Tensor<2> =
                Tensor::from_data(TensorData::new(values, [rows, columns]), &Device::flex());
            let (ours, twin) = (fused(&x).expect("local"), plain(&x));
            for (a, b) in [(ours.max, twin.max), (ours.exp, twin.exp), (ours.sum, twin.sum)] {
                let apart: f32 = ((a - b.clone()) / (b + 1.0)).abs().max().into_scalar();
                assert!(apart < 1e-5, "{rows} {columns}: {apart}");
            }
        }
    }

    #[test]
    fn a_nan_logit_is_propagated() {
        let x: Tensor<2> = Tensor::from_data(
            TensorData::new(vec![1.0f32, f32::NAN, 2.0], [1, 3]),
            &Device::flex(),
        );
        let sum: f32 = fused(&x).expect("local").sum.into_scalar();
        assert!(sum.is_nan());
    }
}

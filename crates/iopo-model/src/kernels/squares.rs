//! Sums of squares, the same bits for any number of threads.

use burn::tensor::Tensor;
use pulp::{Arch, Simd, WithSimd};
use rayon::iter::ParallelIterator;
use rayon::slice::ParallelSlice;

use super::Local;
use super::lanes::{PIECE, add_up};
use crate::ModelError;
use crate::host::to_host;

/// The sum of all squares of a tensor of any shape: short sums in f32, on the device where it does not compute in this process, and their sum
/// in f64. A full `sum` on the CPU follows work stealing and is not reproducible.
///
/// # Errors
/// When the device cannot be read.
pub fn sum_of_squares<const D: usize>(tensor: &Tensor<D>) -> Result<f64, ModelError> {
    let arch = Arch::new();
    let sums: Vec<f32> = match Local::new(tensor) {
        Some(local) => {
            let pieces = local.values().par_chunks(PIECE);
            pieces.map(|values| arch.dispatch(Piece { values })).collect()
        }
        None => to_host(tensor.clone().square().sum_dim(D - 1))?,
    };
    Ok(sums.into_iter().map(f64::from).sum())
}

struct Piece<'a> {
    values: &'a [f32],
}

impl WithSimd for Piece<'_> {
    type Output = f32;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> f32 {
        // Short rows, so that no f32 gathers many values.
        let rows = self.values.chunks(1024);
        rows.map(|row| f64::from(add_up(row, row, |a, b| a * b))).sum::<f64>() as f32
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, Tensor, TensorData};
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::sum_of_squares;

    #[test]
    fn it_is_the_sum_in_f64_contiguous_or_not() {
        let mut rng = ChaCha8Rng::seed_from_u64(2);
        for [rows, columns] in [[1, 1], [3, 5], [700, 301], [11, 3001]] {
            let values: Vec<f32> =
                (0..rows * columns).map(|_| rng.random_range(-2.0..2.0)).collect();
            let want: f64 = values.iter().map(|&x| f64::from(x) * f64::from(x)).sum();
            let last = f64::from(values[values.len() - 1]).powi(2);
            let data = TensorData::new(values, [rows, columns]);
            let tensor = Tensor::<2>::from_data(data, &Device::flex());
            for tensor in [tensor.clone().transpose(), tensor] {
                let got = sum_of_squares(&tensor).expect("it is on the host");
                assert!((got - want).abs() < 1e-7 * want, "{got} {want}");
                // Control: the last value counts.
                assert!((got - (want - last)).abs() > 1e-7 * want, "{got} {want}");
            }
        }
    }
}

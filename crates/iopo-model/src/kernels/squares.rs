//! Sums of squares, the same bits for any number of threads.

use burn::tensor::Tensor;
use pulp::{Arch, Simd, WithSimd};
use rayon::iter::ParallelIterator;
use rayon::slice::ParallelSlice;

use super::Local;
use super::lanes::{PIECE, add_up};
use crate::dtype::wide;
use crate::host::to_host;
use crate::{ModelError, device};

/// The sum of all squares of tensors of any shape: short sums in f32, and their sum in f64, for a full `sum` follows work
/// stealing on the CPU and atomic additions on a GPU, and is reproducible on neither. What another device sums is
/// read when all of it is there, since each read waits for whatever the device has to do.
#[derive(Debug, Default)]
pub struct SumOfSquares {
    here: f64,
    there: Vec<Tensor<1>>,
}

impl SumOfSquares {
    /// Adds the squares of a tensor.
    pub fn add<const D: usize>(&mut self, tensor: &Tensor<D>) {
        if let Some(local) = Local::new(tensor) {
            self.here += of_values(local.values());
        } else if device::in_process(&tensor.device()) {
            // A view, in the order of its rows.
            let data = tensor.to_data().convert::<f32>();
            self.here += data.as_slice::<f32>().map_or(f64::NAN, of_values);
        } else {
            self.add_there(tensor);
        }
    }

    fn add_there<const D: usize>(&mut self, tensor: &Tensor<D>) {
        let rows = wide(tensor.clone()).square().sum_dim(D - 1);
        let count = rows.dims().iter().product::<usize>();
        self.there.push(rows.reshape([count]));
    }

    /// The sum.
    ///
    /// # Errors
    /// When the device cannot be read.
    pub fn total(self) -> Result<f64, ModelError> {
        let read =
            if self.there.is_empty() { Vec::new() } else { to_host(Tensor::cat(self.there, 0))? };
        Ok(self.here + read.into_iter().map(f64::from).sum::<f64>())
    }
}

fn of_values(values: &[f32]) -> f64 {
    let arch = Arch::new();
    let pieces = values.par_chunks(PIECE);
    let sums: Vec<f32> = pieces.map(|values| arch.dispatch(Piece { values })).collect();
    sums.into_iter().map(f64::from).sum()
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

    use super::SumOfSquares;

    #[test]
    fn what_another_device_sums_is_the_same() {
        let values: Vec<f32> = (0..12_000).map(|at| (at as f32 * 0.37).sin()).collect();
        let want: f64 = values.iter().map(|&x| f64::from(x) * f64::from(x)).sum();
        let tensor = Tensor::<3>::from_data(TensorData::new(values, [20, 30, 20]), &Device::flex());
        let mut sum = SumOfSquares::default();
        sum.add_there(&tensor);
        sum.add_there(&tensor);
        let got = sum.total().expect("it is on the host");
        assert!((got - 2.0 * want).abs() < 1e-6 * want, "{got} {want}");
    }

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
                let mut sum = SumOfSquares::default();
                sum.add(&tensor);
                let got = sum.total().expect("it is on the host");
                assert!((got - want).abs() < 1e-7 * want, "{got} {want}");
                // Control: the last value counts.
                assert!((got - (want - last)).abs() > 1e-7 * want, "{got} {want}");
            }
        }
    }
}

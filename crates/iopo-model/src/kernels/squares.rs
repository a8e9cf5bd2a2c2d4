//! Squared norms, with the same bits for any number of threads.

use std::collections::BTreeMap;

use burn::tensor::Tensor;
use pulp::{Arch, Simd, WithSimd};
use rayon::iter::ParallelIterator;
use rayon::slice::ParallelSlice;

use super::Local;
use super::lanes::{PIECE, add_up};
use crate::dtype::wide;
use crate::host::to_host;
use crate::{ModelError, device};

/// Accumulates the squared L2 norm of tensors of any shape, reproducibly.
///
/// Short sums are in f32, their sum in f64. A plain `sum` is not reproducible: it depends on work stealing on the CPU and on
/// atomic additions on a GPU. On another device, tensors of equal width are stacked, because each operation takes time, and
/// all partial sums are read together in [`total`](Self::total), because each read waits for the device.
#[derive(Debug, Default)]
pub struct SquaredNorm {
    on_host: f64,
    /// Tensors whose squares are not yet added, by width.
    waiting: BTreeMap<usize, Vec<Tensor<2>>>,
    on_device: Vec<Tensor<1>>,
}

/// Largest number of values in a stack of several tensors, because a stack is copied.
const STACKED: usize = 1 << 24;

impl SquaredNorm {
    /// Adds the squares of a tensor.
    pub fn add<const D: usize>(&mut self, tensor: &Tensor<D>) {
        if let Some(local) = Local::new(tensor) {
            self.on_host += of_values(local.values());
        } else if device::has_kernels(&tensor.device()) {
            // A view is summed in row order.
            let data = tensor.to_data().convert::<f32>();
            self.on_host += data.as_slice::<f32>().map_or(f64::NAN, of_values);
        } else {
            self.add_on_device(tensor);
        }
    }

    fn add_on_device<const D: usize>(&mut self, tensor: &Tensor<D>) {
        let width = tensor.dims()[D - 1];
        let rows = tensor.dims().iter().product::<usize>() / width.max(1);
        let waiting = self.waiting.entry(width).or_default();
        let values = waiting.iter().map(|tensor| tensor.dims()[0] * width).sum::<usize>();
        let full =
            if values + rows * width > STACKED { std::mem::take(waiting) } else { Vec::new() };
        waiting.push(wide(tensor.clone()).reshape([rows, width]));
        self.on_device.extend(row_sums(full));
    }

    /// Returns the squared norm.
    ///
    /// # Errors
    /// Returns an error if the device cannot be read.
    pub fn total(mut self) -> Result<f64, ModelError> {
        self.on_device.extend(self.waiting.into_values().filter_map(row_sums));
        let read = if self.on_device.is_empty() {
            Vec::new()
        } else {
            to_host(Tensor::cat(self.on_device, 0))?
        };
        Ok(self.on_host + read.into_iter().map(f64::from).sum::<f64>())
    }
}

/// Returns the sum of squares of each row of some matrices of equal width.
fn row_sums(mut matrices: Vec<Tensor<2>>) -> Option<Tensor<1>> {
    let last = matrices.pop()?;
    let matrix = if matrices.is_empty() {
        last
    } else {
        matrices.push(last);
        Tensor::cat(matrices, 0)
    };
    let sums = matrix.square().sum_dim(1);
    let count = sums.dims()[0];
    Some(sums.reshape([count]))
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
        // Short rows, so that no f32 accumulates many values.
        let rows = self.values.chunks(1024);
        rows.map(|row| f64::from(add_up(row, row, |a, b| a * b))).sum::<f64>() as f32
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, Tensor, TensorData};
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::SquaredNorm;

    #[test]
    fn another_device_gives_the_same_squared_norm() {
        let values: Vec<f32> = (0..12_000).map(|at| (at as f32 * 0.37).sin()).collect();
        let want: f64 = values.iter().map(|&x| f64::from(x) * f64::from(x)).sum();
        let tensor = Tensor::<3>::from_data(TensorData::new(values, [20, 30, 20]), &Device::flex());
        let mut sum = SquaredNorm::default();
        sum.add_on_device(&tensor);
        // The same values as a vector and as rows of equal width.
        let half = tensor.clone().narrow(0, 0, 10);
        sum.add_on_device(&half.reshape([6000]));
        sum.add_on_device(&tensor.narrow(0, 10, 10));
        let got = sum.total().expect("a norm");
        assert!((got - 2.0 * want).abs() < 1e-6 * want, "{got} {want}");
    }

    #[test]
    fn the_squared_norm_matches_f64_for_contiguous_and_strided_tensors() {
        let mut rng = ChaCha8Rng::seed_from_u64(2);
        for [rows, columns] in [[1, 1], [3, 5], [700, 301], [11, 3001]] {
            let values: Vec<f32> =
                (0..rows * columns).map(|_| rng.random_range(-2.0..2.0)).collect();
            let want: f64 = values.iter().map(|&x| f64::from(x) * f64::from(x)).sum();
            let last = f64::from(values[values.len() - 1]).powi(2);
            let data = TensorData::new(values, [rows, columns]);
            let tensor = Tensor::<2>::from_data(data, &Device::flex());
            for tensor in [tensor.clone().transpose(), tensor] {
                let mut sum = SquaredNorm::default();
                sum.add(&tensor);
                let got = sum.total().expect("a norm");
                assert!((got - want).abs() < 1e-7 * want, "{got} {want}");
                // Negative control: the norm depends on the last value.
                assert!((got - (want - last)).abs() > 1e-7 * want, "{got} {want}");
            }
        }
    }
}

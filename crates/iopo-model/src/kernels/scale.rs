//! Tensors times a number, on all threads.

use burn::tensor::Tensor;
use rayon::iter::ParallelIterator;
use rayon::slice::ParallelSliceMut;

use super::change::change;
use super::lanes::PIECE;

/// The tensor times a number. Burn's CPU backend takes one thread for it, in place, which is a tenth of a second for
/// all gradients of 135 million weights.
pub fn scale<const D: usize>(tensor: Tensor<D>, factor: f64) -> Tensor<D> {
    let number = factor as f32;
    let each = |values: &mut [f32]| values.iter_mut().for_each(|value| *value *= number);
    let scaled = change(tensor, |values| values.par_chunks_mut(PIECE).for_each(each));
    scaled.unwrap_or_else(|tensor| tensor.mul_scalar(factor))
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, Tensor, TensorData};

    use super::scale;

    #[test]
    fn it_is_burns_own_to_the_bit() {
        let values: Vec<f32> = (0..300_000).map(|at| (at as f32).sin()).collect();
        let tensor = Tensor::<2>::from_data(TensorData::new(values, [300, 1000]), &Device::flex());
        let read = |tensor: Tensor<2>| tensor.into_data().try_to_vec::<f32>().expect("f32");
        let (scaled, plain) = (scale(tensor.clone(), 0.3), tensor.clone().mul_scalar(0.3));
        assert_eq!(read(scaled), read(plain.clone()));
        // Control.
        assert_ne!(read(scale(tensor, 0.31)), read(plain));
    }
}

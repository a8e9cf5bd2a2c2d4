//! Changes a tensor's values in place.

use burn::tensor::{DType, Tensor};

use crate::device;

/// Applies `work` to a tensor's values in row-major order, in place or, if the values are shared, on a copy.
///
/// Gives the tensor back unchanged if it is not f32 in this process's memory or tracks gradients.
#[expect(clippy::result_large_err, reason = "the error is the unchanged tensor")]
pub(crate) fn change<const D: usize>(
    tensor: Tensor<D>,
    work: impl FnOnce(&mut [f32]),
) -> Result<Tensor<D>, Tensor<D>> {
    let device = tensor.device();
    if device.is_autodiff() || !device::has_kernels(&device) || tensor.dtype() != DType::F32 {
        return Err(tensor);
    }
    let mut data = tensor.into_data();
    match data.as_mut_slice::<f32>() {
        Ok(values) => {
            work(values);
            Ok(Tensor::from_data(data, (&device, DType::F32)))
        }
        Err(_) => Err(Tensor::from_data(data, (&device, DType::F32))),
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, Tensor};

    use super::change;

    #[test]
    fn shared_values_are_not_changed_and_views_keep_their_order() {
        let tensor = Tensor::<2>::from_data([[1f32, 2.0], [3.0, 4.0]], &Device::flex());
        let turned = tensor.clone().transpose();
        let add = |values: &mut [f32]| values[1] += 10.0;
        let read = |tensor: Tensor<2>| tensor.into_data().try_to_vec::<f32>().expect("f32");
        assert_eq!(read(change(turned, add).expect("local")), [1.0, 13.0, 2.0, 4.0]);
        assert_eq!(read(tensor.clone()), [1.0, 2.0, 3.0, 4.0]);
        assert_eq!(read(change(tensor, add).expect("local")), [1.0, 12.0, 3.0, 4.0]);
        let tracked = Tensor::<2>::zeros([2, 2], &Device::flex().autodiff());
        assert!(change(tracked, add).is_err());
    }
}

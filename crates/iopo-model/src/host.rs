//! Copies tensors to the host.

use burn::tensor::Tensor;

use crate::{ModelError, device};

/// Returns a tensor's values in row-major order; ones, if its device only records operations.
pub(crate) fn to_host<const D: usize>(tensor: Tensor<D>) -> Result<Vec<f32>, ModelError> {
    if device::records(&tensor.device()) {
        return Ok(vec![1.0; tensor.dims().iter().product()]);
    }
    let unreadable = |error: &dyn std::fmt::Debug| {
        // The lines after the first three are the driver's stack trace.
        let said = format!("{error:?}");
        let message = said.lines().take(3).collect::<Vec<_>>().join(" / ");
        ModelError::Other { reason: format!("failed to read a tensor from the device: {message}") }
    };
    let data = tensor.try_into_data().map_err(|error| unreadable(&error))?;
    data.convert::<f32>().try_to_vec().map_err(|error| unreadable(&error))
}

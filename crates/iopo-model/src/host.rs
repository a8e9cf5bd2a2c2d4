//! Values of a tensor on the host.

use burn::tensor::Tensor;

use crate::ModelError;

/// The tensor's values in row-major order.
pub(crate) fn to_host<const D: usize>(tensor: Tensor<D>) -> Result<Vec<f32>, ModelError> {
    let unreadable = |error: &dyn std::fmt::Debug| {
        // Below the first lines lies the driver's stack.
        let said = format!("{error:?}");
        let said = said.lines().take(3).collect::<Vec<_>>().join(" / ");
        ModelError::Other { reason: format!("cannot read a tensor back from the device: {said}") }
    };
    let data = tensor.try_into_data().map_err(|error| unreadable(&error))?;
    data.convert::<f32>().try_to_vec().map_err(|error| unreadable(&error))
}

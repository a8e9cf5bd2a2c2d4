//! Conversion of f64 tensors.

use burn::tensor::{DType, Device, Tensor, TensorData};

pub(crate) fn tensor(values: Vec<f64>, device: &Device) -> Tensor<1> {
    let length = values.len();
    Tensor::from_data(TensorData::new(values, [length]), (device, DType::F64))
}

pub(crate) fn values(tensor: &Tensor<1>) -> Vec<f64> {
    tensor.clone().into_data().try_to_vec::<f64>().expect("f64 values")
}

/// Returns the largest difference between two lists; infinite if a number is NaN.
pub(crate) fn apart(got: &[f64], expected: &[f64]) -> f64 {
    assert_eq!(got.len(), expected.len(), "number of rows");
    let differences = got.iter().zip(expected).map(|(got, expected)| (got - expected).abs());
    differences.map(|off| if off.is_nan() { f64::INFINITY } else { off }).fold(0.0, f64::max)
}

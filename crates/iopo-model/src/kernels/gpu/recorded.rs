//! The kernels on Burn's capture device, which records operations and computes nothing.

use burn::backend::tensor::FloatTensor;
use burn::backend::{Capture, TensorMetadata};
use burn::tensor::{DType, Shape};
use burn_ir::{CustomOpIr, OperationIr, TensorIr};

use burn_router::RouterClient;

use super::GpuKernels;

type Recorded = FloatTensor<Capture>;

/// Records one operation with f32 outputs of the given shapes.
fn record<const N: usize>(
    name: &'static str,
    inputs: Vec<Recorded>,
    shapes: [Shape; N],
) -> [Recorded; N] {
    let client = inputs[0].client.clone();
    let inputs: Vec<TensorIr> = inputs.into_iter().map(Recorded::into_ir).collect();
    let outputs =
        shapes.map(|shape| TensorIr::uninit(client.create_empty_handle(), shape, DType::F32));
    let operation = OperationIr::Custom(CustomOpIr::new(name, &inputs, &outputs));
    let made = client.register(operation).try_into();
    made.unwrap_or_else(|_| unreachable!("an operation has the outputs that it was made with"))
}

impl GpuKernels for Capture {
    fn rms_norm(
        x: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        _: f32,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        let (shape, column) = (x.shape(), Shape::new([x.shape()[0], 1]));
        let [y, normalized, scale] =
            record("rms_norm", vec![x, gamma], [shape.clone(), shape, column]);
        (y, normalized, scale)
    }

    fn add_rms_norm(
        x: FloatTensor<Self>,
        more: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        _: f32,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        let shape = x.shape();
        let [sum, y] = record("add_rms_norm", vec![x, more, gamma], [shape.clone(), shape]);
        (sum, y)
    }

    fn rms_norm_backward(
        normalized: FloatTensor<Self>,
        scale: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        dy: FloatTensor<Self>,
        onto: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        let shape = dy.shape();
        let [dx] = record("rms_norm_backward", vec![normalized, scale, gamma, dy, onto], [shape]);
        dx
    }

    fn rotate(
        x: FloatTensor<Self>,
        cos: FloatTensor<Self>,
        sin: FloatTensor<Self>,
        _: u32,
        _: f32,
    ) -> FloatTensor<Self> {
        let shape = x.shape();
        let [y] = record("rotate", vec![x, cos, sin], [shape]);
        y
    }

    fn swiglu(both: FloatTensor<Self>) -> FloatTensor<Self> {
        let shape = Shape::new([both.shape()[0], both.shape()[1] / 2]);
        let [y] = record("swiglu", vec![both], [shape]);
        y
    }

    fn swiglu_backward(both: FloatTensor<Self>, dy: FloatTensor<Self>) -> FloatTensor<Self> {
        let shape = both.shape();
        let [gradients] = record("swiglu_backward", vec![both, dy], [shape]);
        gradients
    }

    fn push(
        x: FloatTensor<Self>,
        inputs: FloatTensor<Self>,
        keys: FloatTensor<Self>,
        values: FloatTensor<Self>,
        queries: u32,
        _: bool,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        let q = Shape::new([x.shape()[0], queries as usize]);
        let shapes = [q, keys.shape(), values.shape()];
        let [q, keys, values] = record("push", vec![x, inputs, keys, values], shapes);
        (q, keys, values)
    }

    fn attend(
        q: FloatTensor<Self>,
        keys: FloatTensor<Self>,
        values: FloatTensor<Self>,
        inputs: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        let shape = q.shape();
        let [y] = record("attend", vec![q, keys, values, inputs], [shape]);
        y
    }

    fn overwrite(into: FloatTensor<Self>, from: FloatTensor<Self>) -> FloatTensor<Self> {
        let shape = into.shape();
        let [into] = record("overwrite", vec![into, from], [shape]);
        into
    }

    fn likeliest(logits: FloatTensor<Self>) -> FloatTensor<Self> {
        let shape = Shape::new([logits.shape()[0], 1]);
        let [chosen] = record("likeliest", vec![logits], [shape]);
        chosen
    }
}

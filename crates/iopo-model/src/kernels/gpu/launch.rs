//! The kernels on Burn's GPU backend, and what their launches share.

use burn::backend::tensor::FloatTensor;
use burn::tensor::DType;
use burn_cubecl::CubeBackend;
use burn_cubecl::cubecl::prelude::*;
use burn_cubecl::kernel::into_contiguous;
use burn_cubecl::ops::numeric::empty_device_contiguous_dtype;
use burn_cubecl::tensor::CubeTensor;

use super::{GpuKernels, attend, likeliest, norm, overwrite, rotate, swiglu};

/// Units that share a row.
pub(super) const UNITS: usize = 128;

/// Cubes side by side: at most what every device allows in one dimension.
const ACROSS: usize = 1 << 15;

/// Returns the number of cubes for one cube per row; some may be superfluous.
pub(super) fn cubes(rows: usize) -> CubeCount {
    let across = rows.min(ACROSS);
    CubeCount::Static(across as u32, rows.div_ceil(ACROSS) as u32, 1)
}

pub(super) fn rows_and_width(x: &CubeTensor) -> [usize; 2] {
    let shape = x.meta.shape();
    [shape[0], shape[1]]
}

/// Copies a tensor that is not row-major into that order.
pub(super) fn row_major(x: CubeTensor) -> CubeTensor {
    into_contiguous(x)
}

/// Allocates a row-major tensor with a shape, on the device of another and of its type.
pub(super) fn with_shape<const D: usize>(x: &CubeTensor, shape: [usize; D]) -> CubeTensor {
    empty_device_contiguous_dtype(x.client.clone(), x.device.clone(), shape.into(), x.dtype)
}

/// Allocates a row-major tensor with the shape of another.
pub(super) fn like(x: &CubeTensor) -> CubeTensor {
    let shape = x.meta.shape().clone();
    empty_device_contiguous_dtype(x.client.clone(), x.device.clone(), shape, x.dtype)
}

/// Returns the values of a row-major f32 tensor as an argument of a kernel.
///
/// # Panics
/// Panics if the tensor has another type.
pub(super) fn slice(x: &CubeTensor) -> BufferArg {
    assert_eq!(x.dtype, DType::F32, "the kernels read f32");
    x.clone().into_buffer_arg()
}

impl GpuKernels for CubeBackend {
    fn rms_norm(
        x: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        epsilon: f32,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        norm::rms_norm(x, gamma, epsilon)
    }

    fn add_rms_norm(
        x: FloatTensor<Self>,
        more: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        epsilon: f32,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        norm::add_rms_norm(x, more, gamma, epsilon)
    }

    fn rms_norm_backward(
        normalized: FloatTensor<Self>,
        scale: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        dy: FloatTensor<Self>,
        onto: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        norm::rms_norm_backward(normalized, scale, gamma, dy, onto)
    }

    fn rotate(
        x: FloatTensor<Self>,
        cos: FloatTensor<Self>,
        sin: FloatTensor<Self>,
        heads: u32,
        sign: f32,
    ) -> FloatTensor<Self> {
        rotate::rotate(x, cos, sin, heads as usize, sign)
    }

    fn swiglu(both: FloatTensor<Self>) -> FloatTensor<Self> {
        swiglu::swiglu(both)
    }

    fn swiglu_backward(both: FloatTensor<Self>, dy: FloatTensor<Self>) -> FloatTensor<Self> {
        swiglu::swiglu_backward(both, dy)
    }

    fn push(
        x: FloatTensor<Self>,
        inputs: FloatTensor<Self>,
        keys: FloatTensor<Self>,
        values: FloatTensor<Self>,
        queries: u32,
        in_place: bool,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        rotate::push(x, inputs, [keys, values], queries as usize, in_place)
    }

    fn attend(
        q: FloatTensor<Self>,
        keys: FloatTensor<Self>,
        values: FloatTensor<Self>,
        inputs: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        attend::attend(q, keys, values, inputs)
    }

    fn overwrite(into: FloatTensor<Self>, from: FloatTensor<Self>) -> FloatTensor<Self> {
        overwrite::overwrite(into, from)
    }

    fn likeliest(logits: FloatTensor<Self>) -> FloatTensor<Self> {
        likeliest::likeliest(logits)
    }
}

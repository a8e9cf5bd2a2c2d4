//! Fused kernels, for Burn's CPU backend in Rust and for GPUs in `CubeCL` ([`gpu`]).
//!
//! Each has a fallback built from Burn operations, which other backends use and the tests compare with. CPU kernels read tensors
//! in place through Burn's extension interface and choose vector instructions at run time.
#![expect(
    clippy::inline_always,
    reason = "only code inlined into a kernel is compiled with its vector instructions"
)]

mod attend;
mod change;
mod exp;
mod few_rows;
#[cfg_attr(
    not(any(feature = "_gpu", feature = "_capture")),
    expect(unused_variables, reason = "without a GPU, the generated code does not read scalars")
)]
pub(crate) mod gpu;
mod int8;
mod lanes;
mod multiply;
mod products;
mod rms_norm;
mod rotate;
mod softmax;
mod squares;
mod swiglu;
mod tree_attention;
mod weights;

pub(crate) use attend::{Seen, attend, push_keys};
pub(crate) use few_rows::few_rows_times_transposed;
pub(crate) use int8::Int8Matrix;
pub use products::matmul;
pub(crate) use products::{Product, product, sum, turned};
pub(crate) use rms_norm::{Normed, rms_norm, rms_norm_backward};
pub(crate) use rotate::{Angles, Direction};
pub(crate) use softmax::{Exponentials, exponentials};
pub use squares::SquaredNorm;
pub(crate) use swiglu::{swiglu, swiglu_backward, swiglu_joint, swiglu_joint_backward};
pub(crate) use tree_attention::{attend_tree, attend_tree_gradients};
pub(crate) use weights::{likeliest, weights};

use burn::tensor::Tensor;

/// A tensor whose values a kernel can read in place: contiguous f32 in this process.
#[cfg(feature = "flex")]
struct Local(<burn::backend::Flex as burn::backend::BackendTypes>::FloatTensorPrimitive);

#[cfg(feature = "flex")]
impl Local {
    fn new<const D: usize>(tensor: &Tensor<D>) -> Option<Self> {
        if cfg!(feature = "_plain") {
            return None;
        }
        let primitive = tensor.clone().try_into_primitive::<burn::backend::Flex>().ok()?;
        primitive.as_slice::<f32>()?;
        Some(Self(primitive))
    }

    fn values(&self) -> &[f32] {
        self.0.as_slice::<f32>().unwrap_or_default()
    }
}

#[cfg(not(feature = "flex"))]
struct Local;

#[cfg(not(feature = "flex"))]
impl Local {
    fn new<const D: usize>(_: &Tensor<D>) -> Option<Self> {
        None
    }

    fn values(&self) -> &[f32] {
        &[]
    }
}

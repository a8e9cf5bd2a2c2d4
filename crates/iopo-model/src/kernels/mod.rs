//! Operations that Burn's CPU backend is slow at, written out for it.
//!
//! Each has a plain twin of Burn operations, which every other backend takes and which the tests hold it against. They
//! read tensors where they lie, through Burn's extension interface; vector instructions are chosen at run time.
#![expect(
    clippy::inline_always,
    reason = "vector instructions reach only what is inlined into a kernel"
)]

mod attend;
mod change;
mod exp;
mod few_rows;
mod lanes;
mod multiply;
mod products;
mod rms_norm;
mod rotate;
mod softmax;
mod squares;
mod swiglu;
mod tree_attention;

pub(crate) use attend::{Seen, attend};
pub(crate) use few_rows::few_rows_times_transposed;
pub use products::matmul;
pub(crate) use products::{Product, product, sum, turned};
pub(crate) use rms_norm::{Normed, rms_norm, rms_norm_backward};
pub(crate) use rotate::rotate;
pub(crate) use softmax::{Exponentials, exponentials};
pub use squares::SquaredNorm;
pub(crate) use swiglu::{swiglu, swiglu_backward};
pub(crate) use tree_attention::{attend_tree, attend_tree_slopes};

use burn::tensor::Tensor;

/// What a kernel reads: the tensor where it lies, if it lies in this process as contiguous f32.
#[cfg(feature = "flex")]
struct Local(<burn::backend::Flex as burn::backend::BackendTypes>::FloatTensorPrimitive);

#[cfg(feature = "flex")]
impl Local {
    fn new<const D: usize>(tensor: &Tensor<D>) -> Option<Self> {
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

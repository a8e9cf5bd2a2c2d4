//! Kernels for GPUs, in `CubeCL`.
//!
//! A step of a small model on a GPU waits for the host (`docs/backends.md`, Operations). Each of these kernels is one operation
//! in place of several of Burn's, which compute the same on other devices.

#[cfg(feature = "_gpu")]
mod attend;
#[cfg(feature = "_gpu")]
mod launch;
#[cfg(feature = "_gpu")]
mod likeliest;
#[cfg(feature = "_gpu")]
mod norm;
#[cfg(feature = "_gpu")]
mod overwrite;
#[cfg(feature = "_capture")]
mod recorded;
#[cfg(feature = "_gpu")]
mod rotate;
#[cfg(feature = "_gpu")]
mod swiglu;
#[cfg(all(test, feature = "_gpu", feature = "flex"))]
mod tests;

#[cfg(feature = "_gpu")]
use burn::backend::fusion::custom::TensorSpec;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, Dispatch, backend_extension};
use burn::tensor::{Device, Tensor};

use super::{Direction, Normed};

/// The kernels. Tensors are f32; those that are not row-major are copied.
#[backend_extension(
    Fusion: cfg(feature = "_gpu"),
    Cube: cfg(feature = "_gpu"),
    Capture: cfg(feature = "_capture"),
)]
pub(crate) trait GpuKernels: Backend {
    /// See [`rms_norm`].
    #[fusion(meta = |x, _, _| (x.clone(), x.clone(), with_width(x, 1)))]
    fn rms_norm(
        x: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        epsilon: f32,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>);

    /// See [`add_rms_norm`].
    #[fusion(meta = |x, _, _, _| (x.clone(), x.clone()))]
    fn add_rms_norm(
        x: FloatTensor<Self>,
        more: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        epsilon: f32,
    ) -> (FloatTensor<Self>, FloatTensor<Self>);

    /// See [`rms_norm_backward`].
    #[fusion(meta = |normalized, _, _, _, _| normalized.clone())]
    fn rms_norm_backward(
        normalized: FloatTensor<Self>,
        scale: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        dy: FloatTensor<Self>,
        onto: FloatTensor<Self>,
    ) -> FloatTensor<Self>;

    /// See [`rotate`].
    #[fusion(meta = |x, _, _, _, _| x.clone())]
    fn rotate(
        x: FloatTensor<Self>,
        cos: FloatTensor<Self>,
        sin: FloatTensor<Self>,
        heads: u32,
        sign: f32,
    ) -> FloatTensor<Self>;

    /// See [`swiglu`].
    #[fusion(meta = |both| with_width(both, both.shape[1] / 2))]
    fn swiglu(both: FloatTensor<Self>) -> FloatTensor<Self>;

    /// See [`swiglu_backward`].
    #[fusion(meta = |both, _| both.clone())]
    fn swiglu_backward(both: FloatTensor<Self>, dy: FloatTensor<Self>) -> FloatTensor<Self>;

    /// See [`push`].
    #[fusion(meta = |x, _, keys, values, queries, _| {
        (with_width(x, *queries as usize), keys.clone(), values.clone())
    })]
    fn push(
        x: FloatTensor<Self>,
        inputs: FloatTensor<Self>,
        keys: FloatTensor<Self>,
        values: FloatTensor<Self>,
        queries: u32,
        in_place: bool,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>);

    /// See [`attend`].
    #[fusion(meta = |q, _, _, _| q.clone())]
    fn attend(
        q: FloatTensor<Self>,
        keys: FloatTensor<Self>,
        values: FloatTensor<Self>,
        inputs: FloatTensor<Self>,
    ) -> FloatTensor<Self>;

    /// See [`overwrite`].
    #[fusion(meta = |into, _| into.clone())]
    fn overwrite(into: FloatTensor<Self>, from: FloatTensor<Self>) -> FloatTensor<Self>;

    /// See [`likeliest`].
    #[fusion(meta = |logits| with_width(logits, 1))]
    fn likeliest(logits: FloatTensor<Self>) -> FloatTensor<Self>;
}

/// Describes a matrix with the rows of another.
#[cfg(feature = "_gpu")]
fn with_width(matrix: &TensorSpec, width: usize) -> TensorSpec {
    TensorSpec::new([matrix.shape[0], width].into(), matrix.dtype)
}

/// Largest head that [`attend`] computes.
pub(crate) const LARGEST_HEAD: usize = 128;

/// Returns whether a device runs the kernels.
pub(crate) fn runs(device: &Device) -> bool {
    #[cfg(feature = "_gpu")]
    if matches!(device.as_dispatch(), burn::backend::DispatchDevice::Cube(_)) {
        return true;
    }
    crate::device::records(device)
}

/// Computes [`super::rms_norm`].
pub(super) fn rms_norm(x: &Tensor<2>, gamma: &Tensor<1>, epsilon: f64) -> Normed {
    let (x, gamma) = (x.clone().into_dispatch(), gamma.clone().into_dispatch());
    let (y, normalized, scale) = <Dispatch as GpuKernels>::rms_norm(x, gamma, epsilon as f32);
    let [y, normalized, scale] = [y, normalized, scale].map(Tensor::from_dispatch);
    Normed { y, normalized, scale }
}

/// Returns `x + more` and its normalization.
///
/// # Shapes
/// `[rows, width]` twice, γ `[width]` → `[rows, width]` twice.
pub(crate) fn add_rms_norm(
    x: Tensor<2>,
    more: Tensor<2>,
    gamma: &Tensor<1>,
    epsilon: f64,
) -> (Tensor<2>, Tensor<2>) {
    let (x, more, gamma) = (x.into_dispatch(), more.into_dispatch(), gamma.clone().into_dispatch());
    let (sum, y) = <Dispatch as GpuKernels>::add_rms_norm(x, more, gamma, epsilon as f32);
    (Tensor::from_dispatch(sum), Tensor::from_dispatch(y))
}

/// Computes [`super::rms_norm_backward`].
pub(super) fn rms_norm_backward(
    normalized: &Tensor<2>,
    scale: &Tensor<2>,
    gamma: &Tensor<1>,
    dy: &Tensor<2>,
    onto: Tensor<2>,
) -> Tensor<2> {
    let [normalized, scale, dy] = [normalized, scale, dy].map(|x| x.clone().into_dispatch());
    let (gamma, onto) = (gamma.clone().into_dispatch(), onto.into_dispatch());
    let dx = <Dispatch as GpuKernels>::rms_norm_backward(normalized, scale, gamma, dy, onto);
    Tensor::from_dispatch(dx)
}

/// Rotates the pairs (i, i + half) of the first heads and copies the others.
///
/// # Shapes
/// x `[tokens, all heads · 2 · half]`, cosines and sines `[tokens, 1, half]` → as x.
pub(super) fn rotate(
    x: Tensor<2>,
    [cos, sin]: [&Tensor<3>; 2],
    heads: usize,
    direction: Direction,
) -> Tensor<2> {
    let [cos, sin] = [cos, sin].map(|table| table.clone().into_dispatch());
    let sign = direction.sign();
    let y = <Dispatch as GpuKernels>::rotate(x.into_dispatch(), cos, sin, heads as u32, sign);
    Tensor::from_dispatch(y)
}

/// Computes `silu(gate) · up` of matrices side by side.
///
/// # Shapes
/// `[tokens, 2 · wide]` → `[tokens, wide]`.
pub(crate) fn swiglu(both: Tensor<2>) -> Tensor<2> {
    Tensor::from_dispatch(<Dispatch as GpuKernels>::swiglu(both.into_dispatch()))
}

/// Returns the gradients of both matrices of [`swiglu`], side by side.
///
/// # Shapes
/// `[tokens, 2 · wide]`, `[tokens, wide]` → `[tokens, 2 · wide]`.
pub(crate) fn swiglu_backward(both: Tensor<2>, dy: Tensor<2>) -> Tensor<2> {
    let (both, dy) = (both.into_dispatch(), dy.into_dispatch());
    Tensor::from_dispatch(<Dispatch as GpuKernels>::swiglu_backward(both, dy))
}

/// Rotates the queries and keys of one token per slot, and writes keys and values into the column of the inputs. Returns the
/// queries, the keys and the values.
///
/// `x` has all queries, keys and values side by side, and `queries` is the width of the first. A cache that something else holds
/// is copied, unless it is written `in_place` whatever holds it.
///
/// # Shapes
/// x `[slots, (heads + 2 · kv_heads) · head_dim]`, keys `[slots, kv_heads, head_dim, capacity]`, values
/// `[slots, kv_heads, capacity, head_dim]` → `[slots, heads · head_dim]`, as keys, as values.
pub(crate) fn push(
    x: Tensor<2>,
    inputs: &Tensor<1>,
    [keys, values]: [Tensor<4>; 2],
    queries: usize,
    in_place: bool,
) -> (Tensor<2>, Tensor<4>, Tensor<4>) {
    let (x, inputs) = (x.into_dispatch(), inputs.clone().into_dispatch());
    let (keys, values) = (keys.into_dispatch(), values.into_dispatch());
    let (q, keys, values) =
        <Dispatch as GpuKernels>::push(x, inputs, keys, values, queries as u32, in_place);
    (Tensor::from_dispatch(q), Tensor::from_dispatch(keys), Tensor::from_dispatch(values))
}

/// Computes attention of each slot's newest token to the columns from the slot's first one to that of the inputs.
///
/// A head has at most [`LARGEST_HEAD`] values.
///
/// # Shapes
/// q `[slots, heads · head_dim]`, keys `[slots, kv_heads, head_dim, capacity]`, values
/// `[slots, kv_heads, capacity, head_dim]` → as q.
pub(crate) fn attend(
    q: Tensor<2>,
    keys: &Tensor<4>,
    values: &Tensor<4>,
    inputs: &Tensor<1>,
) -> Tensor<2> {
    let [keys, values] = [keys, values].map(|cache| cache.clone().into_dispatch());
    let (q, inputs) = (q.into_dispatch(), inputs.clone().into_dispatch());
    Tensor::from_dispatch(<Dispatch as GpuKernels>::attend(q, keys, values, inputs))
}

/// Writes `from` into the memory of `into`, so that everything that holds `into` sees the new values.
///
/// The returned tensor must be held until the device is asked for something that reads `into`.
///
/// # Shapes
/// `[count]` both.
pub(crate) fn overwrite(into: Tensor<1>, from: Tensor<1>) -> Tensor<1> {
    let (into, from) = (into.into_dispatch(), from.into_dispatch());
    Tensor::from_dispatch(<Dispatch as GpuKernels>::overwrite(into, from))
}

/// Largest vocabulary whose tokens are exact in f32.
pub(crate) const LARGEST_VOCABULARY: usize = 1 << 24;

/// Returns the likeliest token of each row, the lowest among ties; −1 if a logit is NaN or infinite.
///
/// There are at most [`LARGEST_VOCABULARY`] tokens.
///
/// # Shapes
/// `[rows, vocab]` → `[rows, 1]`.
pub(crate) fn likeliest(logits: Tensor<2>) -> Tensor<2> {
    Tensor::from_dispatch(<Dispatch as GpuKernels>::likeliest(logits.into_dispatch()))
}

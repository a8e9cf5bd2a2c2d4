//! Sums of matrix products, written into one buffer.
//!
//! Burn's CPU backend clears and copies a buffer for every product, and adds products in separate passes. Here the
//! first product writes to a new buffer and the others add to it; `docs/decisions/0009-cpu-kernels.md` has measurements.

use burn::tensor::{DType, Tensor, TensorData};

use super::Local;
use super::change::change;
use super::multiply::{self, Threads, View, multiply};
use crate::device;
use crate::dtype::wide;

/// Smallest number of multiplications for which a product uses several threads.
const SHARED: usize = 1 << 20;

/// The product `scale · left · right`; without a scale, `left · right`.
#[derive(Debug, Clone)]
pub(crate) struct Product {
    scale: Option<f32>,
    left: Factor,
    right: Factor,
}

/// A matrix, optionally transposed.
#[derive(Debug, Clone)]
pub(crate) struct Factor {
    tensor: Tensor<2>,
    turned: bool,
}

impl From<Tensor<2>> for Factor {
    fn from(tensor: Tensor<2>) -> Self {
        Self { tensor: computed(tensor), turned: false }
    }
}

/// Returns the transpose without copying.
pub(crate) fn turned(tensor: Tensor<2>) -> Factor {
    Factor { tensor: computed(tensor), turned: true }
}

/// Converts a factor to the type of the computation: f32 on flex, where 16 bits only save memory.
fn computed(tensor: Tensor<2>) -> Tensor<2> {
    if tensor.dtype() != DType::F32 && device::in_process(&tensor.device()) {
        return wide(tensor);
    }
    tensor
}

impl Factor {
    fn dims(&self) -> [usize; 2] {
        let [rows, columns] = self.tensor.dims();
        if self.turned { [columns, rows] } else { [rows, columns] }
    }

    /// Strides of rows and columns.
    fn strides(&self) -> [usize; 2] {
        let width = self.tensor.dims()[1];
        if self.turned { [1, width] } else { [width, 1] }
    }

    fn plain(&self) -> Tensor<2> {
        let tensor = self.tensor.clone();
        if self.turned { tensor.transpose() } else { tensor }
    }
}

impl Product {
    pub(crate) fn new(left: impl Into<Factor>, right: impl Into<Factor>) -> Self {
        Self { scale: None, left: left.into(), right: right.into() }
    }

    /// Sets the product's scale.
    pub(crate) fn times(self, scale: f64) -> Self {
        Self { scale: Some(scale as f32), ..self }
    }

    fn dims(&self) -> [usize; 2] {
        [self.left.dims()[0], self.right.dims()[1]]
    }

    fn factor(&self) -> f32 {
        self.scale.unwrap_or(1.0)
    }

    fn threads(&self) -> Threads {
        let ([rows, inner], columns) = (self.left.dims(), self.right.dims()[1]);
        if rows * inner * columns >= SHARED { Threads::All } else { Threads::One }
    }

    fn operands(&self) -> Option<[Operand; 2]> {
        Some([Operand::new(&self.left)?, Operand::new(&self.right)?])
    }

    /// Computes the product with Burn operations.
    fn plain(&self) -> Tensor<2> {
        let (left, right) = (self.left.plain(), self.right.plain());
        // With a 16-bit weight the other factor is converted too, so that a GPU's matrix units apply.
        let narrow = [left.dtype(), right.dtype()].into_iter().find(|&dtype| dtype != DType::F32);
        let product = match narrow {
            Some(dtype) => wide(left.cast(dtype).matmul(right.cast(dtype))),
            None => left.matmul(right),
        };
        match self.scale {
            Some(scale) => product.mul_scalar(scale),
            None => product,
        }
    }
}

/// Multiplies `left · right` as decoder layers do.
///
/// # Shapes
/// `[m, k]`, `[k, n]` → `[m, n]`.
///
/// # Panics
/// Panics if the inner sizes differ.
pub fn matmul(left: Tensor<2>, right: Tensor<2>) -> Tensor<2> {
    product(left, right)
}

/// Computes one product.
pub(crate) fn product(left: impl Into<Factor>, right: impl Into<Factor>) -> Tensor<2> {
    sum(None, &Product::new(left, right), None)
}

/// Computes `onto + first + second`, in place of `onto` if nothing else holds its values.
///
/// # Shapes
/// `[m, n]`, and factors `[m, k]`, `[k, n]` → `[m, n]`.
pub(crate) fn sum(onto: Option<Tensor<2>>, first: &Product, second: Option<&Product>) -> Tensor<2> {
    fused(onto, first, second).unwrap_or_else(|onto| {
        let mut sum = first.plain();
        if let Some(onto) = onto {
            sum = onto + sum;
        }
        match second {
            Some(second) => sum + second.plain(),
            None => sum,
        }
    })
}

/// Returns the sum, or gives `onto` back if an operand is empty or cannot be read in place.
#[expect(clippy::result_large_err, reason = "the error is the unchanged tensor")]
fn fused(
    onto: Option<Tensor<2>>,
    first: &Product,
    second: Option<&Product>,
) -> Result<Tensor<2>, Option<Tensor<2>>> {
    let [rows, columns] = first.dims();
    let fits = second.is_none_or(|second| second.dims() == [rows, columns])
        && onto.as_ref().is_none_or(|onto| onto.dims() == [rows, columns]);
    let (Some(operands), true) = (first.operands(), fits) else { return Err(onto) };
    let second = match second {
        Some(second) => match second.operands() {
            Some(operands) => Some((second.factor(), operands)),
            None => return Err(onto),
        },
        None => None,
    };
    let views = [operands[0].view(), operands[1].view()];
    let add_second = |values: &mut [f32]| {
        if let Some((scale, [left, right])) = &second {
            let views = [left.view(), right.view()];
            multiply(values, columns, true, *scale, views, first.threads());
        }
    };
    if let Some(onto) = onto {
        let sum = change(onto, |values| {
            multiply(values, columns, true, first.factor(), views, first.threads());
            add_second(values);
        });
        return sum.map_err(Some);
    }
    let mut values = multiply::product(first.factor(), views, first.threads());
    add_second(&mut values);
    let data = TensorData::new(values, [rows, columns]);
    Ok(Tensor::from_data(data, &first.left.tensor.device()))
}

/// A factor read in place.
struct Operand {
    local: Local,
    dims: [usize; 2],
    strides: [usize; 2],
}

impl Operand {
    fn new(factor: &Factor) -> Option<Self> {
        let local = Local::new(&factor.tensor)?;
        let dims = factor.dims();
        (!local.values().is_empty()).then(|| Self { local, dims, strides: factor.strides() })
    }

    fn view(&self) -> View<'_> {
        View::new(self.local.values(), self.dims, self.strides)
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, Tensor, TensorData};
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::{Factor, Product, fused, product, sum, turned};

    fn random(shape: [usize; 2], seed: u64) -> Tensor<2> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let values: Vec<f32> =
            (0..shape[0] * shape[1]).map(|_| rng.random_range(-1.0..1.0)).collect();
        Tensor::from_data(TensorData::new(values, shape), &Device::flex())
    }

    fn apart(a: &Tensor<2>, b: &Tensor<2>) -> f32 {
        assert_eq!(a.dims(), b.dims());
        (a.clone() - b.clone()).abs().max().into_scalar()
    }

    #[test]
    fn sums_match_burn_for_every_layout_and_size() {
        for (m, k, n) in [(1, 1, 1), (5, 3, 2), (33, 48, 67), (130, 64, 300)] {
            let [a, b, c] = [random([m, k], 1), random([k, n], 2), random([m, n], 3)];
            let (low, up) = (random([m, 4], 4), random([4, n], 5));
            let as_stored = |t: &Tensor<2>| Factor::from(t.clone());
            // The same matrices, stored transposed.
            let stored_turned = |t: &Tensor<2>| {
                turned(Tensor::from_data(t.clone().transpose().into_data(), &t.device()))
            };
            let want =
                c.clone() + a.clone().matmul(b.clone()) + low.clone().matmul(up.clone()) * 0.5;
            for layout in [as_stored as fn(&Tensor<2>) -> Factor, stored_turned] {
                let first = Product::new(layout(&a), layout(&b));
                let second = Product::new(layout(&low), layout(&up)).times(0.5);
                let got = fused(Some(c.clone()), &first, Some(&second)).expect("local");
                assert!(apart(&got, &want) < 1e-6 * (k + 8) as f32, "{m} {k} {n}");
                // Negative control: without the second product the result differs.
                assert!(apart(&sum(Some(c.clone()), &first, None), &want) > 1e-3, "{m} {k} {n}");
            }
            assert!(apart(&product(a.clone(), b.clone()), &a.matmul(b)) < 1e-6 * (k + 8) as f32);
        }
    }

    #[test]
    fn strided_views_fall_back_to_burn() {
        let (a, b) = (random([4, 6], 1), random([4, 3], 2));
        let first = Product::new(a.clone().transpose(), b.clone());
        assert!(fused(None, &first, None).is_err());
        assert!(apart(&sum(None, &first, None), &product(turned(a), b)) < 1e-6);
    }
}

//! Weights of a group's mixed sequences, from the false cells of its truth table.

use burn::tensor::{Tensor, TensorData};
use iopo_core::FalseCells;

/// The weights of s12 and s21 in `n` groups: 1 and 1 for a full group, 2 and 0 or 0 and 2 for a sided one.
///
/// # Shapes
/// Both fields: `[groups]`.
pub type CellWeights = FalseCells<Tensor<1>>;

/// Creates the weights of groups from their false cells, with the device and number type of `like`.
///
/// # Shapes
/// `like`: any; `[cells.len()]` in both fields out.
#[must_use]
pub fn cell_weights(cells: &[FalseCells], like: &Tensor<1>) -> CellWeights {
    let vector = |weight: fn(FalseCells<f64>) -> f64| {
        let values: Vec<f64> = cells.iter().map(|cells| weight(cells.weights())).collect();
        let data = TensorData::new(values, [cells.len()]);
        Tensor::from_data(data, (&like.device(), like.dtype()))
    };
    FalseCells { x1y2: vector(|weights| weights.x1y2), x2y1: vector(|weights| weights.x2y1) }
}

/// Computes the mean of the losses of a group's two output or input comparisons over the strict ones, whose rejected cell
/// is false: both in a full group, one in a sided group.
///
/// `weights` are the [rejected outputs](FalseCells::rejected_outputs) or the [rejected
/// inputs](FalseCells::rejected_inputs) of [`CellWeights`].
///
/// # Shapes
/// `[groups]` in every tensor; `[groups]` out.
#[must_use]
pub fn strict_mean(losses: [Tensor<1>; 2], weights: [&Tensor<1>; 2]) -> Tensor<1> {
    let [first, second] = losses;
    (first * weights[0].clone() + second * weights[1].clone()).mul_scalar(0.5)
}

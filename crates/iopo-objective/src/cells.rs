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

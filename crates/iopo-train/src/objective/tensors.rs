//! The tensors of a loss: logps as leaves of the gradient graph, and their gradients back on the host.

use burn::tensor::{DType, Device, Gradients, Tensor, TensorData};
use iopo_core::{FalseCells, PerSequence};
use iopo_model::ModelError;
use iopo_objective::{CellWeights, GroupLogps, GroupTokens, cell_weights};

use super::GroupWithLogps;

/// Logps, token counts and cell weights of some groups as tensors of f64 in main memory, whatever device computed the logps
/// (`docs/decisions/0013-losses-on-the-host.md`).
pub(super) struct Leaves {
    device: Device,
    /// Logps under the policy, which the gradient is taken with respect to.
    pub(super) policy: GroupLogps,
    /// Logps under the reference.
    pub(super) reference: GroupLogps,
    /// Response tokens.
    pub(super) tokens: GroupTokens,
    /// Weights of the mixed sequences.
    pub(super) cells: CellWeights,
}

impl Leaves {
    pub(super) fn new(groups: &[GroupWithLogps<'_>]) -> Self {
        let device = Device::flex().autodiff();
        let vector = |values: Vec<f64>| tensor(values, &device);
        let column =
            |of: &dyn Fn(&GroupWithLogps<'_>) -> f64| vector(groups.iter().map(of).collect());
        let policy = PerSequence::from_fn(|sequence| {
            column(&|group| *group.policy.get(sequence)).require_grad()
        });
        let reference =
            PerSequence::from_fn(|sequence| column(&|group| *group.reference.get(sequence)));
        let tokens = GroupTokens {
            y1: column(&|group| group.group.y1.len() as f64),
            // An input preference has no y2, and a mean over no token is not a number.
            y2: column(&|group| group.group.y2.len().max(1) as f64),
        };
        let false_cells: Vec<FalseCells> =
            groups.iter().map(|group| group.group.false_cells).collect();
        let cells = cell_weights(&false_cells, &policy.x1y1);
        Self { device, policy, reference, tokens, cells }
    }

    /// Makes a constant vector on the leaves' device.
    pub(super) fn vector(&self, values: Vec<f64>) -> Tensor<1> {
        tensor(values, &self.device)
    }

    /// Reads the gradient of each group's sequences; 0 where the loss does not depend on a sequence.
    pub(super) fn gradients(&self, found: &Gradients) -> Result<Vec<PerSequence<f64>>, ModelError> {
        let groups = self.policy.x1y1.dims()[0];
        let columns =
            PerSequence::try_from_fn(|sequence| match self.policy.get(sequence).grad(found) {
                Some(gradient) => host(gradient),
                None => Ok(vec![0.0; groups]),
            })?;
        let row = |index: usize| columns.as_ref().map(|column| column[index]);
        Ok((0..groups).map(row).collect())
    }
}

fn tensor(values: Vec<f64>, device: &Device) -> Tensor<1> {
    let length = values.len();
    Tensor::from_data(TensorData::new(values, [length]), (device, DType::F64))
}

/// Reads a vector.
pub(super) fn host(tensor: Tensor<1>) -> Result<Vec<f64>, ModelError> {
    tensor
        .into_data()
        .convert::<f64>()
        .try_to_vec::<f64>()
        .map_err(|error| ModelError::Other { reason: format!("failed to read losses: {error:?}") })
}

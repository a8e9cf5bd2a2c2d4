//! Preference losses over summed log-probabilities, on Burn tensors: IOPO, its ablations, DPO, `SimPO`, ORPO, TPO.
//!
//! | module | contents |
//! |---|---|
//! | [`logps`] | logps of the four sequences of a group, of a pair, of a triple |
//! | [`tokens`] | response lengths, for losses per token |
//! | [`cells`] | weights for groups in which a response follows both instructions |
//! | [`shape`] | losses of a margin: sigmoid, `sigmoid_norm`, hinge, ipo, robust, `exo_pair` |
//! | [`iopo`](mod@iopo) | IOPO, for full and for sided groups |
//! | [`ablation`] | without input preference, without output preference, three sequences |
//! | [`dpo`](mod@dpo) | DPO on pairs, and on both mirrored pairs of a group |
//! | [`simpo`](mod@simpo), [`orpo`](mod@orpo), [`tpo`](mod@tpo) | losses without a reference model |
//! | [`sft`] | negative log-likelihood per token, alone and as the `pref_ftx` term |
//! | [`metrics`] | accuracies of the implicit reward |
//!
//! A training step:
//!
//! ```
//! use burn::tensor::{Device, Tensor};
//! use iopo_objective::{GroupLogps, iopo, output_accuracies, pref_ftx};
//!
//! let device = Device::flex().autodiff();
//! let tensor = |values: [f32; 2]| Tensor::<1>::from_floats(values, &device);
//!
//! // log p(y|x) of two groups, summed over response tokens including EOS.
//! let x1y1 = tensor([-41.0, -37.5]).require_grad(); // from the model in training
//! let policy = GroupLogps {
//!     x1y1: x1y1.clone(),
//!     x1y2: tensor([-52.0, -40.0]),
//!     x2y1: tensor([-47.0, -45.5]),
//!     x2y2: tensor([-39.0, -44.0]),
//! };
//! // The logps under the frozen model that training started from.
//! let reference = GroupLogps {
//!     x1y1: tensor([-43.0, -38.0]),
//!     x1y2: tensor([-51.0, -39.5]),
//!     x2y1: tensor([-46.0, -46.0]),
//!     x2y2: tensor([-40.0, -43.0]),
//! };
//!
//! let preference = iopo(&policy, &reference, 0.1);
//! let anchor = pref_ftx(&policy, &tensor([20.0, 18.0]), &tensor([23.0, 21.0]));
//! let gradients = (preference + anchor).mean().backward();
//! assert!(x1y1.grad(&gradients).is_some());
//!
//! let [accuracy_x1, _] = output_accuracies(&policy.rewards(&reference, 0.1));
//! assert_eq!(accuracy_x1.dims(), [2]);
//! ```
//!
//! The crate needs Burn, but no files, tokenizer or model.

pub mod ablation;
pub mod cells;
pub mod dpo;
pub mod iopo;
pub mod logps;
pub mod metrics;
pub mod orpo;
pub mod sft;
pub mod shape;
pub mod simpo;
pub mod tokens;
pub mod tpo;

pub use ablation::{
    three_sequences, three_sequences_sided, without_input, without_output, without_output_sided,
};
pub use cells::{CellWeights, cell_weights, strict_mean};
pub use dpo::{dpo, dpo_mirrored, dpo_mirrored_shaped, dpo_mirrored_sided};
pub use iopo::{iopo, iopo_sided, sided_margin};
pub use iopo_core::{FalseCells, PerSequence, Sequence};
pub use logps::{GroupLogps, GroupLogpsExt, PairLogps, TripleLogps};
pub use metrics::{input_accuracies, output_accuracies};
pub use orpo::orpo;
pub use sft::{nll_per_token, pref_ftx};
pub use shape::LossShape;
pub use simpo::simpo;
pub use tokens::{GroupTokens, PairTokens, TripleTokens};
pub use tpo::{tpo, tpo_l};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

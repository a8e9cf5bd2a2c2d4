//! IOPO and its relatives: losses over summed log-probabilities, on Burn tensors.
//!
//! `Tensor` in, `Tensor` out: it never touches a file, a token or a model, and needs Burn alone.
//!
//! | module | what |
//! |---|---|
//! | [`logps`] | the four log-probabilities of a group, the two of a pair, the three of a triple |
//! | [`tokens`] | how many tokens the responses have, for what is meant per token |
//! | [`shape`] | from a margin to a loss: sigmoid, hinge, ipo, robust, exo-pair |
//! | [`iopo`](mod@iopo) | the objective, and its form for groups with one false cell |
//! | [`ablation`] | without input preference, without output preference, three sequences |
//! | [`dpo`](mod@dpo) | DPO on pairs, and on both mirrored pairs of a group |
//! | [`simpo`](mod@simpo), [`orpo`](mod@orpo), [`tpo`](mod@tpo) | without a reference |
//! | [`sft`] | negative log-likelihood per token, alone and as the `pref_ftx` term |
//! | [`metrics`] | rewards, margins and accuracies |
//!
//! A training step of your own Burn model (`logps` stands for its four sums):
//!
//! ```
//! use burn::tensor::{Device, Tensor};
//! use iopo_objective::{GroupLogps, Rewards, iopo, pref_ftx};
//!
//! let device = Device::flex().autodiff();
//! let sums = |values: [f32; 2]| Tensor::<1>::from_floats(values, &device);
//!
//! // log p(y|x) summed over response tokens, EOS included: two groups.
//! let logps = sums([-41.0, -37.5]).require_grad(); // (x1, y1), from your model
//! let policy = GroupLogps {
//!     chosen_v1: logps.clone(),
//!     rejected_v1: sums([-52.0, -40.0]), // (x1, y2)
//!     chosen_v2: sums([-39.0, -44.0]),   // (x2, y2)
//!     rejected_v2: sums([-47.0, -45.5]), // (x2, y1)
//! };
//! // The same sums under the frozen model that training started from.
//! let reference = GroupLogps {
//!     chosen_v1: sums([-43.0, -38.0]),
//!     rejected_v1: sums([-51.0, -39.5]),
//!     chosen_v2: sums([-40.0, -43.0]),
//!     rejected_v2: sums([-46.0, -46.0]),
//! };
//!
//! let preference = iopo(&policy, &reference, 0.1);
//! let anchor = pref_ftx(&policy, &sums([20.0, 18.0]), &sums([23.0, 21.0]));
//! let gradients = (preference + anchor).mean().backward();
//! assert!(logps.grad(&gradients).is_some());
//!
//! let rewards = Rewards::new(&policy, &reference, 0.1);
//! assert_eq!(rewards.margins().0.dims(), [2]);
//! ```

pub mod ablation;
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

pub use ablation::{three_sequences, without_input, without_output};
pub use dpo::{dpo, dpo_mirrored, dpo_mirrored_shaped, dpo_mirrored_sided};
pub use iopo::{FalseCells, iopo, iopo_sided, sided_margin};
pub use logps::{GroupLogps, PairLogps, TripleLogps};
pub use metrics::Rewards;
pub use orpo::orpo;
pub use sft::{nll_per_token, pref_ftx};
pub use shape::LossShape;
pub use simpo::simpo;
pub use tokens::{GroupTokens, PairTokens, TripleTokens};
pub use tpo::{tpo, tpo_l};

//! Builds preference groups (x1, y1, x2, y2) from constrained instructions and their responses.
//!
//! The checkers compare two responses to one task. Constraints that hold in one response only become the difference
//! between x1 and x2; constraints that hold in both are shared. A group is admitted by its 2×2 truth table, which is
//! recomputed on the final texts.
//!
//! | module | contents |
//! |---|---|
//! | [`config`] | the settings |
//! | [`candidates`] | the usable responses to a task and the constraints that hold in them |
//! | [`relation`] | the constraints that hold in one of two responses only, or in both |
//! | [`combine`] | all combinations that could make a group |
//! | [`choose`], [`balance`] | the choice of combinations |
//! | [`input_preferences`] | the preferences between two instructions that no group uses |
//! | [`group`] | from a combination to a row of `preferences` |
//! | [`mod@admit`] | the rules that every group must pass |
//! | [`mod@admit_judged`] | the rules for groups with verdicts of a judge |
//! | [`minhash`] | near duplicates, by MinHash LSH |
//! | [`split`] | train, dev and test, by task |
//! | [`stage`] | [`build`]: the whole stage; [`build_judged`]: the same for candidates with verdicts of a judge; [`build_with_rewrites`]: both |
//! | [`exchange`] | import and export of TRL and LLaMA-Factory rows |
//!
//! ```
//! use iopo_pairs::{PairsConfig, PairsError};
//! use iopo_llm::Silent;
//!
//! let dir = tempfile::tempdir()?;
//! let missing = dir.path().join("instructions.parquet");
//! let (tasks, config) = (["tea".to_owned()].into(), PairsConfig::default());
//! let built = iopo_pairs::build(&tasks, &missing, &missing, dir.path(), &config, &Silent);
//! assert!(matches!(built, Err(PairsError::Schema(_))));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The crate calls no language model, and all groups of a task are in the same split.

mod accept;
pub mod admit;
pub mod admit_judged;
mod admit_pair;
pub mod balance;
pub mod candidates;
mod change;
pub mod choose;
pub mod combine;
pub mod config;
pub mod error;
pub mod exchange;
pub mod group;
pub mod input_preferences;
mod judged;
mod kept;
mod make;
pub mod minhash;
mod offer;
mod output;
mod producer;
pub mod relation;
mod rewrites;
pub mod split;
pub mod stage;
pub mod stats;

pub use admit::{Refusal, admit, verify};
pub use admit_judged::{JudgedRefusal, JudgedRules, admit_judged};
pub use config::{JudgedConfig, OperationWeights, PairsConfig, PerSplit};
pub use error::PairsError;
pub use exchange::{ExchangeError, export, import, is_imported};
pub use input_preferences::{is_imported_input_preferences, is_kept_input_preferences};
pub use producer::is_judged;
pub use split::split_tasks;
pub use stage::{Collected, build, build_judged, build_with_rewrites};
pub use stats::PairsSummary;

/// Tests the examples of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

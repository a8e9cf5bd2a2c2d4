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
//! | [`group`] | from a combination to a row of `preferences` |
//! | [`mod@admit`] | the rules that every group must pass |
//! | [`minhash`] | near duplicates, by MinHash LSH |
//! | [`split`] | train, dev and test, by task |
//! | [`stage`] | [`build`]: the whole stage |
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

pub mod admit;
pub mod balance;
pub mod candidates;
pub mod choose;
pub mod combine;
pub mod config;
pub mod error;
pub mod exchange;
pub mod group;
pub mod minhash;
pub mod relation;
pub mod split;
pub mod stage;
pub mod stats;

pub use admit::{Refusal, admit, verify};
pub use config::{OperationWeights, PairsConfig, PerSplit};
pub use error::PairsError;
pub use exchange::{ExchangeError, export, import, is_imported};
pub use split::split_tasks;
pub use stage::build;
pub use stats::PairsSummary;

/// Name and version in the provenance of files. Increase the number after `+` whenever the same inputs and
/// configuration give other groups, so that older files are written again. Version 2: a revision chooses a constraint
/// that excludes the old one.
pub(crate) const PRODUCER: &str = concat!("iopo-pairs ", env!("CARGO_PKG_VERSION"), "+semantics.2");

/// Tests the examples of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

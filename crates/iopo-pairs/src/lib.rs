//! From constrained instructions and their responses to preference groups (x1, y1, x2, y2).
//!
//! The checkers compare two responses to one task. Constraints that hold in one response only become the difference
//! between x1 and x2; constraints that hold in both are shared. A group is admitted by its 2×2 truth table, which is
//! recomputed on the final texts.
//!
//! | module | what it holds |
//! |---|---|
//! | [`config`] | the settings |
//! | [`candidates`] | the usable responses to a task and the constraints that hold in them |
//! | [`relation`] | which constraints tell two responses apart, and which they share |
//! | [`combine`] | every combination of a pair that could make a group |
//! | [`choose`], [`balance`] | which combinations are used |
//! | [`group`] | from a combination to a row of `preferences` |
//! | [`mod@admit`] | the rules that every group must pass |
//! | [`minhash`] | MinHash LSH: near duplicates |
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
//! let built =
//!     iopo_pairs::build(&missing, &missing, dir.path(), &PairsConfig::default(), &Silent);
//! assert!(matches!(built, Err(PairsError::Schema(_))));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! What it deliberately does not do: it asks no language model, and it never splits by row.

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

/// Name and version as they stand in the files' provenance. The number after `+` goes up whenever the same inputs
/// and configuration come to mean other groups, so that files of the older meaning are made again:
/// 1: as first written; 2: to revise a constraint is to choose one that excludes it.
pub(crate) const PRODUCER: &str = concat!("iopo-pairs ", env!("CARGO_PKG_VERSION"), "+semantics.2");

/// Tests the examples of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

//! From constrained instructions and their responses to preference groups (x1, y1, x2, y2).
//!
//! Two answers to one task are compared by the checkers: what is true of one and false of the
//! other becomes what changes between x1 and x2, what is true of both becomes what they share.
//! A group is admitted by its 2×2 truth table, recomputed on the final texts.
//!
//! | module | what |
//! |---|---|
//! | [`config`] | what can be set |
//! | [`answers`] | the usable answers of a task and what is true of them |
//! | [`relation`] | what tells two answers apart, what they have in common |
//! | [`combine`] | all ways to make a group of them |
//! | [`choose`], [`balance`] | which of those are made |
//! | [`group`] | from a combination to a row |
//! | [`mod@admit`] | the truth table, and all else a group must be |
//! | [`near`] | near duplicates |
//! | [`split`] | train, dev and test, by task |
//! | [`stage`] | [`build`]: all of it together |
//! | [`exchange`] | groups in the rows of TRL and LLaMA-Factory, out and in |
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
pub mod answers;
pub mod balance;
pub mod choose;
pub mod combine;
pub mod config;
pub mod error;
pub mod exchange;
pub mod group;
pub mod near;
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

//! Supervised and preference training on Burn: from `preferences.parquet` to one adapter a method.
//!
//! | module | what |
//! |---|---|
//! | [`config`] | what a user can set, with its defaults |
//! | [`mod@encode`] | groups as tokens; what does not fit is left out and counted, or cut where asked |
//! | [`tree`] | groups as segment trees, laid flat, without a token computed twice |
//! | [`batch`] | order, updates and micro-batches, a function of the seed |
//! | [`method`] | SFT, DPO, `SimPO`, ORPO, TPO, IOPO: which sequences they read |
//! | [`objective`], [`loss`] | their losses; the shapes that a margin can take |
//! | [`schedule`], [`optim`], [`clipping`] | learning rate, optimizer, bound of the global norm |
//! | [`reference`](mod@reference) | log-probabilities of the frozen start, computed once |
//! | [`evaluate`] | loss and reward accuracy without training |
//! | [`eval_strategy`] | when to evaluate, when to stop early, which weights to keep |
//! | [`guards`] | what stops a run that went wrong |
//! | [`learner`], [`checkpoint`] | exact resume |
//! | [`weights`], `peft` | what was trained, to files and back; adapters in PEFT's format |
//! | [`events`] | the metrics for TensorBoard |
//! | [`estimate`], `pace`, [`gradient_checkpointing`] | memory and time, estimated before the first update; whether the backward pass recomputes activations |
//! | [`trainer`], [`grid`], [`run`](mod@run) | one method, the choice of its settings, all of them |
//!
//! ```no_run
//! use iopo_train::{Base, TrainConfig, train};
//! # fn run(base: &Base<'_>) -> Result<(), iopo_train::TrainError> {
//! let mut config = TrainConfig::default();
//! config.beta = 0.2;
//! let (data, out) = ("preferences.parquet".as_ref(), "train".as_ref());
//! for run in train(&config, data, base, out, &iopo_llm::Silent)?.runs {
//!     assert!(run.adapter.join("adapter_model.safetensors").exists());
//! }
//! # Ok(())
//! # }
//! ```
//!
//! It never truncates a sequence unasked, never holds a second model, and never prints.

mod adamw;
pub mod batch;
pub mod checkpoint;
pub mod clipping;
pub mod config;
pub mod encode;
pub mod error;
pub mod estimate;
pub mod eval_strategy;
pub mod evaluate;
pub mod events;
mod files;
pub mod gradient_checkpointing;
pub mod grid;
pub mod guards;
pub mod learner;
pub mod loss;
pub mod method;
pub mod metrics;
pub mod objective;
pub mod optim;
mod pace;
mod peft;
pub mod reference;
pub mod run;
pub mod schedule;
pub mod trainer;
pub mod tree;
pub mod weights;

pub use config::{GridConfig, Override, TrainConfig};
pub use encode::{EncodedGroup, EncodedGroups, Encoder, TruncationMode, encode};
pub use error::TrainError;
pub use gradient_checkpointing::GradientCheckpointing;
pub use method::Method;
pub use objective::Objective;
pub use run::{Base, RunSummary, TrainSummary, train};
pub use tree::{Batch, SequenceLayout};

/// Tests the examples of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

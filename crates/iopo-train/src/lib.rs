//! Supervised and preference training on Burn: from `preferences.parquet` to one adapter per method.
//!
//! | module | content |
//! |---|---|
//! | [`config`] | the settings, their defaults and ranges |
//! | [`run`](mod@run), [`grid`] | all methods of a run; the search for their settings |
//! | [`trainer`], [`state`], [`checkpoint`] | the training of one method; its state; exact resume |
//! | [`mod@encode`] | groups as tokens; groups that do not fit are dropped and counted, or cut on request |
//! | [`inputs`], [`responses`], [`sft_rows`] | the files of a run; verified responses as rows of SFT |
//! | [`tree`], [`batch`] | groups as segment trees; order, updates and micro-batches |
//! | [`method`], [`objective`], [`loss`] | the methods, the sequences that they read, and their losses |
//! | [`group_weights`] | optional weights of the groups |
//! | [`schedule`], [`optim`], [`clipping`] | learning rate, optimizer, gradient clipping |
//! | [`reference`](mod@reference) | log-probabilities of the frozen start, computed once |
//! | [`evaluate`], [`eval_strategy`] | loss and accuracy on held-out groups; early stopping |
//! | [`metrics`], [`events`] | metrics under TRL's names; the event file for TensorBoard |
//! | [`guards`] | checks that stop a failing training |
//! | [`estimate`], [`gradient_checkpointing`] | memory and time before the first update |
//! | [`weights`], [`metadata`] | trained weights in files, adapters in PEFT's format; `iopo.json` beside them |
//!
//! ```no_run
//! use std::path::Path;
//!
//! use iopo_train::{Base, TrainConfig, train};
//! # fn run(base: &Base<'_>) -> Result<(), iopo_train::TrainError> {
//! let mut config = TrainConfig::default();
//! config.beta = 0.2;
//! let (data, out) = (Path::new("preferences.parquet"), Path::new("train"));
//! for run in train(&config, data, base, out, &iopo_llm::Silent)?.runs {
//!     assert!(run.adapter.join("adapter_model.safetensors").exists());
//! }
//! # Ok(())
//! # }
//! ```
//!
//! The crate truncates sequences only on request, never holds a second model in memory, and never prints.

/// Producer of the files that this crate writes.
pub(crate) const PRODUCER: &str = concat!("iopo-train ", env!("CARGO_PKG_VERSION"));

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
pub mod group_weights;
pub mod guards;
pub mod inputs;
pub mod loss;
pub mod metadata;
pub mod method;
pub mod metrics;
pub mod micro_batch;
mod named;
pub mod objective;
pub mod optim;
mod peft;
pub mod reference;
pub mod responses;
pub mod run;
pub mod schedule;
pub mod sft_rows;
mod starts;
pub mod state;
pub mod trainer;
pub mod tree;
pub mod weights;

pub use config::{GridConfig, Override, SftConfig, SftData, TrainConfig};
pub use encode::{DropReason, EncodedGroup, EncodedGroups, Encoder, TruncationMode, encode};
pub use error::TrainError;
pub use gradient_checkpointing::GradientCheckpointing;
pub use group_weights::GroupWeighting;
pub use inputs::TrainInputs;
pub use metadata::{Metadata, Origin};
pub use method::Method;
pub use objective::Objective;
pub use responses::Responses;
pub use run::{Base, RunSummary, TrainSummary, train};
pub use starts::check_start;
pub use tree::{Batch, SequenceLayout};

/// Tests the examples of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

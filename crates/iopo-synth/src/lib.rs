//! From tasks to constrained instructions with verified responses, by rules: the answer
//! first, the instruction after.
//!
//! Answers to every task are sampled from a language model, in several manners so that they
//! differ. Every checker runs on each answer, and the instruction is written from what is true of
//! it (constraint back-translation), so every label is proved by code. Kinds of constraints that
//! sampling hardly reaches are filled by small, flagged edits.
//!
//! | module | what |
//! |---|---|
//! | [`task`] | tasks from JSON lines or Parquet |
//! | [`config`] | what can be set |
//! | [`manner`] | the hints that make answers differ |
//! | [`answers`] | first pass: sampling, in parts that survive a kill |
//! | [`clean`] | trimming, and the reasons to drop an answer |
//! | [`owners`] | the rule that two tasks share no run of eight words |
//! | [`choose`] | which of the constraints that hold are written down |
//! | [`repair`] | edits within bounds |
//! | [`stage`] | [`synthesize`]: the two passes together |
//!
//! ```
//! use iopo_llm::{Request, Scripted, Silent};
//! use iopo_synth::{SynthConfig, synthesize};
//!
//! let dir = tempfile::tempdir()?;
//! let tasks = dir.path().join("tasks.jsonl");
//! std::fs::write(&tasks, r#"{"id": "tea", "task": "Explain how to brew tea."}"#)?;
//! let model = Scripted::new(|request: &Request| {
//!     let asked = request.messages[0].content.split_whitespace().count();
//!     format!("Warm the pot, add {asked} leaves, pour hot water over them and wait a while.")
//! });
//! let summary = synthesize(&tasks, dir.path(), &model, &SynthConfig::default(), &Silent)?;
//! assert!(summary.responses > 0);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! What it deliberately does not do: it asks no model for a verdict, prints nothing, and knows
//! nothing of preference pairs or splits.

pub mod answers;
pub mod choose;
pub mod clean;
pub mod config;
pub mod error;
pub mod manner;
pub mod owners;
pub mod repair;
pub mod rows;
pub mod stage;
pub mod stats;
mod survey;
pub mod task;
mod task_table;
pub mod text;
mod write;

pub use config::{SamplingConfig, SynthConfig};
pub use error::SynthError;
pub use manner::{DEFAULT_MANNERS, DefaultManner};
pub use stage::synthesize;
pub use stats::SynthSummary;
pub use task::{Task, read_tasks};

/// Name and version as they stand in the files' provenance.
pub(crate) const PRODUCER: &str = concat!("iopo-synth ", env!("CARGO_PKG_VERSION"));

/// Tests the examples of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

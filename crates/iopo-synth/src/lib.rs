//! Synthesizes constrained instructions with verified responses from plain tasks.
//!
//! A language model answers every task several times, with style prompts that make the responses differ. Every checker
//! runs on each response, and the instruction is written from the constraints that the response satisfies (constraint
//! back-translation), so every label is verified by code. Small edits, which are flagged, add constraint kinds that sampling
//! rarely reaches.
//!
//! | module | contents |
//! |---|---|
//! | [`task`] | tasks from JSON lines or Parquet |
//! | [`config`] | the settings |
//! | [`style_prompts`] | the style prompt of each sample |
//! | [`answers`] | first pass: sampling, in parts that can be resumed |
//! | [`clean`] | trimming and degeneration checks |
//! | [`decontamination`] | n-gram decontamination between tasks |
//! | [`choose`] | the constraints of an instruction |
//! | [`edit`] | small edits that make a constraint hold |
//! | [`stage`] | [`synthesize`]: the whole stage |
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
//! The crate calls no model for a verdict, prints nothing, and has no notion of preference pairs or splits.

pub mod answers;
pub mod choose;
pub mod clean;
pub mod config;
pub mod decontamination;
pub mod edit;
pub mod error;
pub mod rows;
pub mod stage;
pub mod stats;
pub mod style_prompts;
mod survey;
pub mod task;
mod task_table;
pub mod text;
mod write;

pub use config::{SamplingConfig, SynthConfig};
pub use error::SynthError;
pub use stage::{synthesize, synthesize_sampled, used_tasks};
pub use stats::SynthSummary;
pub use task::{Task, read_tasks};

/// Name and version in the provenance of files.
pub(crate) const PRODUCER: &str = concat!("iopo-synth ", env!("CARGO_PKG_VERSION"));

/// Tests the examples of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

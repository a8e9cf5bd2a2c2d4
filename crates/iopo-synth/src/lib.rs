//! Synthesizes constrained instructions with verified responses from plain tasks.
//!
//! A language model answers every task several times. A [`Recipe`] brings the responses and constrained instructions
//! together:
//!
//! | recipe | the model answers | the instruction |
//! |---|---|---|
//! | `edit` | the plain task, partly with a style prompt | is drawn for the response, which is edited until the constraints hold |
//! | `back-translate` | the plain task, partly with a style prompt | is written from constraints that the response satisfies |
//! | `on-policy` | the constrained instruction | is drawn before; failed constraints are edited, else reversed |
//!
//! `synth.recipe` selects a recipe or a mixture. Every checker runs on the final text of each response, so every label is
//! verified by code. Every row states how it was made, and keeps the text before an edit.
//!
//! | module | contents |
//! |---|---|
//! | [`task`] | tasks from JSON lines or Parquet |
//! | [`task_file`] | a file of tasks, without those that are not used |
//! | [`config`] | the settings |
//! | [`recipe`] | the recipes and their mixture |
//! | [`style_prompts`] | the style prompt of each sample |
//! | [`answers`] | first pass: sampling, in parts that can be resumed |
//! | [`relevance`] | off-task answers, by the base model |
//! | [`clean`] | trimming and degeneration checks |
//! | [`decontamination`] | n-gram decontamination between tasks |
//! | [`recipes`] | the rows that each recipe writes for a task |
//! | [`stage`] | [`synthesize`]: the whole stage |
//! | [`trace`] | candidate groups by a writer and a judge, both language models |
//! | [`fipo`] | preferences between two instructions for a given response |
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
//! let summary = synthesize(&tasks, dir.path(), &model, None, &SynthConfig::default(), &Silent)?;
//! assert!(summary.responses > 0);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Only [`trace`] and [`fipo`] call a model for a verdict. The crate prints nothing, and has no notion of preference pairs or splits.

pub mod answers;
pub mod clean;
pub mod config;
pub mod decontamination;
pub mod error;
pub mod fipo;
mod judged;
mod measured;
pub mod recipe;
pub mod recipes;
pub mod relevance;
pub mod rows;
mod satisfy;
pub mod stage;
pub mod stats;
pub mod style_prompts;
mod survey;
pub mod task;
pub mod task_file;
mod task_table;
pub mod text;
pub mod trace;
mod write;

pub use config::{BackTranslateConfig, SamplingConfig, SynthConfig};
pub use error::SynthError;
pub use recipe::{Recipe, RecipeMix};
pub use relevance::RelevanceModel;
pub use stage::{synthesize, synthesize_sampled, used_tasks};
pub use stats::SynthSummary;
pub use task::{Task, TaskLanguage, is_task_file, read_tasks};
pub use task_file::TaskFile;

/// Name and version in the provenance of files.
pub(crate) const PRODUCER: &str = concat!("iopo-synth ", env!("CARGO_PKG_VERSION"));

/// Tests the examples of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

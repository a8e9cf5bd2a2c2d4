//! The crates of the toolkit under one name, and the configuration of the `iopo` command.
//!
//! | module | what |
//! |---|---|
//! | [`config`] | the TOML file of a run: presets, checks, and the reference of all settings |
//! | [`schema`] | the Parquet files between the stages |
//! | [`constraints`] | the taxonomy, and the constraints that code can check |
//! | [`core`](mod@core) | the four sequences of a group, random streams, atomic files, counters |
//! | [`llm`] | asking a language model |
//! | [`synth`] | tasks → constrained instructions with verified responses |
//! | [`pairs`] | instructions and responses → preference groups |
//! | [`objective`] | IOPO and its relatives: losses over log-probabilities, on Burn tensors |
//! | [`model`] | Llama-family decoders on Burn |
//! | [`train`] | supervised and preference training |
//! | [`eval`] | held-out prompts, scores, statistics |
//! | [`report`] | one HTML page from the files of a run |
//!
//! ```
//! use iopo::llm::{LanguageModel, Message, Request, Sampling, Scripted, Silent};
//!
//! // Anything that implements the trait can write the answers: a local model, an endpoint, a script.
//! let model = Scripted::new(|request: &Request| request.messages[0].content.to_uppercase());
//! let request = Request { messages: vec![Message::user("name a colour")], sampling: Sampling::greedy(8) };
//! assert_eq!(model.complete(&[request], &Silent)?[0].text, "NAME A COLOUR");
//! # Ok::<(), iopo::llm::LlmError>(())
//! ```
//!
//! Each crate can be used alone. The commands are in the binary.

pub mod config;

pub use iopo_constraints as constraints;
pub use iopo_core as core;
pub use iopo_eval as eval;
pub use iopo_llm as llm;
pub use iopo_model as model;
pub use iopo_objective as objective;
pub use iopo_pairs as pairs;
pub use iopo_report as report;
pub use iopo_schema as schema;
pub use iopo_synth as synth;
pub use iopo_train as train;

/// Tests the examples of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

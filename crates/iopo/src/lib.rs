//! The full IOPO pipeline as a library, and all iopo crates under one name.
//!
//! | module | contents |
//! |---|---|
//! | [`pipeline`] | the whole pipeline, or one of its stages, on a configuration and a directory |
//! | [`config`] | the configuration of a run: presets, checks, and the reference of all settings |
//! | [`roles`] | the models that write and judge data: the base model, or endpoints |
//! | [`tiny`] | a tiny random model for smoke runs |
//! | [`schema`] | the Parquet files between the stages |
//! | [`constraints`] | the taxonomy, and the constraints that code can check |
//! | [`core`](mod@core) | the four sequences of a group, random streams, atomic files, counters |
//! | [`llm`] | traits for language models and for progress |
//! | [`synth`] | tasks → constrained instructions with verified responses |
//! | [`pairs`] | instructions and responses → preference groups |
//! | [`objective`] | IOPO and related losses over log-probabilities, on Burn tensors |
//! | [`model`] | Llama and Qwen2 decoders on Burn |
//! | [`train`] | supervised and preference training |
//! | [`eval`] | held-out prompts, IFEval, scores, statistics |
//! | [`judge`] | prompts, verdicts and metrics of benchmarks that a language model judges |
//! | [`report`] | one HTML page from the files of a run |
//! | `verifier` | a reward server for RL trainers (feature `serve`, on by default) |
//!
//! Run two stages on a tiny random model:
//!
//! ```
//! use iopo::config::PipelineConfig;
//! use iopo::llm::Silent;
//! use iopo::pipeline::Pipeline;
//!
//! let mut config = PipelineConfig::preset("smoke")?;
//! config.synth.max_tasks = Some(12);
//! (config.pairs.test_tasks, config.pairs.dev_tasks) = (2, 2);
//!
//! let dir = tempfile::tempdir()?;
//! let pipeline = Pipeline::open(config, dir.path().join("run"))?;
//! let synth = pipeline.synth(&Silent)?;
//! let pairs = pipeline.pairs(&Silent)?;
//! assert!(synth.instructions > 0 && pairs.train > 0);
//! assert!(pipeline.dir().preferences_file().is_file());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The `iopo` command is a thin layer over [`pipeline`]: it parses flags, downloads models, shows progress and prints.

pub mod config;
pub mod pipeline;
pub mod roles;
pub mod tiny;

pub use iopo_constraints as constraints;
pub use iopo_core as core;
pub use iopo_eval as eval;
pub use iopo_jinja as jinja;
pub use iopo_judge as judge;
pub use iopo_llm as llm;
pub use iopo_model as model;
pub use iopo_objective as objective;
pub use iopo_pairs as pairs;
pub use iopo_report as report;
pub use iopo_schema as schema;
pub use iopo_synth as synth;
pub use iopo_train as train;
#[cfg(feature = "serve")]
pub use iopo_verifier as verifier;

/// Tests the examples of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

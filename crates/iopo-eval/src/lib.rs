//! Evaluation by code: held-out instructions, statistics, signs of a hollow gain.
//!
//! | module | what |
//! |---|---|
//! | [`config`] | [`EvalConfig`]: what is asked and how sure we want to be |
//! | [`prompts`] | test instructions of the test tasks, seen and held-out kinds apart |
//! | [`mod@answer`] | a model answers them greedily → `predictions.parquet` |
//! | [`mod@score`] | the checkers decide every constraint → `scores.parquet` |
//! | [`observe`] | verdicts and answers as observations, one a prompt |
//! | [`stats`] | cluster bootstrap (tasks first, rows within them), paired differences |
//! | [`hollow`] | what would betray a hollow gain: length, distinct n-grams, empty or cut answers |
//! | [`logprob`] | log-probabilities of predictions and of test groups |
//! | [`rewards`] | margins and accuracies of the implicit reward on test groups |
//! | [`ifeval`] | IFEval: its prompts, strict and loose verdicts, its accuracies |
//! | [`summary`] | all of it as one table → `summary.parquet` |
//!
//! The statistics stand alone:
//!
//! ```
//! use iopo_eval::{Bootstrap, Observation, Statistic};
//!
//! let rows: Vec<Observation> = (0..40)
//!     .map(|i| Observation::mean(format!("prompt-{i}"), format!("seed-{}", i / 2), f64::from(i % 2)))
//!     .collect();
//! let estimate = Bootstrap::default().estimate(&rows, Statistic::Ratio)?;
//! assert!((estimate.value - 0.5).abs() < 1e-12 && estimate.low <= 0.5 && estimate.high >= 0.5);
//! # Ok::<(), iopo_eval::EvalError>(())
//! ```
//!
//! It holds no model and no tensor: answers come through [`iopo_llm::LanguageModel`], log-probabilities
//! through [`LogProb`](iopo_llm::LogProb). It draws nothing that the configuration's seed does not fix, and it prints nothing.

pub mod answer;
pub mod config;
pub mod error;
pub mod hollow;
pub mod ifeval;
pub mod logprob;
pub mod observe;
pub mod prompts;
pub mod rewards;
pub mod score;
pub mod stats;
pub mod summary;

mod draw;
mod rng;
mod table;

pub use answer::{AnswerSummary, answer};
pub use config::EvalConfig;
pub use error::EvalError;
pub use logprob::{answer_logps, group_logps};
pub use prompts::{Prompt, heldout_prompts};
pub use score::{ScoreSummary, score};
pub use stats::{Bootstrap, Estimate, Observation, Statistic};
pub use summary::{EvaluatedModel, EvaluatedRun, GroupRewards, summarize};

/// Tests the examples of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

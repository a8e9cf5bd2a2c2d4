//! IFEval: the prompts of its file, verdicts of code on the answers, the accuracies.
//!
//! | module | what |
//! |---|---|
//! | [`prompts`] | the file of prompts (IFBench's too, as far as its types overlap) → [`Prompt`]s |
//! | [`responses`] | answers that came in a file → `predictions.parquet` |
//! | [`score`](mod@score) | strict and loose verdicts in a mode → `scores.parquet` |
//! | [`accuracy`] | the four accuracies over all, by type, seen and unseen → `summary.parquet` |
//!
//! A model's answers come by [`answer`](crate::answer()), as those to any other prompts.
//!
//! [`Prompt`]: crate::Prompt

pub mod accuracy;
pub mod prompts;
pub mod responses;
pub mod score;

pub use accuracy::summarize;
pub use prompts::{Benchmark, unsupported};
pub use responses::{Given, Matched};
pub use score::{Rules, refuse_unscorable, score};

/// The benchmark's name in `predictions` and `scores`.
pub const BENCHMARK: &str = "ifeval";

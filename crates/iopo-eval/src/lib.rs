//! Evaluates instruction following: benchmarks that code can score, accuracies with confidence intervals.
//!
//! | module | contents |
//! |---|---|
//! | [`benchmarks`] | the held-out prompts of a run, IFEval, IFBench, and how to add a benchmark |
//! | [`ifeval`], [`ifbench`] | IFEval and IFBench in memory: responses in, outcomes and accuracies out |
//! | [`judged`] | TRACE, CFBench, FollowBench and ComplexBench, whose verdicts come from a judge |
//! | [`prompt`] | [`TestPrompt`]: a prompt with the constraints that score its response |
//! | [`mod@answer`] | a model answers prompts greedily → `predictions.parquet` |
//! | [`score`] | code decides every constraint → `scores.parquet` |
//! | [`observe`] | outcomes of a response, and the accuracies that follow from them |
//! | [`bootstrap`] | intervals by a cluster bootstrap, paired differences |
//! | [`degeneration`] | degeneration checks: length, distinct n-grams, blank and cut responses |
//! | [`quality`] | clean accuracy: constraints hold in a response that is no echo, no loop, not thin and on its task |
//! | [`gain`] | whether a higher clean accuracy counts as a gain |
//! | [`relevance`] | how much likelier a response is given its own task |
//! | [`prediction_logps`] | log-probabilities of responses under a model |
//! | [`rewards`] | margins and accuracies of the implicit reward on test groups |
//! | [`summary`] | all metrics of all models → `summary.parquet` |
//! | [`evaluation`] | all of it for the models of a run, resumable |
//! | [`config`], [`error`] | settings and errors |
//!
//! Score responses with IFEval:
//!
//! ```
//! use iopo_eval::ifeval::{Ifeval, Mode};
//! use iopo_schema::{Subset, SummaryMetric};
//!
//! let file = concat!(
//!     r#"{"key": 1, "prompt": "Name a tea. Use no commas.", "#,
//!     r#""instruction_id_list": ["punctuation:no_comma"], "kwargs": [{}]}"#,
//! );
//! let ifeval = Ifeval::new(Mode::Paper);
//! let result = ifeval.evaluate(&ifeval.prompts(file)?, ["Assam"])?;
//! assert_eq!(result.scores[0].strict, Some(true));
//! let accuracy = result.accuracy(SummaryMetric::PromptAccuracyStrict, &Subset::All);
//! assert_eq!(accuracy.map(|row| (row.value, row.n)), Some((1.0, 1)));
//! # Ok::<(), iopo_eval::EvalError>(())
//! ```
//!
//! The crate holds no model and no tensor: responses come through [`iopo_llm::LanguageModel`], log-probabilities through
//! [`iopo_llm::LogProb`]. Every random draw follows from the configured seed.

pub mod answer;
pub mod benchmarks;
pub mod bootstrap;
pub mod config;
pub mod degeneration;
pub mod error;
pub mod evaluation;
pub mod gain;
pub mod judged;
pub mod observe;
pub mod prediction_logps;
pub mod prompt;
pub mod quality;
pub mod relevance;
pub mod rewards;
pub mod score;
pub mod summary;

mod table;
mod under_base;

pub use answer::{AnswerSummary, answer};
pub use benchmarks::heldout::{
    TestTask, TrainingRows, draw_prompts, refuse_leaks, refuse_shared_tasks, test_prompts,
    write_prompts,
};
pub use benchmarks::{
    Benchmark, BenchmarkConfig, BenchmarkReport, BenchmarkRun, ContaminationConfig, Decoding,
    Missing, PUBLISHED, Published, PublishedMode, ScoredModel, ScoredResponses, Setup, Source,
    TaggerTable, TestedPrompts, compare, ifbench, ifeval, published,
    refuse_held_out_input_preferences,
};
pub use bootstrap::{Bootstrap, Estimate, Observation, Statistic};
pub use config::EvalConfig;
pub use error::EvalError;
pub use evaluation::{
    Candidate, EvaluationPaths, EvaluationSummary, Models, TrainingFiles, evaluate,
};
pub use gain::{Gain, GainMargins};
pub use judged::{
    JudgeSettings, JudgedBenchmark, JudgedConfig, JudgedMode, JudgedReport, JudgedRun,
};
pub use prediction_logps::response_logps;
pub use prompt::TestPrompt;
pub use relevance::PlainTasks;
pub use score::{Scorer, score_file};
pub use summary::{
    EvaluatedModel, EvaluatedRun, GroupRewards, PlainResponses, ScoredFiles, summarize,
};

/// Tests the examples of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

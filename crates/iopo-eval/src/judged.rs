//! Benchmarks that a language model judges: TRACE, CFBench, FollowBench and ComplexBench.
//!
//! | module | contents |
//! |---|---|
//! | `benchmark` | [`JudgedBenchmark`] and [`JudgedMode`]: names, files, languages and modes |
//! | `items` | the prompts of a benchmark, the questions to its judge, and their verdicts, one file per benchmark |
//! | `ask` | [`JudgeSettings`]: asks a judge all questions, and those again whose answers give no verdict |
//! | `choice` | the language and the prompts that the settings choose |
//! | `config` | [`JudgedConfig`]: the settings of a run |
//! | `given` | responses and answers that files have |
//! | `run` | [`JudgedRun`]: a benchmark over files |
//! | `seen` | TRACE's constraints by whether their dimension occurs in the training data |
//! | `write` | the verdicts → `scores.parquet`, `metrics.json`, `judge_answers.jsonl`, `protocol.json` |
//! | `metric` | metrics with intervals |
//! | `table` | the metrics as text |
//! | [`check`] | whether a judge can be trusted: its verdicts on constraints that code decides |
//!
//! A judge is any [`LanguageModel`](iopo_llm::LanguageModel), or a file of its answers. `iopo-judge` builds the prompts and
//! reads the answers; `benchmarks::respond` lets a model respond, as for every benchmark. Nothing here depends on how a judge is reached. Pass a model that stores its answers, such as one of
//! `iopo_llm::endpoint`: a run that was killed then asks no question twice, and writes the same files.

mod ask;
mod benchmark;
pub mod check;
mod choice;
mod config;
mod given;
mod items;
mod metric;
mod run;
mod seen;
mod table;
mod write;

pub use ask::JudgeSettings;
pub use benchmark::{JudgedBenchmark, JudgedMode};
pub use config::JudgedConfig;
pub use metric::{JudgedMetric, Value};
pub use run::{JudgedReport, JudgedRun};

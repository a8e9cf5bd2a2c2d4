//! The benchmarks.
//!
//! | module | contents |
//! |---|---|
//! | [`heldout`] | instructions on the test tasks of a run |
//! | [`ifeval`] | IFEval |
//! | [`ifbench`] | IFBench |
//! | [`judged`] | the facts about the benchmarks that a model judges, which [`crate::judged`] runs |
//! | [`mod@published`] | the published benchmarks, as a command line offers them |
//! | [`tagger`] | the table that one type of IFBench needs |
//! | [`in_memory`] | a benchmark in memory: responses in, outcomes and accuracies out |
//! | [`run`] | a benchmark over files, resumable |
//! | [`responses`] | responses of another program, read from a file |
//! | [`lm_eval`] | samples and results in the format of lm-eval |
//! | [`mod@compare`] | the models of a run on one benchmark, with paired differences |
//! | [`contamination`] | tasks and training rows that overlap with prompts |
//! | [`accuracies`] | strict and loose accuracies with intervals |
//! | [`table`] | the accuracies as text |
//!
//! # Adding a benchmark
//!
//! A new benchmark touches two files, and `src/error.rs` if parsing has errors of its own:
//!
//! 1. `src/benchmarks/NAME.rs` implements [`Scorer`] and [`Benchmark`], which parse the prompts and score a response, and
//!    declares a [`Published`] with the name, the help, the facts and the modes of the benchmark.
//! 2. `src/benchmarks.rs` declares the module and lists its [`Published`] in [`PUBLISHED`].
//!
//! Reading files, resuming, accuracies, intervals and the printed table work for every [`Benchmark`], and the `iopo`
//! binary makes a subcommand of `iopo eval` from every entry of [`PUBLISHED`].

pub mod accuracies;
pub mod compare;
pub mod contamination;
pub mod heldout;
pub mod ifbench;
pub mod ifeval;
pub mod in_memory;
pub mod judged;
pub mod lm_eval;
pub mod published;
pub mod responses;
pub mod run;
pub mod table;
pub mod tagger;

pub(crate) mod data;
mod decoding;
mod instructions;
pub(crate) mod origin;
pub(crate) mod protocol;
pub(crate) mod respond;

use std::collections::BTreeMap;

pub use compare::{ScoredModel, compare};
pub use contamination::{ContaminationConfig, TestedPrompts, refuse_held_out_input_preferences};
pub use decoding::Decoding;
pub use in_memory::{ScoredResponses, score_responses};
pub use published::{Published, PublishedMode, Setup, Source};
pub use run::{BenchmarkConfig, BenchmarkReport, BenchmarkRun, MAX_FAILED_SHARE, Missing};
pub use tagger::TaggerTable;

use iopo_schema::{ScoreRow, SummaryRow};

use crate::score::Scorer;
use crate::{Bootstrap, EvalError, TestPrompt};

/// Every published benchmark.
pub const PUBLISHED: &[Published] = &[
    ifeval::PUBLISHED,
    ifbench::PUBLISHED,
    judged::TRACE,
    judged::CFBENCH,
    judged::FOLLOWBENCH,
    judged::COMPLEXBENCH,
];

/// Returns the published benchmark with this id, if it has a mode.
pub fn published(id: &str) -> Option<&'static Published> {
    PUBLISHED.iter().find(|benchmark| benchmark.id == id && !benchmark.modes.is_empty())
}

/// A published benchmark: prompts in a file, responses scored by code.
pub trait Benchmark: Scorer {
    /// Returns the headline of the table, with the settings that a reader must know.
    fn title(&self) -> String;

    /// Parses the text of a prompt file. The prompts carry the benchmark's id.
    ///
    /// # Errors
    /// Returns an error if the text is not in the benchmark's format.
    fn parse(&self, text: &str) -> Result<Vec<TestPrompt>, EvalError>;

    /// Checks that every prompt can be scored, before time is spent on responses.
    ///
    /// # Errors
    /// Returns an error for the first constraint that cannot be decided.
    fn refuse_unscorable(&self, prompts: &[TestPrompt]) -> Result<(), EvalError>;

    /// Counts the constraint types that have no check, by id; they get no verdict.
    fn unsupported(&self, prompts: &[TestPrompt]) -> BTreeMap<String, usize>;

    /// Computes the metrics with their intervals. By default, these are strict and loose accuracies.
    ///
    /// # Errors
    /// Returns an error if two prompts share a key, or a number is not finite.
    fn summarize(
        &self,
        model: &str,
        prompts: &[TestPrompt],
        scores: &[ScoreRow],
        bootstrap: Bootstrap,
    ) -> Result<Vec<SummaryRow>, EvalError> {
        accuracies::summarize(model, prompts, scores, bootstrap)
    }

    /// Renders a report as text. By default, this is a table of strict and loose accuracies.
    fn table(&self, report: &BenchmarkReport) -> String {
        table::render(report)
    }

    /// Returns a remedy for an error of this benchmark, where it has one beyond the error's own.
    fn hint(&self, _error: &EvalError) -> Option<&'static str> {
        None
    }
}

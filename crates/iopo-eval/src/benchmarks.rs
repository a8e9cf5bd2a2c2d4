//! The benchmarks.
//!
//! | module | contents |
//! |---|---|
//! | [`heldout`] | instructions on the test tasks of a run |
//! | [`ifeval`] | IFEval, and IFBench as far as its instruction types overlap |
//! | [`in_memory`] | a benchmark in memory: responses in, outcomes and accuracies out |
//! | [`run`] | a benchmark over files, resumable |
//! | [`responses`] | responses of another program, read from a file |
//! | [`accuracies`] | strict and loose accuracies with intervals |
//! | [`table`] | the accuracies as text |
//!
//! # Adding a benchmark
//!
//! A new benchmark touches three files:
//!
//! 1. `src/benchmarks/NAME.rs` implements [`Scorer`] and [`Benchmark`]: it parses the prompts and scores a response.
//! 2. `src/benchmarks.rs` declares the module and lists the id in [`IDS`].
//! 3. `cli.rs` of the `iopo` binary gets a variant of `eval`'s subcommand that constructs it.
//!
//! Reading files, resuming, accuracies, intervals and the printed table work for every [`Benchmark`].

pub mod accuracies;
pub mod heldout;
pub mod ifeval;
pub mod in_memory;
pub mod responses;
pub mod run;
pub mod table;

mod contamination;
mod origin;

use std::collections::BTreeMap;

pub use in_memory::{ScoredResponses, score_responses};
pub use run::{BenchmarkConfig, BenchmarkReport, BenchmarkRun, Decoding};

use crate::score::Scorer;
use crate::{EvalError, TestPrompt};

/// Ids of all benchmarks, as the `benchmark` column of `predictions` and `scores` stores them.
pub const IDS: [&str; 2] = [heldout::ID, ifeval::ID];

/// A published benchmark: prompts in a file, responses scored by code.
pub trait Benchmark: Scorer {
    /// Returns the id, one of [`IDS`].
    fn id(&self) -> &'static str;

    /// Returns the headline of the table, with the settings that a reader must know.
    fn title(&self) -> String;

    /// Parses the text of a prompt file.
    ///
    /// # Errors
    /// Returns an error if the text is not in the benchmark's format.
    fn parse(&self, text: &str) -> Result<Vec<TestPrompt>, EvalError>;

    /// Checks that every prompt can be scored, before time is spent on responses.
    ///
    /// # Errors
    /// Returns an error for the first constraint that cannot be decided.
    fn refuse_unscorable(&self, prompts: &[TestPrompt]) -> Result<(), EvalError>;

    /// Counts the constraint types that have no check, by id; they get no score.
    fn unsupported(&self, prompts: &[TestPrompt]) -> BTreeMap<String, usize>;
}

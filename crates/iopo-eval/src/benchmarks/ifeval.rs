//! IFEval (Zhou et al., 2023): prompts whose instructions code can check, strictly and loosely.
//!
//! [`Ifeval::evaluate`] works in memory; [`BenchmarkRun`](crate::BenchmarkRun) reads and writes files.
//!
//! ```
//! use iopo_eval::ifeval::{Ifeval, Mode};
//!
//! let file = r#"{"key": 1, "prompt": "Name a tea. Use no commas.",
//!     "instruction_id_list": ["punctuation:no_comma"], "kwargs": [{}]}"#.replace('\n', "");
//! let ifeval = Ifeval::new(Mode::Paper);
//! let prompts = ifeval.prompts(&file)?;
//! let result = ifeval.evaluate(&prompts, ["Assam"])?;
//! assert_eq!(result.scores[0].strict, Some(true));
//! # Ok::<(), iopo_eval::EvalError>(())
//! ```

use std::collections::BTreeMap;

use iopo_constraints::Kind;
pub use iopo_constraints::ifeval::Mode;
use iopo_constraints::ifeval::{
    Checker, Instruction, InstructionError, InstructionVerdict, Response,
};
use iopo_schema::{PredictionRow, ScoreRow};
use serde_json::{Value, json};

use super::instructions::{self, Rules};
use super::published::Setup;
use super::{Benchmark, Published, PublishedMode, ScoredResponses, Source, score_responses};
use crate::score::Scorer;
use crate::{Bootstrap, EvalError, TestPrompt};

/// Id of the benchmark in `predictions` and `scores`.
pub const ID: &str = "ifeval";

/// IFEval as a command line offers it.
pub const PUBLISHED: Published = Published {
    id: ID,
    about: "IFEval: 25 types of instructions that code checks, for responses from a model or a file",
    data: "Prompts: the file of IFEval, or the hub id of a dataset with one such file",
    source: Source::Hub("google/IFEval"),
    items: "541 prompts, 834 instructions",
    languages: "English",
    license: "Apache-2.0",
    judge_calls: 0,
    judging: "none; code decides",
    headline: "strict prompt accuracy: share of prompts whose instructions all hold",
    modes: &[
        PublishedMode {
            id: Mode::Paper.id(),
            about: "Reproduces the published verdicts; comparable with published scores",
            make: |setup| Box::new(Ifeval::with_setup(Mode::Paper, setup)),
        },
        PublishedMode {
            id: Mode::Repaired.id(),
            about: "Decides by the wording of the instruction; not comparable with published scores",
            make: |setup| Box::new(Ifeval::with_setup(Mode::Repaired, setup)),
        },
    ],
};

/// IFEval in one of its modes.
#[derive(Debug, Clone)]
pub struct Ifeval {
    mode: Mode,
    setup: Setup,
}

impl Ifeval {
    /// Scores by the rules of `mode`. Scores of the two modes are not comparable.
    pub fn new(mode: Mode) -> Self {
        Self::with_setup(mode, &Setup::default())
    }

    /// Scores by the rules of `mode`, with the kinds of `setup`.
    pub fn with_setup(mode: Mode, setup: &Setup) -> Self {
        Self { mode, setup: setup.clone() }
    }

    /// Sets the constraint kinds that the synthesis holds out. Instruction types that overlap with none of the other
    /// kinds count as unseen. Default: none, so a type is unseen only if no kind overlaps with it.
    #[must_use]
    pub fn held_out(mut self, kinds: impl IntoIterator<Item = Kind>) -> Self {
        self.setup.held_out = kinds.into_iter().collect();
        self
    }

    /// Sets the constraint kinds that the synthesis draws in addition to the default ones. Default: none.
    #[must_use]
    pub fn added(mut self, kinds: impl IntoIterator<Item = Kind>) -> Self {
        self.setup.added = kinds.into_iter().collect();
        self
    }

    /// Parses prompts: one JSON object per line, as IFEval and IFBench publish them.
    ///
    /// Types of other benchmarks are kept; they get no verdict, and their prompts are excluded from prompt accuracy.
    ///
    /// # Errors
    /// Returns an error if a line is malformed, a key occurs twice or a known instruction has invalid arguments.
    pub fn prompts(&self, text: &str) -> Result<Vec<TestPrompt>, EvalError> {
        instructions::parse::<Self>(text)
    }

    /// Scores one response per prompt, in the order of the prompts, and computes the accuracies.
    ///
    /// The intervals come from [`Bootstrap::default`]; [`score_responses`] takes another bootstrap.
    ///
    /// # Errors
    /// Returns an error if the number of responses differs from the number of prompts, or an instruction cannot be
    /// decided in this mode.
    pub fn evaluate<R>(
        &self,
        prompts: &[TestPrompt],
        responses: R,
    ) -> Result<ScoredResponses, EvalError>
    where
        R: IntoIterator,
        R::Item: Into<String>,
    {
        score_responses(
            self,
            prompts,
            responses.into_iter().map(Into::into).collect(),
            Bootstrap::default(),
        )
    }
}

impl Scorer for Ifeval {
    fn settings(&self) -> Value {
        let mut settings = json!({ "mode": self.mode.id() });
        self.setup.note_kinds(&mut settings);
        settings
    }

    fn score(&self, row: &PredictionRow) -> Result<Vec<ScoreRow>, EvalError> {
        instructions::score(self, row)
    }
}

impl Rules for Ifeval {
    type Instruction = Instruction;
    type Checker = Checker;
    const ID: &'static str = ID;
    const NAME: &'static str = "IFEval";

    fn mode(&self) -> Mode {
        self.mode
    }

    fn checker(&self, instruction: &Instruction) -> Result<Checker, InstructionError> {
        Checker::new(instruction, self.mode)
    }

    fn verdict(checker: &Checker, response: &Response<'_>) -> InstructionVerdict {
        checker.verdict(response)
    }

    fn familiarity(&self, checker: &Checker) -> (bool, bool) {
        let kind = checker.kind();
        let (held_out, added) = self.setup.divide();
        (kind.is_seen(&held_out, &added), kind.is_near(&held_out, &added))
    }
}

impl Benchmark for Ifeval {
    fn title(&self) -> String {
        format!("IFEval, {} mode", self.mode)
    }

    fn parse(&self, text: &str) -> Result<Vec<TestPrompt>, EvalError> {
        instructions::parse::<Self>(text)
    }

    fn refuse_unscorable(&self, prompts: &[TestPrompt]) -> Result<(), EvalError> {
        instructions::refuse_unscorable(self, prompts)
    }

    fn unsupported(&self, prompts: &[TestPrompt]) -> BTreeMap<String, usize> {
        instructions::unsupported(self, prompts)
    }

    fn hint(&self, error: &EvalError) -> Option<&'static str> {
        let EvalError::Prompts { source, .. } = error else { return None };
        let EvalError::Instruction { source, .. } = &**source else { return None };
        let is_pattern = matches!(**source, InstructionError::UnsupportedPattern { .. });
        (self.mode == Mode::Paper && is_pattern).then_some(
            "remove the instruction from the prompts, or use mode `repaired`, which reads keywords as plain text",
        )
    }
}

//! IFBench (Pyatkin et al., 2025): prompts with 58 types of instructions that code can check, strictly and loosely.
//!
//! ```
//! use iopo_eval::ifbench::{Ifbench, Mode};
//!
//! let file = r#"{"key": "0", "prompt": "When do you open? Include exactly 2 numbers.",
//!     "instruction_id_list": ["count:numbers"], "kwargs": [{"N": 2.0}]}"#.replace('\n', "");
//! let ifbench = Ifbench::new(Mode::Repaired);
//! let prompts = ifbench.prompts(&file)?;
//! let result = ifbench.evaluate(&prompts, ["We open 9-17."])?;
//! assert_eq!(result.scores[0].strict, Some(true));
//! # Ok::<(), iopo_eval::EvalError>(())
//! ```

use std::collections::BTreeMap;

pub use iopo_constraints::ifbench::Mode;
use iopo_constraints::ifbench::{
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
pub const ID: &str = "ifbench";

/// Commit of the published rules that paper mode follows.
const RULES: &str = "db69a6f";

/// IFBench as a command line offers it.
pub const PUBLISHED: Published = Published {
    id: ID,
    about: "IFBench: 58 types of instructions that code checks, for responses from a model or a file",
    data: "Prompts: the file of IFBench, or the hub id of a dataset with one such file",
    source: Source::Hub("allenai/IFBench_test"),
    items: "300 prompts, 344 instructions",
    languages: "English",
    license: "ODC-BY-1.0",
    judge_calls: 0,
    judging: "none; code decides",
    headline: "loose prompt accuracy: share of prompts whose instructions all hold in one variant of the response",
    modes: &[
        PublishedMode {
            id: Mode::Paper.id(),
            about: "Reproduces the published verdicts; comparable with published scores",
            make: |setup| Box::new(Ifbench::with_setup(Mode::Paper, setup)),
        },
        PublishedMode {
            id: Mode::Repaired.id(),
            about: "Decides by the wording of the instruction; not comparable with published scores",
            make: |setup| Box::new(Ifbench::with_setup(Mode::Repaired, setup)),
        },
    ],
};

/// IFBench in one of its modes.
#[derive(Debug, Clone)]
pub struct Ifbench {
    mode: Mode,
    setup: Setup,
}

impl Ifbench {
    /// Scores by the rules of `mode`. Scores of the two modes are not comparable. `words:start_verb` is not checked.
    pub fn new(mode: Mode) -> Self {
        Self::with_setup(mode, &Setup::default())
    }

    /// Scores by the rules of `mode` with the tables and held-out kinds of `setup`.
    pub fn with_setup(mode: Mode, setup: &Setup) -> Self {
        Self { mode, setup: setup.clone() }
    }

    /// Parses prompts: one JSON object per line, as IFBench publishes them.
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
    /// Returns an error if the number of responses differs from the number of prompts.
    pub fn evaluate<R>(
        &self,
        prompts: &[TestPrompt],
        responses: R,
    ) -> Result<ScoredResponses, EvalError>
    where
        R: IntoIterator,
        R::Item: Into<String>,
    {
        let responses = responses.into_iter().map(Into::into).collect();
        score_responses(self, prompts, responses, Bootstrap::default())
    }
}

impl Rules for Ifbench {
    type Instruction = Instruction;
    type Checker = Checker;
    const ID: &'static str = ID;
    const NAME: &'static str = "IFBench";

    fn mode(&self) -> Mode {
        self.mode
    }

    fn checker(&self, instruction: &Instruction) -> Result<Checker, InstructionError> {
        Checker::new(instruction, self.mode, self.setup.tagger.as_ref().map(|table| &table.tagger))
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

impl Scorer for Ifbench {
    fn settings(&self) -> Value {
        let tagger = self.setup.tagger.as_ref().map(|table| &table.hash);
        let mut settings = json!({ "mode": self.mode.id(), "rules": RULES, "tagger": tagger });
        self.setup.note_kinds(&mut settings);
        settings
    }

    fn score(&self, row: &PredictionRow) -> Result<Vec<ScoreRow>, EvalError> {
        instructions::score(self, row)
    }
}

impl Benchmark for Ifbench {
    fn title(&self) -> String {
        match self.mode {
            Mode::Paper => format!("IFBench, paper mode (rules of commit {RULES})"),
            Mode::Repaired => "IFBench, repaired mode".to_owned(),
        }
    }

    fn parse(&self, text: &str) -> Result<Vec<TestPrompt>, EvalError> {
        self.prompts(text)
    }

    fn refuse_unscorable(&self, prompts: &[TestPrompt]) -> Result<(), EvalError> {
        instructions::refuse_unscorable(self, prompts)
    }

    fn unsupported(&self, prompts: &[TestPrompt]) -> BTreeMap<String, usize> {
        instructions::unsupported(self, prompts)
    }

    fn hint(&self, error: &EvalError) -> Option<&'static str> {
        let EvalError::Prompts { source, .. } = error else { return None };
        matches!(**source, EvalError::NoCheck { lacks_table: true, .. }).then_some(
            "write the tagger's table with `cargo xtask tagger`, which docs/ifbench.md describes",
        )
    }
}

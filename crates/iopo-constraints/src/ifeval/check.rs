//! An instruction prepared for checking, and its verdicts.

use iopo_core::Mode;

use super::{
    error::InstructionError,
    instruction::{Instruction, InstructionKind},
    paper::Paper,
    repaired::Repaired,
    response::{Response, Variant},
};

/// An instruction in a mode, with its patterns compiled.
#[derive(Debug, Clone)]
pub struct Checker {
    kind: InstructionKind,
    rules: Rules,
}

#[derive(Debug, Clone)]
enum Rules {
    Paper(Paper),
    Repaired(Repaired),
}

/// Whether a response follows an instruction, strictly and loosely.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InstructionVerdict {
    /// The rules that decided.
    pub mode: Mode,
    /// Whether the response itself follows the instruction.
    pub strict: bool,
    /// Whether the response or one of its loose variants follows the instruction.
    pub loose: bool,
    /// The first variant that follows the instruction, from 0, in the order in which [`Response`] tries them.
    pub loose_variant: Option<usize>,
}

impl Checker {
    /// Prepares an instruction for checking.
    ///
    /// # Errors
    /// Returns [`InstructionError::UnsupportedPattern`] for a pattern that the mode cannot decide exactly in linear time.
    pub fn new(instruction: &Instruction, mode: Mode) -> Result<Self, InstructionError> {
        let rules = match mode {
            Mode::Paper => Rules::Paper(Paper::new(instruction)?),
            Mode::Repaired => Rules::Repaired(Repaired::new(instruction)),
        };
        Ok(Self { kind: instruction.kind(), rules })
    }

    /// The type of the instruction.
    pub fn kind(&self) -> InstructionKind {
        self.kind
    }

    /// The rules that decide.
    pub fn mode(&self) -> Mode {
        match self.rules {
            Rules::Paper(_) => Mode::Paper,
            Rules::Repaired(_) => Mode::Repaired,
        }
    }

    /// Decides whether a response follows the instruction, strictly and loosely.
    pub fn verdict(&self, response: &Response<'_>) -> InstructionVerdict {
        InstructionVerdict::decide(response, self.mode(), self.reads_asterisks(), |text| {
            self.follows(text)
        })
    }

    /// Decides whether a text itself follows the instruction. A blank text never does.
    pub fn strict(&self, text: &str) -> bool {
        Response::new(text).whole().is_some_and(|text| self.follows(text))
    }

    fn follows(&self, text: &str) -> bool {
        match &self.rules {
            Rules::Paper(paper) => paper.follows(text),
            Rules::Repaired(repaired) => repaired.follows(text),
        }
    }

    /// Whether variants without asterisks do not count: in repaired mode, for instructions that read asterisks.
    fn reads_asterisks(&self) -> bool {
        match &self.rules {
            Rules::Paper(_) => false,
            Rules::Repaired(rules) => rules.reads_asterisks(),
        }
    }
}

impl InstructionVerdict {
    /// Checks a response and, if it does not follow, its variants. Variants without asterisks are skipped if the
    /// instruction reads asterisks.
    pub(crate) fn decide(
        response: &Response<'_>,
        mode: Mode,
        reads_asterisks: bool,
        follows: impl Fn(&str) -> bool,
    ) -> Self {
        let strict = response.whole().is_some_and(&follows);
        let tolerated = |variant: &Variant<'_>| {
            !(reads_asterisks && variant.without_asterisks) && follows(&variant.text)
        };
        let loose_variant = if strict {
            Some(0)
        } else {
            response.others().find(|(_, variant)| tolerated(variant)).map(|(at, _)| at)
        };
        Self { mode, strict, loose: loose_variant.is_some(), loose_variant }
    }
}

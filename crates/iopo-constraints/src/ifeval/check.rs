//! An instruction prepared for checking, and its verdicts.

use super::{
    error::IfevalError,
    instruction::{Instruction, InstructionKind},
    mode::Mode,
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
    /// Returns [`IfevalError::UnsupportedPattern`] for a pattern that the mode cannot decide exactly in linear time.
    pub fn new(instruction: &Instruction, mode: Mode) -> Result<Self, IfevalError> {
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
        let strict = response.whole().is_some_and(|text| self.follows(text));
        let loose_variant = if strict {
            Some(0)
        } else {
            response.others().find(|(_, variant)| self.tolerates(variant)).map(|(at, _)| at)
        };
        let (mode, loose) = (self.mode(), loose_variant.is_some());
        InstructionVerdict { mode, strict, loose, loose_variant }
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

    /// Whether a variant follows the instruction. In repaired mode, variants without asterisks do not count for
    /// instructions that read asterisks.
    fn tolerates(&self, variant: &Variant<'_>) -> bool {
        match &self.rules {
            Rules::Repaired(rules) if variant.without_asterisks && rules.reads_asterisks() => false,
            Rules::Paper(_) | Rules::Repaired(_) => self.follows(&variant.text),
        }
    }
}

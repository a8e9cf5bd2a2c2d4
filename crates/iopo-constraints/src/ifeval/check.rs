//! An instruction made ready to be checked, and its verdicts.

use super::{
    error::IfevalError,
    instruction::Instruction,
    kind::InstructionKind,
    mode::Mode,
    paper::Paper,
    repaired::Repaired,
    response::{Response, Variant},
};

/// An instruction in a mode, its patterns compiled.
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

/// What was decided about a response, and by which rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verdict {
    /// The rules.
    pub mode: Mode,
    /// Whether the response itself follows the instruction.
    pub strict: bool,
    /// Whether one of the variants does, the response itself among them.
    pub loose: bool,
    /// The first variant that does, from 0, in the order that [`Response`] tries them.
    pub loose_variant: Option<usize>,
}

impl Checker {
    /// Makes an instruction ready; refuses patterns that the mode cannot decide exactly.
    pub fn new(instruction: &Instruction, mode: Mode) -> Result<Self, IfevalError> {
        let rules = match mode {
            Mode::Paper => Rules::Paper(Paper::new(instruction)?),
            Mode::Repaired => Rules::Repaired(Repaired::new(instruction)),
        };
        Ok(Self { kind: instruction.kind(), rules })
    }

    /// The type of its instruction.
    pub fn kind(&self) -> InstructionKind {
        self.kind
    }

    /// The rules that it decides by.
    pub fn mode(&self) -> Mode {
        match self.rules {
            Rules::Paper(_) => Mode::Paper,
            Rules::Repaired(_) => Mode::Repaired,
        }
    }

    /// The strict and the loose verdict.
    pub fn verdict(&self, response: &Response<'_>) -> Verdict {
        let strict = response.whole().is_some_and(|text| self.follows(text));
        let loose_variant = if strict {
            Some(0)
        } else {
            response.others().find(|(_, variant)| self.tolerates(variant)).map(|(at, _)| at)
        };
        Verdict { mode: self.mode(), strict, loose: loose_variant.is_some(), loose_variant }
    }

    /// Whether a text by itself follows the instruction; a blank one never does.
    pub fn strict(&self, text: &str) -> bool {
        Response::new(text).whole().is_some_and(|text| self.follows(text))
    }

    fn follows(&self, text: &str) -> bool {
        match &self.rules {
            Rules::Paper(paper) => paper.follows(text),
            Rules::Repaired(repaired) => repaired.follows(text),
        }
    }

    /// Whether a variant follows it. In repaired mode, what is counted in asterisks says nothing
    /// once they are gone.
    fn tolerates(&self, variant: &Variant<'_>) -> bool {
        match &self.rules {
            Rules::Repaired(rules) if variant.without_asterisks && rules.reads_asterisks() => false,
            _ => self.follows(&variant.text),
        }
    }
}

//! An instruction prepared for checking.

use super::{
    instruction::{Instruction, InstructionKind},
    paper::Paper,
    repaired::Repaired,
    tagger::{TABLE, Tagger},
};
use crate::ifeval::{InstructionError, InstructionVerdict, Mode, Response};

/// An instruction in a mode, with the tables and texts that it needs.
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

impl Checker {
    /// Prepares an instruction for checking. Only `words:start_verb` uses the tagger.
    ///
    /// # Errors
    /// Returns [`InstructionError::MissingTable`] for `words:start_verb` without a tagger.
    pub fn new(
        instruction: &Instruction,
        mode: Mode,
        tagger: Option<&Tagger>,
    ) -> Result<Self, InstructionError> {
        let kind = instruction.kind();
        if kind.needs_tagger() && tagger.is_none() {
            return Err(InstructionError::MissingTable { id: kind.id(), table: TABLE });
        }
        let rules = match mode {
            Mode::Paper => Rules::Paper(Paper::new(instruction, tagger)),
            Mode::Repaired => Rules::Repaired(Repaired::new(instruction, tagger)),
        };
        Ok(Self { kind, rules })
    }

    /// The type of the instruction.
    pub fn kind(&self) -> InstructionKind {
        self.kind
    }

    /// The mode whose rules decide.
    pub fn mode(&self) -> Mode {
        match self.rules {
            Rules::Paper(_) => Mode::Paper,
            Rules::Repaired(_) => Mode::Repaired,
        }
    }

    /// Decides whether a response follows the instruction, strictly and loosely.
    pub fn verdict(&self, response: &Response<'_>) -> InstructionVerdict {
        let reads_asterisks = match &self.rules {
            Rules::Paper(_) => false,
            Rules::Repaired(rules) => rules.reads_asterisks(),
        };
        InstructionVerdict::decide(response, self.mode(), reads_asterisks, |text| {
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
}

impl InstructionKind {
    /// Whether the checks of this type need a [`Tagger`].
    pub fn needs_tagger(self) -> bool {
        self == Self::StartVerb
    }
}

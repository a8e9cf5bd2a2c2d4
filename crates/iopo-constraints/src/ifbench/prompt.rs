//! Verdicts for the prompts of IFBench.

use std::collections::BTreeMap;

use super::{check::Checker, instruction::Instruction, tagger::Tagger};
use crate::ifeval::{
    InstructionError, InstructionVerdict, Mode, Response,
    prompt::{Prompt, PromptFile, PromptInstruction},
};

/// A prompt of IFBench.
pub type IfbenchPrompt = Prompt<Instruction>;

impl PromptInstruction<Instruction> {
    /// The instruction to check, if there is a check for it with or without a tagger.
    fn supported(&self, tagger: Option<&Tagger>) -> Option<&Instruction> {
        self.instruction.as_ref().filter(|one| tagger.is_some() || !one.kind().needs_tagger())
    }
}

impl Prompt<Instruction> {
    /// Decides whether a response follows each instruction, in their order.
    ///
    /// An instruction of another benchmark has the verdict `None`, and so has `words:start_verb` without a tagger.
    ///
    /// # Errors
    /// Returns an error when an instruction cannot be prepared for checking.
    pub fn verdicts(
        &self,
        response: &str,
        mode: Mode,
        tagger: Option<&Tagger>,
    ) -> Result<Vec<Option<InstructionVerdict>>, InstructionError> {
        let response = Response::new(response);
        let verdict = |one: &Instruction| Ok(Checker::new(one, mode, tagger)?.verdict(&response));
        self.instructions.iter().map(|one| one.supported(tagger).map(verdict).transpose()).collect()
    }
}

impl PromptFile<Instruction> {
    /// The ids of instruction types that have no check, with the number of their occurrences. Without a tagger, they
    /// include `words:start_verb`.
    pub fn unsupported(&self, tagger: Option<&Tagger>) -> BTreeMap<&str, usize> {
        self.without_check(|one| one.supported(tagger).is_some())
    }
}

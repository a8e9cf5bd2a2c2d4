//! Prompts with their instructions, made in memory or read from IFBench's JSON lines.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{check::Checker, instruction::Instruction, tagger::Tagger};
use crate::ifeval::{InstructionError, InstructionVerdict, Mode, Response, prompt::read_prompts};

/// One prompt with its instructions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IfbenchPrompt {
    /// The key, unique in a file.
    pub key: String,
    /// The text that the model receives.
    pub prompt: String,
    /// The instructions that a response is checked against, in the order of the file.
    pub instructions: Vec<PromptInstruction>,
}

/// An instruction of a prompt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PromptInstruction {
    /// The id of the instruction type.
    pub id: String,
    /// The keyword arguments, without those that are null.
    pub kwargs: Map<String, Value>,
    /// The instruction to check. `None` for a type of another benchmark, which gets no verdict.
    pub instruction: Option<Instruction>,
}

impl PromptInstruction {
    /// Reads an instruction from its id and keyword arguments.
    ///
    /// # Errors
    /// Returns an error when the type is IFBench's and its arguments are missing, unknown or out of range.
    pub fn new(
        id: impl Into<String>,
        mut kwargs: Map<String, Value>,
    ) -> Result<Self, InstructionError> {
        let id = id.into();
        kwargs.retain(|_, value| !value.is_null());
        let instruction = match Instruction::from_parts(&id, &kwargs) {
            Ok(instruction) => Some(instruction),
            Err(InstructionError::UnknownInstruction { .. }) => None,
            Err(error) => return Err(error),
        };
        Ok(Self { id, kwargs, instruction })
    }

    /// The instruction to check, if there is a check for it with or without a tagger.
    fn supported(&self, tagger: Option<&Tagger>) -> Option<&Instruction> {
        self.instruction.as_ref().filter(|one| tagger.is_some() || !one.kind().needs_tagger())
    }
}

impl IfbenchPrompt {
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

/// The prompts of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PromptFile {
    /// The prompts, in the order of the file.
    pub prompts: Vec<IfbenchPrompt>,
}

impl PromptFile {
    /// Parses the text of a file with one JSON object per line, as IFBench publishes them.
    ///
    /// Other fields are ignored, and instruction types of other benchmarks are kept by name.
    ///
    /// # Errors
    /// Returns an error with the line number when a line is not a prompt, when a key occurs twice, and when the
    /// arguments of an IFBench instruction are invalid.
    pub fn parse(text: &str) -> Result<Self, InstructionError> {
        let made = |(key, prompt, instructions)| IfbenchPrompt { key, prompt, instructions };
        let read = read_prompts(text, PromptInstruction::new)?;
        Ok(Self { prompts: read.into_iter().map(made).collect() })
    }

    /// The ids of instruction types that have no check, with the number of their occurrences. Without a tagger, they
    /// include `words:start_verb`.
    pub fn unsupported(&self, tagger: Option<&Tagger>) -> BTreeMap<&str, usize> {
        let mut counts = BTreeMap::new();
        for one in self.prompts.iter().flat_map(|prompt| &prompt.instructions) {
            if one.supported(tagger).is_none() {
                *counts.entry(one.id.as_str()).or_default() += 1;
            }
        }
        counts
    }
}

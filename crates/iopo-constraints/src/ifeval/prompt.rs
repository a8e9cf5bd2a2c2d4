//! Prompts with their instructions, made in memory or read from IFEval's JSON lines.

use std::collections::BTreeMap;

use iopo_core::{
    Mode,
    python_json::{to_json, without_bom},
    text::counted,
};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::{
    check::{Checker, InstructionVerdict},
    error::{InstructionError, excerpt},
    instruction::Instruction,
    response::Response,
};

/// A prompt of IFEval.
pub type IfevalPrompt = Prompt<Instruction>;

/// A closed list of instructions, which the files of a benchmark name by id and keyword arguments.
pub trait NamedInstruction: Sized {
    /// Reads an instruction. Null arguments count as absent.
    ///
    /// # Errors
    /// Returns an error for an unknown id and for an argument that is missing, unknown, of the wrong type or out of range.
    fn from_parts(id: &str, kwargs: &Map<String, Value>) -> Result<Self, InstructionError>;
}

/// One prompt with its instructions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prompt<I> {
    /// The key, unique in a file.
    pub key: String,
    /// The text that the model receives.
    pub prompt: String,
    /// The instructions that a response is checked against, in the order of the file.
    pub instructions: Vec<PromptInstruction<I>>,
}

/// An instruction of a prompt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PromptInstruction<I> {
    /// The id of the instruction type.
    pub id: String,
    /// The keyword arguments, without those that are null.
    pub kwargs: Map<String, Value>,
    /// The instruction to check. `None` for a type of another benchmark, which gets no verdict.
    pub instruction: Option<I>,
}

impl<I: NamedInstruction> PromptInstruction<I> {
    /// Reads an instruction from its id and keyword arguments.
    ///
    /// # Errors
    /// Returns an error when the type is the benchmark's and its arguments are missing, unknown or out of range.
    pub fn new(
        id: impl Into<String>,
        mut kwargs: Map<String, Value>,
    ) -> Result<Self, InstructionError> {
        let id = id.into();
        kwargs.retain(|_, value| !value.is_null());
        let instruction = match I::from_parts(&id, &kwargs) {
            Ok(instruction) => Some(instruction),
            Err(InstructionError::UnknownInstruction { .. }) => None,
            Err(error) => return Err(error),
        };
        Ok(Self { id, kwargs, instruction })
    }
}

impl IfevalPrompt {
    /// Decides whether a response follows each instruction, in their order. An instruction of another benchmark has the
    /// verdict `None`.
    ///
    /// # Errors
    /// Returns [`InstructionError::UnsupportedPattern`] when paper mode cannot search for a keyword in linear time.
    pub fn verdicts(
        &self,
        response: &str,
        mode: Mode,
    ) -> Result<Vec<Option<InstructionVerdict>>, InstructionError> {
        let response = Response::new(response);
        let verdict =
            |instruction: &Instruction| Ok(Checker::new(instruction, mode)?.verdict(&response));
        self.instructions
            .iter()
            .map(|one| one.instruction.as_ref().map(verdict).transpose())
            .collect()
    }
}

/// The prompts of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PromptFile<I> {
    /// The prompts, in the order of the file.
    pub prompts: Vec<Prompt<I>>,
}

#[derive(Deserialize)]
struct Line {
    key: Value,
    prompt: String,
    instruction_id_list: Vec<String>,
    kwargs: Vec<Option<Map<String, Value>>>,
}

impl<I: NamedInstruction> PromptFile<I> {
    /// Parses the text of a file with one JSON object per line, as IFEval and IFBench publish them.
    ///
    /// Other fields are ignored, and instruction types of other benchmarks are kept by name. A byte order mark and the
    /// extensions of Python's JSON are accepted; an argument that is `NaN` counts as null, and null arguments as none.
    ///
    /// # Errors
    /// Returns an error with the line number when a line is not a prompt, when a key occurs twice, and when the
    /// arguments of an instruction of the benchmark are invalid.
    pub fn parse(text: &str) -> Result<Self, InstructionError> {
        let mut prompts = Vec::new();
        let mut keys = BTreeMap::new();
        let lines =
            without_bom(text).lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
        for (number, line) in lines.map(|(at, line)| (at + 1, line)) {
            let prompt = Prompt::read(number, line)?;
            if let Some(first) = keys.insert(prompt.key.clone(), number) {
                let reason = format!("key {} already occurs in line {first}", prompt.key);
                return Err(InstructionError::BadLine { line: number, reason });
            }
            prompts.push(prompt);
        }
        Ok(Self { prompts })
    }
}

impl<I> PromptFile<I> {
    /// The ids of the instructions that have no check, with the number of their occurrences.
    pub(crate) fn without_check(
        &self,
        supported: impl Fn(&PromptInstruction<I>) -> bool,
    ) -> BTreeMap<&str, usize> {
        let mut counts = BTreeMap::new();
        for one in self.prompts.iter().flat_map(|prompt| &prompt.instructions) {
            if !supported(one) {
                *counts.entry(one.id.as_str()).or_default() += 1;
            }
        }
        counts
    }
}

impl PromptFile<Instruction> {
    /// The ids of instruction types that have no check, with the number of their occurrences.
    pub fn unsupported(&self) -> BTreeMap<&str, usize> {
        self.without_check(|one| one.instruction.is_some())
    }
}

impl<I: NamedInstruction> Prompt<I> {
    fn read(number: usize, line: &str) -> Result<Self, InstructionError> {
        let bad = |reason: String| InstructionError::BadLine { line: number, reason };
        let line: Line = serde_json::from_str(&to_json(line)).map_err(|error| {
            bad(format!("expected key, prompt, instruction_id_list and kwargs: {error}"))
        })?;
        let key = match &line.key {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            other => {
                return Err(bad(format!("found {other} as key, expected a number or a string")));
            }
        };
        let (ids, kwargs) = (line.instruction_id_list, line.kwargs);
        if ids.is_empty() {
            return Err(bad("found no instruction, expected at least one".to_owned()));
        }
        if ids.len() != kwargs.len() {
            let found =
                format!("{} with {} kwargs", counted(ids.len(), "instruction"), kwargs.len());
            return Err(bad(format!("found {found}, expected as many kwargs as instructions")));
        }
        let made = ids
            .into_iter()
            .zip(kwargs)
            .map(|(id, kwargs)| PromptInstruction::new(id, kwargs.unwrap_or_default()));
        let instructions = made.collect::<Result<_, _>>().map_err(|source| {
            let (key, source) = (excerpt(&key), Box::new(source));
            InstructionError::BadPrompt { line: number, key, source }
        })?;
        Ok(Self { key, prompt: line.prompt, instructions })
    }
}

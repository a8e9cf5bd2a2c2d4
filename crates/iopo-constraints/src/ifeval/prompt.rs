//! The file of prompts: a JSON object a line, as IFEval and IFBench write them.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::{
    error::{IfevalError, excerpt},
    instruction::Instruction,
};

/// One prompt with its instructions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prompt {
    /// Its key, unique in a file.
    pub key: String,
    /// What the model is asked.
    pub prompt: String,
    /// What its answer is checked for, in the order of the file.
    pub items: Vec<PromptItem>,
}

/// An instruction of a prompt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PromptItem {
    /// The id of its type.
    pub id: String,
    /// Its arguments, null ones dropped.
    pub kwargs: Map<String, Value>,
    /// What can be checked; `None` for a type of another benchmark, which is counted and named,
    /// never passed.
    pub instruction: Option<Instruction>,
}

/// All prompts of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PromptFile {
    /// The prompts, in the order of the file.
    pub prompts: Vec<Prompt>,
}

#[derive(Deserialize)]
struct Line {
    key: Value,
    prompt: String,
    instruction_id_list: Vec<String>,
    kwargs: Vec<Map<String, Value>>,
}

impl PromptFile {
    /// Reads the lines; fields that the checks do not need are ignored.
    ///
    /// A known instruction with doubtful parameters is an error, and so is a key twice. An unknown
    /// instruction is kept by name.
    pub fn parse(text: &str) -> Result<Self, IfevalError> {
        let mut prompts: Vec<Prompt> = Vec::new();
        let mut keys = BTreeMap::new();
        let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
        for (number, line) in lines.map(|(at, line)| (at + 1, line)) {
            let prompt = read(number, line)?;
            if let Some(first) = keys.insert(prompt.key.clone(), number) {
                let reason = format!("its key {} is that of line {first} too", prompt.key);
                return Err(IfevalError::BadLine { line: number, reason });
            }
            prompts.push(prompt);
        }
        Ok(Self { prompts })
    }

    /// The ids that cannot be checked, with how often each occurs.
    pub fn unsupported(&self) -> BTreeMap<&str, usize> {
        let mut counts = BTreeMap::new();
        for item in self.prompts.iter().flat_map(|prompt| &prompt.items) {
            if item.instruction.is_none() {
                *counts.entry(item.id.as_str()).or_default() += 1;
            }
        }
        counts
    }
}

fn read(number: usize, line: &str) -> Result<Prompt, IfevalError> {
    let bad = |reason: String| IfevalError::BadLine { line: number, reason };
    let line: Line = serde_json::from_str(line).map_err(|error| {
        bad(format!("expected key, prompt, instruction_id_list and kwargs: {error}"))
    })?;
    let key = match &line.key {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        other => return Err(bad(format!("expected a number or a string as key, found {other}"))),
    };
    let (ids, kwargs) = (line.instruction_id_list, line.kwargs);
    if ids.len() != kwargs.len() || ids.is_empty() {
        let reason = format!("{} instructions with {} kwargs", ids.len(), kwargs.len());
        return Err(bad(format!("expected as many kwargs as instructions, found {reason}")));
    }
    let item = |(id, mut kwargs): (String, Map<String, Value>)| {
        kwargs.retain(|_, value| !value.is_null());
        let instruction = match Instruction::from_parts(&id, &kwargs) {
            Ok(instruction) => Some(instruction),
            Err(IfevalError::UnknownInstruction { .. }) => None,
            Err(source) => {
                let (key, source) = (excerpt(&key), Box::new(source));
                return Err(IfevalError::BadPrompt { line: number, key, source });
            }
        };
        Ok(PromptItem { id, kwargs, instruction })
    };
    let items = ids.into_iter().zip(kwargs).map(item).collect::<Result<_, _>>()?;
    Ok(Prompt { key, prompt: line.prompt, items })
}

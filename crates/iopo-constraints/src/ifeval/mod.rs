//! The 25 instruction types of IFEval (Zhou et al., 2023), as published or with known errors fixed.
//!
//! | module | contents |
//! |---|---|
//! | [`prompt`] | prompts with their instructions, verdicts for a response |
//! | [`instruction`] | the closed list of instruction types with their parameters |
//! | [`relation`] | comparisons of a count with a number |
//! | [`check`] | an instruction prepared for checking, the strict and the loose verdict |
//! | [`response`] | a response with its loose variants |
//! | [`primitives`] | the counts that paper mode uses |
//! | [`overlap`] | instruction types that training may have seen |
//! | [`error`] | errors of instructions and prompt files |
//!
//! Prompts and responses go in and verdicts come out, without files:
//!
//! ```
//! use iopo_constraints::ifeval::{IfevalPrompt, Mode, PromptInstruction};
//! use serde_json::json;
//!
//! let kwargs = json!({"relation": "at least", "num_words": 4});
//! let kwargs = kwargs.as_object().cloned().unwrap_or_default();
//! let prompt = IfevalPrompt {
//!     key: "1".to_owned(),
//!     prompt: "Who wrote it? Use at least 4 words.".to_owned(),
//!     instructions: vec![PromptInstruction::new("length_constraints:number_words", kwargs)?],
//! };
//!
//! // The published code counts "don't" as two words.
//! let verdicts = prompt.verdicts("I don't know.", Mode::Paper)?;
//! assert!(verdicts[0].is_some_and(|verdict| verdict.strict));
//! let verdicts = prompt.verdicts("I don't know.", Mode::Repaired)?;
//! assert!(verdicts[0].is_some_and(|verdict| !verdict.strict && !verdict.loose));
//! # Ok::<(), iopo_constraints::ifeval::InstructionError>(())
//! ```
//!
//! Every check runs in time linear in the length of the response, and no text makes a check panic.

pub mod check;
pub mod error;
pub mod instruction;
pub mod overlap;
pub mod primitives;
pub mod prompt;
pub mod relation;
pub mod response;

mod contractions;
pub(crate) mod declare;
mod json;
mod language;
mod paper;
pub(crate) mod params;
mod pattern;
pub(crate) mod punkt;
pub(crate) mod python;
pub(crate) mod repaired;
pub(crate) mod search;
pub(crate) mod treebank;

pub use check::{Checker, InstructionVerdict};
pub use error::InstructionError;
pub use instruction::{Instruction, InstructionKind};
pub use prompt::{IfevalPrompt, NamedInstruction, Prompt};
pub use relation::Relation;
pub use response::Response;

pub use iopo_core::Mode;

/// The prompts of a file of IFEval.
pub type PromptFile = prompt::PromptFile<Instruction>;
/// An instruction of a prompt of IFEval.
pub type PromptInstruction = prompt::PromptInstruction<Instruction>;

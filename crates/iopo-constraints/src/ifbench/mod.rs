//! The 58 instruction types of IFBench (Pyatkin et al., 2025), as published or with known errors fixed.
//!
//! | module | contents |
//! |---|---|
//! | [`prompt`] | verdicts for the prompts |
//! | [`instruction`] | the closed list of instruction types with their parameters |
//! | [`params`] | parameters that IFEval does not have |
//! | [`check`] | an instruction prepared for checking, the strict and the loose verdict |
//! | [`overlap`] | instruction types that training may have seen |
//! | [`tagger`] | part-of-speech tags, from a table that the user generates |
//! | [`primitives`] | the parts of paper mode that can be compared with those of the published code |
//!
//! Modes, responses with their loose variants, verdicts and errors are those of [`ifeval`](crate::ifeval). Paper mode
//! follows the published code of August 2026 (commit db69a6f); the rules of the paper itself differ.
//!
//! ```
//! use iopo_constraints::ifbench::{IfbenchPrompt, Mode, PromptInstruction};
//! use serde_json::json;
//!
//! let kwargs = json!({"N": 2.0}).as_object().cloned().unwrap_or_default();
//! let prompt = IfbenchPrompt {
//!     key: "0".to_owned(),
//!     prompt: "When do you open? Include exactly 2 numbers.".to_owned(),
//!     instructions: vec![PromptInstruction::new("count:numbers", kwargs)?],
//! };
//!
//! // The published code counts a range as one number.
//! let verdicts = prompt.verdicts("We open 9-17.", Mode::Paper, None)?;
//! assert!(verdicts[0].is_some_and(|verdict| !verdict.strict && !verdict.loose));
//! let verdicts = prompt.verdicts("We open 9-17.", Mode::Repaired, None)?;
//! assert!(verdicts[0].is_some_and(|verdict| verdict.strict));
//! # Ok::<(), iopo_constraints::ifbench::InstructionError>(())
//! ```
//!
//! `words:start_verb` needs a [`Tagger`]. The tagger's weights have no license that permits redistribution, so the crate
//! does not contain them. Without a tagger, the type is not checked.
//!
//! Every check takes time linear in the length of the response, and no check panics on any text.

pub mod check;
pub mod instruction;
pub mod overlap;
pub mod params;
pub mod primitives;
pub mod prompt;
pub mod tagger;

mod csv;
mod emoji;
mod lists;
mod natural;
mod paper;
mod repaired;
mod stop_words;
mod syllables;
mod text;
mod unicode;

pub use check::Checker;
pub use instruction::{Instruction, InstructionKind};
pub use params::Percentage;
pub use prompt::IfbenchPrompt;
pub use tagger::Tagger;

pub use crate::ifeval::{InstructionError, InstructionVerdict, Mode, Response};

/// The prompts of a file of IFBench.
pub type PromptFile = crate::ifeval::prompt::PromptFile<Instruction>;
/// An instruction of a prompt of IFBench.
pub type PromptInstruction = crate::ifeval::prompt::PromptInstruction<Instruction>;

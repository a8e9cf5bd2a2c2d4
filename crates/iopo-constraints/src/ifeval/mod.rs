//! IFEval's 25 instructions (Zhou et al., 2023): as published, or with its oddities repaired.
//!
//! | module | what |
//! |---|---|
//! | [`kind`] | the closed list of instruction types and their ids |
//! | [`instruction`] | an instruction with its typed parameters |
//! | [`mode`] | paper or repaired, chosen explicitly |
//! | [`check`] | an instruction made ready in a mode, the strict and the loose verdict |
//! | [`response`] | a response and its eight loose variants |
//! | [`prompt`] | the file of prompts, IFBench's included as far as its types overlap |
//! | [`primitives`] | the counts that the checks stand on |
//! | [`overlap`] | which kinds of the synthesis ask for the same as an instruction type |
//! | [`error`] | what foreign data can get wrong |
//!
//! ```
//! use iopo_constraints::ifeval::{Checker, Instruction, Mode, Response};
//!
//! let kwargs = serde_json::json!({"relation": "at least", "num_words": 4});
//! let kwargs = kwargs.as_object().cloned().unwrap_or_default();
//! let instruction = Instruction::from_parts("length_constraints:number_words", &kwargs)?;
//! let response = Response::new("I don't know.");
//! assert!(Checker::new(&instruction, Mode::Paper)?.verdict(&response).strict);
//! assert!(!Checker::new(&instruction, Mode::Repaired)?.verdict(&response).strict);
//! # Ok::<(), iopo_constraints::ifeval::IfevalError>(())
//! ```
//!
//! The work of every check grows linearly with the response; no text makes one panic.

pub mod check;
pub mod error;
pub mod instruction;
pub mod kind;
pub mod mode;
pub mod overlap;
pub mod primitives;
pub mod prompt;
pub mod response;

mod contractions;
mod json;
mod language;
mod paper;
mod params;
mod pattern;
mod punkt;
mod python;
mod repaired;
mod search;
mod treebank;

pub use check::{Checker, Verdict};
pub use error::IfevalError;
pub use instruction::{Instruction, Relation};
pub use kind::InstructionKind;
pub use mode::Mode;
pub use prompt::{Prompt, PromptFile, PromptItem};
pub use response::Response;

//! The taxonomy of constraints and the constraints that code can check.
//!
//! | module | what |
//! |---|---|
//! | [`taxonomy`] | 5 types and 26 dimensions, with their English and Chinese names |
//! | [`kind`] | the kinds of checkable constraints, back-translation, random parameters |
//! | [`constraint`] | a kind with its parameters: rendering, checking, revising, repairing |
//! | [`families`] | the typed parameters, one family of kinds a file |
//! | [`pick`] | sets of constraints that go together, constraints that tell answers apart |
//! | `ifeval` | IFEval's instructions, as published and repaired (feature `ifeval`) |
//! | [`prompt`] | the layout of an instruction in the prompt |
//! | [`error`] | what foreign data can get wrong |
//!
//! The same checker decides in synthesis, at admission of a pair and in evaluation. A response
//! without any text satisfies nothing.
//!
//! ```
//! use iopo_constraints::{Constraint, Kind};
//!
//! let answer = "Tea is a warm drink. Many people like it.";
//! let constraint = Constraint::from_parts("max_words", r#"{"n":10}"#)?;
//! assert_eq!(constraint.render(0), "Use at most 10 words.");
//! assert!(constraint.check(answer).satisfied);
//! assert!(constraint.revisions().iter().all(|revision| revision.excludes(&constraint)));
//! assert!(Kind::MaxWords.back_translate(answer).contains(&constraint));
//! # Ok::<(), iopo_constraints::ConstraintError>(())
//! ```
//!
//! What it does not do: no I/O, no judging by a model, no random numbers that it was not handed.

mod bound;
pub mod constraint;
pub mod counted;
mod edit;
pub mod error;
pub mod families;
#[cfg(feature = "ifeval")]
pub mod ifeval;
pub mod kind;
mod lexicon;
mod lines;
mod measure;
mod params;
pub mod pick;
pub mod prompt;
mod slot;
pub mod taxonomy;
mod text;

pub use constraint::{Constraint, Verdict};
pub use counted::Counted;
pub use error::ConstraintError;
pub use kind::Kind;
pub use pick::{compatible, contrast};
pub use prompt::render_prompt;
pub use taxonomy::{ConstraintType, Dimension};

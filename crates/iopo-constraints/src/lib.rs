//! Instruction constraints that code can verify: render and check them, edit responses, and score with IFEval and IFBench.
//!
//! | module | contents |
//! |---|---|
//! | [`taxonomy`] | 5 types and 26 dimensions of constraints, with their names |
//! | [`kind`] | the kinds of constraints, back-translation, random parameters |
//! | [`constraint`] | a kind with its parameters: rendering, checking, revising, editing responses |
//! | [`families`] | the kinds and their typed parameters, one family of kinds per file |
//! | [`mod@from_text`] | the constraint that a text states, where code can decide it |
//! | [`iftrain`] | the training constraints of IFTrain |
//! | [`kind_set`] | sets of kinds that a configuration can name |
//! | [`style`] | style prompts, sentences that elicit kinds in responses |
//! | [`mod@satisfy`] | edits for several constraints in turn |
//! | [`pick`] | compatible sets of constraints, constraints that separate two responses |
//! | [`counted`] | a response with cached counts, for many checks of the same text |
//! | `ifbench` | IFBench's checks, as published or repaired (feature `ifbench`, on by default) |
//! | `ifeval` | IFEval's checks, as published or repaired (feature `ifeval`, on by default) |
//! | `benchmark` | an instruction of IFEval or IFBench by its id (feature `ifbench`) |
//! | [`listed`] | constraints as the rows of datasets list them |
//! | [`strict_json`] | JSON from outside, within limits and without repeated keys |
//! | [`quality`] | signs of responses that satisfy constraints without answering |
//! | [`prompt`] | the layout of an instruction in the prompt |
//! | [`error`] | errors of constraints read from files |
//!
//! Synthesis, admission of pairs and evaluation use the same checks. A blank response satisfies no constraint.
//!
//! ```
//! use iopo_constraints::{Constraint, Kind};
//!
//! let response = "Tea is a warm drink. Many people like it.";
//! let constraint = Constraint::from_parts("max_words", r#"{"n":10}"#)?;
//! assert_eq!(constraint.render(0), "Use at most 10 words.");
//! assert!(constraint.check(response).satisfied);
//! assert!(constraint.revisions().iter().all(|revision| revision.excludes(&constraint)));
//! assert!(Kind::MaxWords.back_translate(response).contains(&constraint));
//! # Ok::<(), iopo_constraints::ConstraintError>(())
//! ```
//!
//! The crate does no I/O, calls no model and draws random numbers only from generators that the caller passes.
//!
//! # Adding a kind
//!
//! 1. Declare the kind in the file of its family, such as `families/marks.rs`: parameters, id, dimension, weight, the
//!    parts of a response that it governs, the IFEval instruction types that ask for the same thing, and the style
//!    prompts that elicit it. [`Kind`], [`Kind::ALL`], (de)serialization, the unseen types of IFEval and the style
//!    prompts that synthesis skips follow from this declaration.
//! 2. Follow the compiler. It names every match in the same file that lacks the new kind: valid parameters, sentences,
//!    check, revisions, edit, back-translation and random parameters. None of them has a catch-all arm.
//! 3. Add a good and a bad response to `tests/it/checks.rs`; a test fails until every kind has them. The property tests
//!    draw every kind. Add a kind with a number to `unchecked` in `tests/it/properties.rs` too, and a text with a new mark
//!    to `PIECES` in `tests/it/support/constraints.rs`.
//!
//! Every kind needs a revision that excludes it, and a test checks that each draw has one. If no existing kind excludes the
//! new one, declare its opposite too, like `parentheses` and `no_parentheses`. [`Constraint::revisions`] drops a revision
//! that does not provably exclude its constraint.
//!
//! A new count also needs a variant in `measure.rs` and an arm of `Bound::consequences` in `bound.rs`; the compiler names
//! both. It does not ask for the other relations in `bound.rs`: `within`, `contradicts`, and the marks that an opening or
//! closing phrase can contain. A missing relation makes no label wrong, but constraints that contradict each other then
//! count as compatible.
//!
//! A kind of weight 0 is not drawn by default; it exists for texts that people wrote. Declare it in a family at the end of
//! the list in `kind.rs`, and add a rule in `from_text`.
//!
//! Inserting a kind changes the order of [`Kind::ALL`] and therefore the draws of existing seeds. Increase the number in
//! `PRODUCER` of `iopo-pairs`, and start synthesis in a new run directory.

#[cfg(feature = "ifbench")]
pub mod benchmark;
mod blocks;
mod bound;
mod citation;
pub mod constraint;
pub mod counted;
mod edit;
pub mod error;
pub mod families;
pub mod from_text;
mod han;
#[cfg(feature = "ifbench")]
pub mod ifbench;
#[cfg(feature = "ifeval")]
pub mod ifeval;
pub mod iftrain;
pub mod kind;
pub mod kind_set;
mod lexicon;
mod lines;
pub mod listed;
mod markup;
mod measure;
mod natural;
mod params;
mod phrases_zh;
pub mod pick;
mod points;
mod portion;
pub mod prompt;
pub mod quality;
mod readable;
mod references;
pub mod satisfy;
mod slot;
pub mod strict_json;
mod structure;
pub mod style;
pub mod taxonomy;
mod text;

pub use constraint::{Constraint, Verdict};
pub use counted::CountedResponse;
pub use error::ConstraintError;
pub use from_text::{
    Instruction, from_proposal, from_text, from_text_in_instruction, from_text_in_task,
};
pub use kind::Kind;
pub use kind_set::KindSet;
pub use pick::{compatible, contrast, draw_compatible};
pub use prompt::render_prompt;
pub use satisfy::satisfy;
pub use style::StylePrompt;
pub use taxonomy::{ConstraintType, Dimension};

#[cfg(all(doctest, feature = "ifeval"))]
#[doc = include_str!("../README.md")]
struct Readme;

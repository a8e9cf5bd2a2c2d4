//! Maps the text of a constraint to a checker, where code can decide the whole text.
//!
//! A text maps only if all of it is understood. Four steps lead there, and each may give up:
//!
//! 1. *Normalize*: full-width characters, list numbers in front, the final mark, quoted strings.
//! 2. *Propose*: a grammar reads the text from its first to its last character and proposes a kind with parameters.
//! 3. *Parse*: [`Constraint::from_parts`] checks the parameters.
//! 4. *Say it back*: the numbers and quoted strings of the text are those of the constraint.
//!
//! A text that gives up at any step returns `None`, and a judge decides it.

mod cursor;
mod english;
mod normal;
mod number;
mod proposal;

use crate::constraint::Constraint;
use normal::Normal;

/// Maps the text of a constraint, in English or Chinese, to the constraint that it states.
///
/// Returns `None` if a checker decides the text only in part or not at all.
///
/// ```
/// use iopo_constraints::from_text;
///
/// let constraint = from_text("The answer must not exceed 200 words.").expect("a limit");
/// assert_eq!(constraint.kind().id(), "max_words");
/// assert_eq!(constraint.params_json(), r#"{"n":200}"#);
/// // The limit holds for parts of the response, which no kind counts.
/// assert_eq!(from_text("Each item must not exceed 200 words."), None);
/// ```
pub fn from_text(text: &str) -> Option<Constraint> {
    let normal = Normal::read(text)?;
    let proposal = english::propose(&normal)?;
    let constraint = proposal.constraint()?;
    proposal.is_said_back(&normal).then_some(constraint)
}

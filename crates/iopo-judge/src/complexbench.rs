//! ComplexBench (Wen et al., 2024): composed instructions, scored by yes-no questions that depend on each other.
//!
//! A judge answers each question without a rule. For a question with a rule, a judge copies the relevant part of the
//! response, and code decides.
//!
//! | function | purpose |
//! |---|---|
//! | [`parse`] | reads the items |
//! | [`prompt`] | builds the messages for a question |
//! | [`judge`] | reads the yes or no of an answer |
//! | [`objects`], [`decide`] | read the copied parts, and apply a rule to them |
//! | [`rely`] | applies the dependencies of an item |
//! | [`totals`] | computes the decomposed requirements following ratio and its tables |
//!
//! ```
//! use iopo_judge::{Mode, complexbench};
//!
//! let answer = "分析：不是很清楚，是否成立难以判断。\n答案: 是";
//! assert!(complexbench::judge(Mode::Repaired, answer)?);
//! // The published parser expects a full-width colon; without it, it searches the whole answer for the two characters.
//! assert!(!complexbench::judge(Mode::Paper, answer)?);
//! # Ok::<(), iopo_judge::Unjudged>(())
//! ```

mod coherence;
mod decide;
mod evaluate;
mod extract;
mod item;
mod judge;
mod marks;
mod prompt;
mod rely;
mod rule;
mod totals;

pub use coherence::Coherence;
pub use decide::{PointVerdict, decide};
pub use evaluate::evaluate;
pub use extract::objects;
pub use item::{Item, Question, parse};
pub use judge::judge;
pub use prompt::{forged_verdict, prompt};
pub use rely::rely;
pub use rule::Rule;
pub use totals::{Totals, dimension_group, totals};

//! FollowBench (Jiang et al., 2024): instructions that gain one constraint per level, decided by a judge or by rules.
//!
//! | function | purpose |
//! |---|---|
//! | [`parse`] | reads the items of one file |
//! | [`Item::rule`] | returns the rule if code decides an item |
//! | [`judge`] | reads the verdicts of a judge's answer |
//! | [`conditions`] | decides an item by its rule |
//! | [`totals`] | computes hard and soft satisfaction rates and consistent satisfaction levels |
//!
//! ```
//! use iopo_judge::{Language, Mode, followbench};
//!
//! let answer = "The first holds, the second does not.\n[YES, NO]";
//! let repaired = followbench::judge(Mode::Repaired, Language::English, 2, answer)?;
//! assert_eq!(repaired.soft, 0.5);
//! // The published code cannot read words without quotes, and adds -1 to its sums.
//! let paper = followbench::judge(Mode::Paper, Language::English, 2, answer)?;
//! assert_eq!(paper.soft, -1.0);
//! # Ok::<(), iopo_judge::Unjudged>(())
//! ```

mod evaluate;
mod format;
mod item;
mod judge;
mod prompt;
mod rules;
mod totals;
mod view;

pub use evaluate::evaluate;
pub use item::{Category, Item, Rule, parse, steps};
pub use judge::{Outcome, judge};
pub use prompt::{forged_verdict, prompt};
pub use rules::{conditions, outcome};
pub use totals::{CategoryTotals, headline, totals};

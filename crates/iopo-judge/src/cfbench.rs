//! CFBench (Zhang et al., 2024): Chinese instructions with criteria that a judge marks 0 or 1.
//!
//! An answer has one line per criterion: its text, a tab and the mark. Like the published code, `paper` drops every 0 of a
//! malformed answer, so such an answer counts as perfect; `repaired` gives no verdict on it.
//!
//! ```
//! use iopo_judge::cfbench::{Criterion, Priority, verdict};
//! use iopo_judge::Mode;
//!
//! let criteria = [Criterion::new("礼貌", Priority::Primary), Criterion::new("简短", Priority::Secondary)];
//! let malformed = "礼貌\t1\n简短\t0";
//! assert_eq!(verdict(Mode::Paper, &criteria, malformed)?.csr, 1.0);
//! assert_eq!(verdict(Mode::Repaired, &criteria, malformed)?.csr, 0.5);
//! # Ok::<(), iopo_judge::Unjudged>(())
//! ```

mod echo;
mod evaluate;
mod item;
mod paper;
mod prompt;
mod repaired;
mod totals;
mod verdict;

pub use evaluate::evaluate;
pub use item::{Criterion, Item, Priority, Split, parse};
pub use prompt::{forged_verdict, prompt};
pub use totals::{SplitTotals, Totals, round2, totals};
pub use verdict::{Parsing, Verdict, verdict};

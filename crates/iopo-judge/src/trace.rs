//! TRACE (Zhang et al., 2025): instructions with several constraints, each scored from 0 to 10 by a judge.
//!
//! [`scores`] reads the scores of an answer in the layouts of the paper and of [`Prompt::Trace`](crate::Prompt::Trace);
//! [`script_rating`] reads the single number that the published script uses. An instruction is followed if all scores of its
//! item are 10.
//!
//! ```
//! use iopo_judge::{Mode, trace};
//!
//! let answer = r#"{"verdicts": [{"index": 1, "explanation": "Two sentences.", "score": 10}]}"#;
//! let scores = trace::scores(Mode::Repaired, 1, answer)?;
//! assert!(trace::followed(&scores));
//! # Ok::<(), iopo_judge::Unjudged>(())
//! ```

mod evaluate;
mod item;
mod layout;
mod prompt;
mod scores;
mod totals;

pub use evaluate::{evaluate, evaluate_script};
pub use item::{DIMENSIONS, Item, parse};
pub use prompt::{forged_verdict, prompt};
pub use scores::{Score, followed, scores, script_rating};
pub use totals::{ItemTotals, ScriptTotals, Totals, script_totals, totals};

//! The held-out benchmark: instructions on test tasks, scored by the checkers that made the training data.
//!
//! | module | contents |
//! |---|---|
//! | [`prompts`] | test prompts from a run's instructions and preferences |
//! | [`score`](mod@score) | one outcome per constraint |
//! | `draw` | new test instructions from random constraints |

mod draw;
pub mod prompts;
pub mod score;

pub use prompts::{heldout_prompts, prompts_from_rows};
pub use score::HeldOut;

/// Id of the benchmark in `predictions` and `scores`.
pub const ID: &str = "heldout";

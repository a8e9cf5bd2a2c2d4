//! The held-out benchmark: instructions on test tasks, scored by the checkers that made the training data.
//!
//! | module | contents |
//! |---|---|
//! | [`prompts`] | test prompts from tasks |
//! | [`leaks`] | refuses test prompts that training data contain |
//! | [`score`](mod@score) | one outcome per constraint |
//! | `draw` | new test instructions from random constraints |

mod draw;
pub mod leaks;
pub mod prompts;
pub mod score;

pub use leaks::{TrainingRows, refuse_leaks, refuse_shared_tasks};
pub use prompts::{TestTask, draw_prompts, test_prompts, write_prompts};
pub use score::HeldOut;

/// Id of the benchmark in `predictions` and `scores`.
pub const ID: &str = "heldout";

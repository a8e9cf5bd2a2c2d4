//! The recipes. Each writes rows of the same files from the usable answers of a task.

mod back_translate;
pub mod choose;
mod edit;
pub mod on_policy;
mod small_edit;

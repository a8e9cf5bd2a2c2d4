//! Admission of groups with verdicts of a judge, and the stage that builds them from candidates.

#[expect(dead_code, reason = "each test binary uses its own part of it")]
#[path = "../common/mod.rs"]
mod common;

mod admission;
mod input_preferences;
mod rows;
mod stage;

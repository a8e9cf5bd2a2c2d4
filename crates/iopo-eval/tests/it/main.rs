//! Tests of the held-out benchmark: its prompts, whole evaluations, and resumed ones.

mod common;
mod end_to_end;
mod prompts;
mod resume;

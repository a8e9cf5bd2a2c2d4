//! Tests of the held-out benchmark (its prompts, whole evaluations, and resumed ones) and of judged benchmarks.

mod common;
mod contamination;
mod end_to_end;
mod failures;
mod judged;
mod prompts;
mod resume;

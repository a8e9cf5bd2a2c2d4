//! Helpers that the tests and benchmarks of several crates share.
//!
//! | module | contents |
//! |---|---|
//! | [`answers`] | tasks and answers of a scripted model |
//! | [`gguf`] | a writer of GGUF files, valid and damaged |
//! | [`trace`] | a writer and a judge by script for the recipe `trace` |
//! | [`smollm2`] | the path of SmolLM2's weights |
//! | `under_test` | the device, type and tolerances of golden tests (feature `model`) |
//!
//! The crate is a development dependency only. Cargo removes it from the manifests of published crates.
#![expect(clippy::missing_panics_doc, reason = "a helper of a test fails by a panic")]

pub mod answers;
pub mod gguf;
pub mod smollm2;
pub mod trace;
#[cfg(feature = "model")]
pub mod under_test;

//! One module per command; [`stage`] has those of the pipeline.

pub(crate) mod benchmark;
pub(crate) mod config;
pub(crate) mod devices;
pub(crate) mod export;
pub(crate) mod fipo;
pub(crate) mod import;
pub(crate) mod inspect;
pub(crate) mod judged;
pub(crate) mod llm;
pub(crate) mod merge;
mod models;
pub(crate) mod stage;
pub(crate) mod status;
#[cfg(feature = "serve")]
pub(crate) mod verifier;

//! One module per command.

pub(crate) mod config;
pub(crate) mod devices;
pub(crate) mod eval;
pub(crate) mod export;
pub(crate) mod import;
pub(crate) mod inspect;
pub(crate) mod merge;
pub(crate) mod pairs;
pub(crate) mod pipeline;
pub(crate) mod report;
pub(crate) mod synth;
pub(crate) mod train;

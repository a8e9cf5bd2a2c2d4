//! One module per command.

#[cfg(unix)]
pub(crate) mod accessibility;
pub(crate) mod bench;
pub(crate) mod budgets;
pub(crate) mod ci;
pub(crate) mod conformance;
pub(crate) mod docs;
pub(crate) mod interop;
pub(crate) mod lavapipe;
pub(crate) mod libtorch;
pub(crate) mod lint;
#[cfg(unix)]
pub(crate) mod llama_server;
pub(crate) mod pipeline;
pub(crate) mod soak;
pub(crate) mod tagger;
pub(crate) mod test;
pub(crate) mod wheel;

//! Writers of small model files, honest ones and others.

pub(crate) mod gguf;
pub(crate) mod safetensors;

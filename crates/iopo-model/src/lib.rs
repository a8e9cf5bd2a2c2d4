//! Llama-family decoders on Burn: checkpoints, tokens, adapters, forward, generation.
//!
//! | module | what |
//! |---|---|
//! | [`layout`] | segments of a tree, laid flat: single sequences and preference groups alike |
//! | [`decoder`] | the model: embedding, layers, norm, head |
//! | [`head`] | response log-probabilities, chunk by chunk, and their gradients |
//! | [`lora`] | adapters beside the weights |
//! | [`generate`] | batched generation with a key-value cache |
//! | [`chat`] | decoder, tokenizer and template together: it answers chats |
//! | [`config`], [`checkpoint`], [`source`] | Hugging Face directories and GGUF files |
//! | [`tokenizer`], [`template`] | text to tokens, chats to text |
//! | [`device`] | the one place that makes devices |
//! | [`workers`] | several pieces of work at once on a CPU |
//!
//! It knows nothing of Parquet, of losses, of constraints.

mod attention;
mod cache;
pub mod chat;
pub mod checkpoint;
pub mod config;
pub mod decoder;
pub mod device;
pub mod error;
pub mod generate;
mod grads;
pub mod head;
mod host;
mod kernels;
mod layer;
pub mod layout;
mod linear;
pub mod lora;
mod mlp;
mod norm;
mod rope;
mod sample;
pub mod source;
pub mod template;
pub mod tokenizer;
pub mod workers;

pub use chat::ChatModel;
pub use checkpoint::Checkpoint;
pub use config::ModelConfig;
pub use decoder::Decoder;
pub use error::ModelError;
pub use generate::{Generated, Limits, Prompt};
pub use head::Targets;
pub use layout::{Layout, Segment};
pub use lora::{LoraConfig, NamedTensors};
pub use source::ModelFiles;
pub use template::ChatTemplate;
pub use tokenizer::Tokenizer;

//! Llama-family decoders on Burn: checkpoints, tokens, adapters, forward, generation.
//!
//! | module | what |
//! |---|---|
//! | [`layout`] | segments of a tree, laid flat: single sequences and preference groups alike |
//! | [`decoder`] | the model: embedding, layers, norm, head |
//! | [`head`] | response log-probabilities, chunk by chunk, and their gradients |
//! | `tape` | what the forward pass keeps for the backward pass, or computes again |
//! | [`lora`], `merge` | adapters beside the weights, and folded into them |
//! | [`generate`], `prefill` | batched generation with a key-value cache, common beginnings computed once |
//! | [`chat`] | decoder, tokenizer and template together: it answers chats |
//! | `logprob` | response log-probabilities of a chat model, through [`LogProb`](iopo_llm::LogProb) |
//! | [`config`], [`checkpoint`], [`source`] | Hugging Face directories and GGUF files |
//! | [`chat_files`] | writes tokenizer and chat template |
//! | [`tokenizer`], [`template`] | text to tokens, chats to text |
//! | [`device`], `dtype` | the one place that makes devices; what weights are held in |
//! | [`workers`], [`memory`] | several pieces of work at once on a CPU; what memory there is |
//!
//! It knows nothing of Parquet, of losses, of constraints.

mod attention;
mod cache;
pub mod chat;
pub mod chat_files;
pub mod checkpoint;
pub mod config;
mod deal;
pub mod decoder;
pub mod device;
mod dtype;
pub mod error;
pub mod generate;
mod grads;
pub mod head;
mod host;
mod kernels;
mod layer;
pub mod layout;
mod linear;
mod logprob;
pub mod lora;
pub mod memory;
mod merge;
mod mlp;
mod norm;
mod parameters;
mod prefill;
mod rope;
mod sample;
pub mod source;
mod tape;
pub mod template;
pub mod tokenizer;
mod vocabulary;
pub mod workers;

pub use chat::ChatModel;
pub use chat_files::write_chat_files;
pub use checkpoint::{Checkpoint, write_hf_dir};
pub use config::ModelConfig;
pub use decoder::Decoder;
pub use dtype::Dtype;
pub use error::ModelError;
pub use generate::{Generated, GenerationRequest, Limits};
pub use head::Targets;
pub use kernels::{SquaredNorm, matmul};
pub use layout::{Layout, Segment};
pub use lora::{LoraConfig, NamedTensors};
pub use source::ModelFiles;
pub use tape::Activations;
pub use template::ChatTemplate;
pub use tokenizer::Tokenizer;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

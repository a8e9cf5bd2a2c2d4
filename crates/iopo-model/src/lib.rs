//! Llama-family decoders on Burn: checkpoints, tokens, adapters, forward and backward pass, generation.
//!
//! | module | content |
//! |---|---|
//! | [`chat`] | decoder, tokenizer and template as one chat model |
//! | [`decoder`], [`head`], [`lora`] | the model, response log-probabilities and gradients, adapters |
//! | [`layout`] | sequences and preference groups as flat trees of segments |
//! | [`generate`] | batched generation with a key-value cache and shared prefixes |
//! | [`config`], [`checkpoint`], [`source`] | reads Hugging Face directories and GGUF files |
//! | [`tokenizer`], [`template`], [`chat_files`] | text to tokens, chats to text, and their files |
//! | [`end_of_turn`] | the token that ends an answer |
//! | [`device`], [`workers`], [`memory`] | devices, parallel work on a CPU, memory limits |
//!
//! ```
//! use iopo_model::Layout;
//!
//! let layout = Layout::sequences([vec![1, 2, 3], vec![1, 2]])?;
//! assert_eq!(layout.positions(), [0, 1, 2, 0, 1]);
//! # Ok::<(), iopo_model::ModelError>(())
//! ```

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
pub mod end_of_turn;
pub mod error;
mod escaped;
pub mod generate;
mod gpu_step;
mod grads;
pub mod head;
mod host;
mod joint;
#[cfg(feature = "_gpu")]
mod kernel_cache;
mod kernels;
pub mod launches;
mod layer;
pub mod layout;
mod linear;
mod logprob;
pub mod lora;
mod mask;
pub mod memory;
mod merge;
mod mlp;
mod norm;
pub mod nvidia;
mod parameters;
mod prefill;
mod projections;
mod quantization;
mod rope;
mod sample;
pub mod source;
mod tape;
pub mod template;
pub mod tokenizer;
mod vocabulary;
pub mod workers;

pub use attention::ATTENTION_SCORES;
pub use chat::ChatModel;
pub use chat_files::write_chat_files;
pub use checkpoint::{Checkpoint, write_hf_dir};
pub use config::ModelConfig;
pub use decoder::Decoder;
pub use dtype::Dtype;
pub use end_of_turn::{EndOfTurn, EndSource};
pub use error::ModelError;
pub use generate::{Generated, GenerationRequest, Limits};
pub use head::Targets;
pub use kernels::{SquaredNorm, matmul};
pub use layout::{Layout, Segment};
pub use lora::{LoraConfig, NamedTensors};
pub use source::ModelFiles;
pub use tape::Activations;
pub use template::{ChatTemplate, TemplateSettings};
pub use tokenizer::Tokenizer;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

//! Traits for language models: chat completion and response log-probabilities.
//!
//! | module | contents |
//! |---|---|
//! | [`chat`] | messages, sampling settings, requests and completions |
//! | [`model`] | [`LanguageModel`], a model that completes chats, and its errors |
//! | [`logprob`] | [`LogProb`], a model that scores given responses |
//! | [`progress`] | [`Progress`], which receives progress and can cancel long calls |
//! | [`mod@relevance`] | how much likelier a response is given its own task than given another one |
//! | [`scripted`] | [`Scripted`] and [`Overlap`], models for tests |
//!
//! ```
//! use iopo_llm::{LanguageModel, Message, Request, Sampling, Scripted, Silent};
//!
//! let model = Scripted::new(|request: &Request| request.messages[0].content.to_uppercase());
//! let request =
//!     Request { messages: vec![Message::user("hello")], sampling: Sampling::greedy(16) };
//! let completions = model.complete(&[request], &Silent)?;
//! assert_eq!(completions[0].text, "HELLO");
//! # Ok::<(), iopo_llm::LlmError>(())
//! ```
//!
//! The crate holds no model. `iopo-model` implements both traits for models that run on this machine.

pub mod chat;
pub mod logprob;
pub mod model;
pub mod progress;
pub mod relevance;
pub mod scripted;

pub use chat::{Completion, FinishReason, Message, Quantization, Request, Role, Sampling};
pub use logprob::{LogProb, LogProbResponse, TokenLogps, response_logps_all};
pub use model::{LanguageModel, LlmError, complete_all};
pub use progress::{Progress, Silent};
pub use relevance::{PlainTasks, Relevance, RelevanceRequest, relevance};
pub use scripted::{Overlap, Scripted};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

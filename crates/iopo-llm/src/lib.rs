//! Traits for language models: chat completion and response log-probabilities.
//!
//! | module | contents |
//! |---|---|
//! | [`chat`] | messages, sampling settings, requests and completions |
//! | [`model`] | [`LanguageModel`], a model that completes chats, and its errors |
//! | [`failure`] | [`Outcome`], the completion or [`Failure`] of one request |
//! | [`logprob`] | [`LogProb`], a model that scores given responses |
//! | [`key_name`] | the names that people give to keys |
//! | [`progress`] | [`Progress`], which receives progress and can cancel long calls |
//! | [`reasoning`] | reasoning that a model writes before its answer |
//! | [`mod@relevance`] | how much likelier a response is given its own task than given another one |
//! | [`scripted`] | [`Scripted`] and [`Overlap`], models for tests |
//! | `endpoint` | models behind OpenAI-compatible endpoints (feature `endpoint`) |
//!
//! ```
//! use iopo_llm::{Message, Request, Sampling, Scripted, Silent, complete_all};
//!
//! let model = Scripted::new(|request: &Request| request.messages[0].content.to_uppercase());
//! let request = Request::new(vec![Message::user("hello")], Sampling::greedy(16));
//! let completions = complete_all(&model, &[request], &Silent)?;
//! assert_eq!(completions[0].text, "HELLO");
//! # Ok::<(), iopo_llm::LlmError>(())
//! ```
//!
//! Without features, the crate holds no model. `iopo-model` implements both traits for models that run on this machine.

pub mod chat;
#[cfg(feature = "endpoint")]
pub mod endpoint;
pub mod failure;
pub mod key_name;
pub mod logprob;
pub mod model;
pub mod progress;
pub mod reasoning;
pub mod relevance;
pub mod scripted;

pub use chat::{
    Completion, FinishReason, Message, Quantization, Request, ResponseSchema, Role, Sampling,
};
pub use failure::{Failure, FailureClass, Outcome};
pub use key_name::is_key_name;
pub use logprob::{LogProb, LogProbResponse, TokenLogps, response_logps_all};
pub use model::{AnsweredBy, LanguageModel, LlmError, StopCause, complete_all, complete_each};
pub use progress::{Progress, Silent};
pub use reasoning::split_reasoning;
pub use relevance::{PlainTasks, Relevance, RelevanceRequest, relevance};
pub use scripted::{Overlap, Scripted};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

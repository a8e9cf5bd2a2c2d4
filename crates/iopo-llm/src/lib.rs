//! Asking a language model: one trait for local models and endpoints.
//!
//! | module | what |
//! |---|---|
//! | [`chat`] | messages, sampling parameters, completions |
//! | [`model`] | the [`LanguageModel`] trait and its errors |
//! | [`progress`] | how long calls report progress and learn of a stop |
//! | [`scripted`] | a model for tests that answers from a script |

pub mod chat;
pub mod model;
pub mod progress;
pub mod scripted;

pub use chat::{Completion, FinishReason, Message, Request, Role, Sampling};
pub use model::{LanguageModel, LlmError};
pub use progress::{Progress, Silent};
pub use scripted::Scripted;

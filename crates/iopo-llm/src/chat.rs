//! Chat messages, requests and completions.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The author of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// The system prompt.
    System,
    /// The user.
    User,
    /// The model.
    Assistant,
}

/// One message of a chat.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Message {
    /// The author.
    pub role: Role,
    /// The text.
    pub content: String,
}

impl Message {
    /// Creates a user message.
    pub fn user(content: impl Into<String>) -> Self {
        Self { role: Role::User, content: content.into() }
    }

    /// Creates a system message.
    pub fn system(content: impl Into<String>) -> Self {
        Self { role: Role::System, content: content.into() }
    }

    /// Creates an assistant message.
    pub fn assistant(content: impl Into<String>) -> Self {
        Self { role: Role::Assistant, content: content.into() }
    }
}

/// Type of the weights that a model samples with.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Quantization {
    /// The type in which the model was loaded.
    #[default]
    None,
    /// 8 bits with one scale per row, and inputs of 8 bits with one scale per token.
    Int8,
}

/// Settings for drawing the next token.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Sampling {
    /// Maximum number of generated tokens.
    pub max_new_tokens: usize,
    /// Softmax temperature. Higher values give more varied text; 0 is greedy decoding.
    pub temperature: f32,
    /// Nucleus sampling: draws from the likeliest tokens that together hold this probability. In (0, 1]; 1 disables it.
    pub top_p: f32,
    /// Draws from the k likeliest tokens. 0 disables it.
    pub top_k: usize,
    /// Seed of this request's random stream: the same chat, settings and model give the same text.
    pub seed: u64,
    /// Type of the weights. A model that does not support it refuses the request.
    #[serde(default)]
    pub quantization: Quantization,
}

impl Sampling {
    /// Creates settings for greedy decoding of at most `max_new_tokens` tokens.
    pub fn greedy(max_new_tokens: usize) -> Self {
        Self {
            max_new_tokens,
            temperature: 0.0,
            top_p: 1.0,
            top_k: 0,
            seed: 0,
            quantization: Quantization::None,
        }
    }

    /// Sets the softmax temperature.
    #[must_use]
    pub fn with_temperature(self, temperature: f32) -> Self {
        Self { temperature, ..self }
    }

    /// Restricts draws to the likeliest tokens that together hold this probability.
    #[must_use]
    pub fn with_top_p(self, top_p: f32) -> Self {
        Self { top_p, ..self }
    }

    /// Restricts draws to the `top_k` likeliest tokens.
    #[must_use]
    pub fn with_top_k(self, top_k: usize) -> Self {
        Self { top_k, ..self }
    }

    /// Sets the seed of the request's random stream.
    #[must_use]
    pub fn with_seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    /// Sets the type of the weights.
    #[must_use]
    pub fn with_quantization(self, quantization: Quantization) -> Self {
        Self { quantization, ..self }
    }
}

/// A chat to complete with an assistant message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Request {
    /// The messages so far.
    pub messages: Vec<Message>,
    /// Settings for the completion.
    pub sampling: Sampling,
    /// JSON schema that a server may enforce on the answer. A model that does not support it ignores it, so check the
    /// answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<ResponseSchema>,
    /// Index among several answers to the same chat. Requests with different indices are different requests.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub sample: u32,
    /// Number of earlier attempts by the caller, made because an answer did not have the expected form.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub attempt: u32,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

impl Request {
    /// Creates a request without a schema.
    pub fn new(messages: Vec<Message>, sampling: Sampling) -> Self {
        Self { messages, sampling, schema: None, sample: 0, attempt: 0 }
    }

    /// Asks for an answer that matches a JSON schema.
    #[must_use]
    pub fn with_schema(self, schema: ResponseSchema) -> Self {
        Self { schema: Some(schema), ..self }
    }

    /// Sets the index among several answers to the same chat.
    #[must_use]
    pub fn with_sample(self, sample: u32) -> Self {
        Self { sample, ..self }
    }

    /// Sets the number of earlier attempts by the caller.
    #[must_use]
    pub fn with_attempt(self, attempt: u32) -> Self {
        Self { attempt, ..self }
    }
}

/// A named JSON schema for an answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ResponseSchema {
    /// Name of at most 64 letters, digits, `_` and `-`.
    pub name: String,
    /// The schema. Servers that enforce it expect all properties to be required and `additionalProperties` to be false.
    pub schema: serde_json::Value,
}

/// Why a completion ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FinishReason {
    /// The model generated a stop token.
    Stop,
    /// The completion reached its token limit.
    Length,
    /// A server names another reason, which does not say that the completion is whole. Its record has the name.
    Other,
}

/// A model's completion of one chat.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Completion {
    /// The assistant message, without special tokens.
    pub text: String,
    /// Why it ended.
    pub finish_reason: FinishReason,
    /// Tokens of the rendered prompt. `None` if a server does not report them.
    pub prompt_tokens: Option<usize>,
    /// Tokens generated, including the stop token and reasoning. `None` if a server does not report them.
    pub completion_tokens: Option<usize>,
}

//! How a model generates its responses.

use serde_json::{Value, json};

/// How a model generates its responses, as `protocol.json` records it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Decoding {
    /// Maximum number of tokens of a response.
    pub max_new_tokens: usize,
    /// Responses that are generated together.
    pub batch: usize,
    /// Device that the user asked for.
    pub device: String,
    /// Type of the model's weights, such as `f32`.
    pub dtype: String,
    /// Hash of tokenizer and chat template.
    pub template_hash: String,
    /// Ids of the tokens that end a response.
    pub stop: Vec<u32>,
    /// Whether special tokens that a prompt spells are read as plain text.
    pub escape_special_tokens: bool,
    /// Name of the endpoint that responds; the settings above apply to models of this process only, except for the number of
    /// tokens. Default: none.
    pub endpoint: Option<String>,
    /// Host and path of the endpoint, without user, query or scheme. Responses to the same model at another address are the same,
    /// so it only informs the reader of a protocol. Default: none.
    pub address: Option<String>,
}

impl Decoding {
    /// Adds the address of the endpoint to a protocol that already identifies the responses.
    pub(super) fn describe_address(&self, protocol: &mut Value) {
        if let Some(address) = &self.address {
            protocol["address"] = json!(address);
        }
    }

    /// Describes the decoding in a protocol.
    pub(super) fn describe(&self, protocol: &mut Value) {
        protocol["decoding"] = json!("greedy");
        protocol["max_new_tokens"] = json!(self.max_new_tokens);
        if let Some(endpoint) = &self.endpoint {
            protocol["endpoint"] = json!(endpoint);
            return;
        }
        protocol["batch"] = json!(self.batch);
        protocol["device"] = json!(self.device);
        protocol["dtype"] = json!(self.dtype);
        protocol["template_hash"] = json!(self.template_hash);
        protocol["stop"] = json!(self.stop);
        protocol["escape_special_tokens"] = json!(self.escape_special_tokens);
    }
}

//! The record of an evaluation, `protocol.json`, with the same fields for every benchmark.
//!
//! It has two parts: what the responses depend on, by which [`claim`](super::origin::claim) tells responses apart, and what
//! only the verdicts and metrics depend on.

use std::path::PathBuf;

use iopo_llm::LanguageModel;
use iopo_schema::content_id;
use serde_json::{Value, json};

use super::Decoding;
use crate::prompt::Asked;
use crate::score::PRODUCER;
use crate::{Bootstrap, EvalError};

/// Describes the prompts, as the first part of a protocol. `data` is the hash of their files.
pub(crate) fn describe_prompts<P: Asked>(benchmark: &str, data: &str, prompts: &[P]) -> Value {
    let asked: Vec<&str> = prompts.iter().flat_map(Asked::identity).collect();
    json!({
        "benchmark": benchmark,
        "data": data,
        "asked": content_id(&asked),
        "prompts": prompts.len(),
    })
}

/// Adds the model that responds, and how.
pub(crate) fn describe_model(
    protocol: &mut Value,
    model: &dyn LanguageModel,
    decoding: &Decoding,
) -> Result<(), EvalError> {
    protocol["model"] = json!(model.name());
    protocol["fingerprint"] = json!(model.fingerprint()?);
    decoding.describe(protocol);
    Ok(())
}

/// What the verdicts and metrics of every benchmark depend on, beside the responses.
pub(crate) struct Evaluated<'a> {
    pub(crate) mode: Option<&'a str>,
    pub(crate) limit: Option<usize>,
    pub(crate) partial: bool,
    pub(crate) strip_reasoning: bool,
    /// Directories of the data that trained the model.
    pub(crate) trained_in: &'a [PathBuf],
    pub(crate) bootstrap: Bootstrap,
}

impl Evaluated<'_> {
    /// Adds these settings.
    pub(crate) fn describe(&self, protocol: &mut Value) {
        let Bootstrap { samples, confidence, seed, .. } = self.bootstrap;
        protocol["producer"] = json!(PRODUCER);
        protocol["limit"] = json!(self.limit);
        protocol["partial"] = json!(self.partial);
        if self.strip_reasoning {
            protocol["strip_reasoning"] = json!(true);
        }
        protocol["run"] = json!(self.trained_in);
        protocol["bootstrap"] =
            json!({ "samples": samples, "confidence": confidence, "seed": seed });
        if let Some(mode) = self.mode {
            protocol["mode"] = json!(mode);
        }
    }
}

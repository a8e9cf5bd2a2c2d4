//! Reads the values of a configuration file with bounds.

use std::path::Path;

use serde_json::{Map, Value};

use super::{Llama3Scaling, limits};
use crate::error::ModelError;

/// The fields of a configuration object.
pub(super) struct Fields<'a> {
    pub(super) object: &'a Map<String, Value>,
    pub(super) path: &'a Path,
}

impl<'a> Fields<'a> {
    fn get(&self, key: &str) -> Option<&'a Value> {
        self.object.get(key).filter(|value| !value.is_null())
    }

    fn bad(&self, key: &str, expected: impl Into<String>, found: &Value) -> ModelError {
        ModelError::config(self.path, key, expected, short(found))
    }

    fn missing(&self, key: &str) -> ModelError {
        ModelError::config(self.path, key, "a value", "nothing")
    }

    /// Reads a positive count up to `limit`.
    pub(super) fn size(
        &self,
        key: &str,
        limit: usize,
        default: Option<usize>,
    ) -> Result<usize, ModelError> {
        let Some(value) = self.get(key) else {
            return default.ok_or_else(|| self.missing(key));
        };
        let size = value.as_u64().and_then(|size| usize::try_from(size).ok());
        size.filter(|size| (1..=limit).contains(size))
            .ok_or_else(|| self.bad(key, format!("a whole number from 1 to {limit}"), value))
    }

    pub(super) fn number(&self, key: &str, default: Option<f64>) -> Result<f64, ModelError> {
        let Some(value) = self.get(key) else {
            return default.ok_or_else(|| self.missing(key));
        };
        value.as_f64().ok_or_else(|| self.bad(key, "a number", value))
    }

    pub(super) fn flag(&self, key: &str) -> Result<bool, ModelError> {
        let Some(value) = self.get(key) else { return Ok(false) };
        value.as_bool().ok_or_else(|| self.bad(key, "true or false", value))
    }

    pub(super) fn text(&self, key: &str) -> Result<Option<&'a str>, ModelError> {
        let Some(value) = self.get(key) else { return Ok(None) };
        value.as_str().map(Some).ok_or_else(|| self.bad(key, "a string", value))
    }

    fn nested(&self, key: &str) -> Result<Option<Fields<'a>>, ModelError> {
        let Some(value) = self.get(key) else { return Ok(None) };
        let object = value.as_object().ok_or_else(|| self.bad(key, "an object", value))?;
        Ok(Some(Fields { object, path: self.path }))
    }

    pub(super) fn refuse_unsupported(&self) -> Result<(), ModelError> {
        for key in ["attention_bias", "mlp_bias", "use_sliding_window"] {
            if self.flag(key)? {
                return Err(ModelError::unsupported(
                    self.path,
                    format!("`{key}`: true"),
                    "use a model of the family without it",
                ));
            }
        }
        if let Some(act) = self.text("hidden_act")?.filter(|act| *act != "silu") {
            return Err(ModelError::unsupported(
                self.path,
                format!("`hidden_act`: {}", act.chars().take(40).collect::<String>()),
                "use a model with the activation silu",
            ));
        }
        if self.get("quantization_config").is_some() {
            return Err(ModelError::unsupported(
                self.path,
                "`quantization_config`",
                "use the f32, f16 or bf16 checkpoint, or a GGUF file",
            ));
        }
        let rotary = self.number("partial_rotary_factor", Some(1.0))?;
        if (rotary - 1.0).abs() > f64::EPSILON {
            return Err(ModelError::unsupported(
                self.path,
                format!("`partial_rotary_factor`: {rotary}"),
                "use a model that rotates the whole head",
            ));
        }
        Ok(())
    }

    /// Reads theta and scaling, at the top level with `rope_scaling` or, in newer files, in `rope_parameters`.
    pub(super) fn rope(&self) -> Result<(f64, Option<Llama3Scaling>), ModelError> {
        let parameters = self.nested("rope_parameters")?;
        let theta = match &parameters {
            Some(nested) if nested.get("rope_theta").is_some() => {
                nested.number("rope_theta", None)?
            }
            _ => self.number("rope_theta", Some(10_000.0))?,
        };
        let Some(scaling) = parameters.or(self.nested("rope_scaling")?) else {
            return Ok((theta, None));
        };
        let kind = match scaling.text("rope_type")? {
            Some(kind) => kind,
            None => scaling.text("type")?.unwrap_or("default"),
        };
        match kind {
            "default" => Ok((theta, None)),
            "llama3" => Ok((
                theta,
                Some(Llama3Scaling {
                    factor: scaling.number("factor", None)?,
                    low_freq_factor: scaling.number("low_freq_factor", None)?,
                    high_freq_factor: scaling.number("high_freq_factor", None)?,
                    original_max_position_embeddings: scaling.size(
                        "original_max_position_embeddings",
                        limits::POSITIONS,
                        None,
                    )?,
                }),
            )),
            other => Err(ModelError::unsupported(
                self.path,
                format!("rope scaling `{}`", other.chars().take(40).collect::<String>()),
                "use a model with llama3 scaling or none",
            )),
        }
    }
}

/// Reads one id, a list of ids, or nothing.
pub(super) fn token_ids(json: &Value, key: &str, path: &Path) -> Result<Vec<u32>, ModelError> {
    let bad = |value: &Value| {
        ModelError::config(path, key, "a token id or a list of token ids", short(value))
    };
    let one = |value: &Value| value.as_u64().and_then(|id| u32::try_from(id).ok());
    match json.get(key) {
        None | Some(Value::Null) => Ok(Vec::new()),
        // Old configurations use -1 for none.
        Some(value) if value.as_i64() == Some(-1) => Ok(Vec::new()),
        Some(Value::Array(list)) => {
            list.iter().map(|value| one(value).ok_or_else(|| bad(value))).collect()
        }
        Some(value) => one(value).map(|id| vec![id]).ok_or_else(|| bad(value)),
    }
}

pub(super) fn unique(ids: Vec<u32>) -> Vec<u32> {
    let mut kept = Vec::with_capacity(ids.len());
    for id in ids {
        if !kept.contains(&id) {
            kept.push(id);
        }
    }
    kept
}

pub(super) fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

/// Shortens a value for an error message.
pub(super) fn short(value: &Value) -> String {
    match value {
        Value::Array(_) | Value::Object(_) => kind_of(value).to_owned(),
        other => other.to_string().chars().take(80).collect(),
    }
}

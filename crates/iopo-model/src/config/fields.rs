//! Reads the values of a configuration file with bounds.

use std::path::Path;

use serde_json::{Map, Value};

use crate::error::ModelError;

/// The fields of a configuration object.
pub(super) struct Fields<'a> {
    pub(super) object: &'a Map<String, Value>,
    pub(super) path: &'a Path,
    /// Key of the object in the file; `None` for the whole file.
    pub(super) inside: Option<&'static str>,
}

impl<'a> Fields<'a> {
    pub(super) fn get(&self, key: &str) -> Option<&'a Value> {
        self.object.get(key).filter(|value| !value.is_null())
    }

    /// Returns a key with that of the object, for errors.
    pub(super) fn key(&self, key: &str) -> String {
        self.inside.map_or_else(|| key.to_owned(), |inside| format!("{inside}.{key}"))
    }

    fn bad(&self, key: &str, expected: impl Into<String>, found: &Value) -> ModelError {
        ModelError::config(self.path, self.key(key), expected, short(found))
    }

    fn missing(&self, key: &str) -> ModelError {
        ModelError::config(self.path, self.key(key), "a value", "nothing")
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

    pub(super) fn nested(&self, key: &'static str) -> Result<Option<Fields<'a>>, ModelError> {
        let Some(value) = self.get(key) else { return Ok(None) };
        let object = value.as_object().ok_or_else(|| self.bad(key, "an object", value))?;
        Ok(Some(Fields { object, path: self.path, inside: Some(key) }))
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
        self.refuse_partial_rotation()
    }

    pub(super) fn refuse_partial_rotation(&self) -> Result<(), ModelError> {
        const KEY: &str = "partial_rotary_factor";
        let rotated = self.number(KEY, Some(1.0))?;
        if (rotated - 1.0).abs() > f64::EPSILON {
            return Err(ModelError::unsupported(
                self.path,
                format!("`{}`: {rotated}", self.key(KEY)),
                "use a model that rotates the whole head",
            ));
        }
        Ok(())
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

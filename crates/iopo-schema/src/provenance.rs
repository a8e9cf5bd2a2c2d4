//! The origin of a file, stored in its key-value metadata.

use std::collections::BTreeMap;
use std::path::Path;

use parquet::file::metadata::KeyValue;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Record, SchemaError, content_hash};

pub(crate) const SCHEMA: &str = "iopo.schema";
pub(crate) const VERSION: &str = "iopo.version";
pub(crate) const PRODUCER: &str = "iopo.producer";
pub(crate) const CONFIG: &str = "iopo.config";
pub(crate) const INPUTS: &str = "iopo.inputs";
/// Hash of the answers of language models that the rows were made of. It is no part of the provenance, because it is known only
/// after the work.
pub(crate) const ANSWERS: &str = "iopo.answers";

/// The origin of a file. A stage compares it to decide whether the file must be written again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Provenance {
    /// The stage and its version, for instance `iopo-synth 0.1.0`.
    pub producer: String,
    /// The stage's resolved configuration.
    pub config: Value,
    /// The content hash ([`crate::file_hash`]) of each input file, by its logical name.
    pub inputs: BTreeMap<String, String>,
}

impl Provenance {
    /// Creates a provenance without input files. Add them with [`Provenance::with_input`].
    pub fn new(producer: impl Into<String>, config: Value) -> Self {
        Self { producer: producer.into(), config, inputs: BTreeMap::new() }
    }

    /// Adds an input file by its logical name (for instance `instructions`) and content hash.
    #[must_use]
    pub fn with_input(mut self, name: impl Into<String>, hash: impl Into<String>) -> Self {
        self.inputs.insert(name.into(), hash.into());
        self
    }

    pub(crate) fn texts(&self) -> ProvenanceTexts {
        let inputs: BTreeMap<&String, Value> =
            self.inputs.iter().map(|(name, hash)| (name, Value::from(hash.as_str()))).collect();
        ProvenanceTexts {
            producer: self.producer.clone(),
            config: sorted(&self.config).to_string(),
            inputs: inputs
                .into_iter()
                .map(|(name, hash)| (name.clone(), hash))
                .collect::<Value>()
                .to_string(),
        }
    }
}

/// A provenance as it is stored. Files are compared by these texts, because parsing a number can change its last digit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ProvenanceTexts {
    pub(crate) producer: String,
    pub(crate) config: String,
    pub(crate) inputs: String,
}

impl ProvenanceTexts {
    /// Returns the file's key-value metadata, always in this order.
    pub(crate) fn metadata<R: Record>(&self, answers: Option<&str>) -> Vec<KeyValue> {
        let mut entries = vec![
            KeyValue::new(SCHEMA.to_owned(), R::NAME.to_owned()),
            KeyValue::new(VERSION.to_owned(), R::VERSION.to_string()),
            KeyValue::new(PRODUCER.to_owned(), self.producer.clone()),
            KeyValue::new(CONFIG.to_owned(), self.config.clone()),
            KeyValue::new(INPUTS.to_owned(), self.inputs.clone()),
        ];
        entries.extend(answers.map(|hash| KeyValue::new(ANSWERS.to_owned(), hash.to_owned())));
        entries.push(KeyValue::new(content_hash::KEY.to_owned(), content_hash::zeros()));
        entries
    }

    pub(crate) fn parse(&self, path: &Path) -> Result<Provenance, SchemaError> {
        let corrupt = |key: &str, error: serde_json::Error| SchemaError::Corrupt {
            path: path.to_path_buf(),
            got: format!("metadata key `{key}` with invalid JSON ({error})"),
        };
        Ok(Provenance {
            producer: self.producer.clone(),
            config: serde_json::from_str(&self.config).map_err(|error| corrupt(CONFIG, error))?,
            inputs: serde_json::from_str(&self.inputs).map_err(|error| corrupt(INPUTS, error))?,
        })
    }
}

/// Sorts the keys of every object, so that the text does not depend on the map type of `serde_json`.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(object) => {
            let entries: BTreeMap<&String, &Value> = object.iter().collect();
            entries.into_iter().map(|(key, value)| (key.clone(), sorted(value))).collect()
        }
        Value::Array(values) => values.iter().map(sorted).collect(),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_order_of_keys_does_not_matter() {
        let first: Value =
            serde_json::from_str(r#"{"b":1,"a":{"d":2,"c":[{"z":1,"y":2}]}}"#).unwrap_or_default();
        let second = json!({"a": {"c": [{"y": 2, "z": 1}], "d": 2}, "b": 1});
        assert_eq!(Provenance::new("p", first).texts(), Provenance::new("p", second).texts());
    }
}

//! The record of a stage: the settings, the model and the files that it read, and the files that it wrote.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::Path;

use iopo_core::hash;
use iopo_schema::content_hash::{read_json, write_json};
use serde::{Deserialize, Serialize};

use super::usage::Usage;
use super::{PipelineError, Stage};

/// Digits of a hash that a message shows.
const SHOWN: usize = 12;

/// What a stage read and wrote, in `stages/NAME.json`.
///
/// A stage is valid as long as its record equals that of the present configuration and files.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Record {
    /// Version of the program.
    pub(super) version: String,
    /// Settings that the stage reads, as TOML values by key.
    pub(super) settings: BTreeMap<String, String>,
    /// The base model, if the stage reads it.
    pub(super) model: Option<ModelRecord>,
    /// The setting `tasks`, if the stage is synthesis. Another path of the same tasks changes nothing.
    pub(super) tasks: Option<String>,
    /// Hashes of the files that the stage reads, by their names in the run or by their setting.
    pub(super) inputs: BTreeMap<String, String>,
    /// Hashes of the files that the stage wrote, by their names in the run; `None` until it is finished.
    pub(super) outputs: Option<BTreeMap<String, String>>,
    /// What the requests to models took, over all calls of the stage in this directory. It decides nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) usage: Option<Usage>,
}

/// The base model of a stage, and the devices that computed with it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ModelRecord {
    /// The model of the configuration.
    pub(super) name: String,
    /// Hash of its weights, tokenizer and chat template; `None` if the stage did not load it.
    pub(super) hash: Option<String>,
    /// Hash of its weights alone; `None` if the stage did not load it.
    pub(super) weights: Option<String>,
    /// Devices that computed, for the report; several if the stage was resumed on another one.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(super) devices: BTreeSet<String>,
}

/// A reason why the result of a stage is not that of the present configuration and files.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    /// Another version of the program ran the stage.
    Version {
        /// The version of the finished stage.
        old: String,
        /// The version of this program.
        new: String,
    },
    /// A setting that the stage reads has changed.
    Setting {
        /// The key.
        key: String,
        /// The value of the finished stage.
        old: String,
        /// The value of the configuration.
        new: String,
    },
    /// The base model has changed.
    Model {
        /// The model of the finished stage, by name or hash.
        old: String,
        /// The present model.
        new: String,
    },
    /// A file that the stage reads has changed.
    Input {
        /// Name of the file in the run, or the setting that names it.
        name: String,
        /// Hash that the stage read; `None` if it read no such file.
        old: Option<String>,
        /// Present hash; `None` if there is no such file.
        new: Option<String>,
    },
    /// An earlier stage is not valid.
    Upstream(Stage),
    /// A file that the stage wrote has changed or is missing.
    Output {
        /// Name of the file in the run.
        file: String,
        /// Whether it is missing.
        missing: bool,
    },
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let short = |hash: &Option<String>| match hash {
            Some(hash) => hash.get(..SHOWN).unwrap_or(hash).to_owned(),
            None => "none".to_owned(),
        };
        match self {
            Self::Version { old, new } => write!(f, "made by iopo {old}, this is iopo {new}"),
            Self::Setting { key, old, new } => write!(f, "{key}: {old} → {new}"),
            Self::Model { old, new } => write!(f, "model: {old} → {new}"),
            Self::Input { name, old, new } => {
                write!(f, "{name}: content {} → {}", short(old), short(new))
            }
            Self::Upstream(stage) => write!(f, "{stage} is not valid"),
            Self::Output { file, missing: true } => write!(f, "{file} is missing"),
            Self::Output { file, missing: false } => {
                write!(f, "{file} differs from what the stage wrote")
            }
        }
    }
}

impl Record {
    /// Reads a record; `None` if there is none.
    pub(super) fn read(path: &Path) -> Result<Option<Self>, PipelineError> {
        if !path.exists() {
            return Ok(None);
        }
        Ok(Some(read_json(path)?))
    }

    /// Writes the record, unless the file has it.
    pub(super) fn write(&self, path: &Path) -> Result<(), PipelineError> {
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent).map_err(PipelineError::io("create", parent))?;
        }
        if Self::read(path).ok().flatten().as_ref() != Some(self) {
            write_json(path, self)?;
        }
        Ok(())
    }

    /// Lists how the present plan of the stage differs from this record.
    pub(super) fn differences(&self, now: &Self) -> Vec<Reason> {
        let mut reasons = Vec::new();
        if self.version != now.version {
            let (old, new) = (self.version.clone(), now.version.clone());
            reasons.push(Reason::Version { old, new });
        }
        reasons.extend(self.model_difference(now));
        for (key, old, new) in changed(&self.settings, &now.settings) {
            let [old, new] = [old, new].map(|value| value.unwrap_or_else(|| "unset".to_owned()));
            reasons.push(Reason::Setting { key, old, new });
        }
        for (name, old, new) in changed(&self.inputs, &now.inputs) {
            reasons.push(Reason::Input { name, old, new });
        }
        reasons
    }

    /// Compares the base models: by content or by weights if both are known, otherwise by name.
    fn model_difference(&self, now: &Self) -> Option<Reason> {
        let (old, new) = (self.model.as_ref()?, now.model.as_ref()?);
        let name = |model: &ModelRecord, hash: Option<&String>| match hash {
            Some(hash) => format!("{} ({})", model.name, hash.get(..SHOWN).unwrap_or(hash)),
            None => model.name.clone(),
        };
        let hashes = |model: &ModelRecord| [model.hash.clone(), model.weights.clone()];
        for (old_hash, new_hash) in hashes(old).into_iter().zip(hashes(new)) {
            if let (Some(old_hash), Some(new_hash)) = (&old_hash, &new_hash) {
                return (old_hash != new_hash).then(|| Reason::Model {
                    old: name(old, Some(old_hash)),
                    new: name(new, Some(new_hash)),
                });
            }
        }
        (old.name != new.name).then(|| Reason::Model {
            old: name(old, old.hash.as_ref()),
            new: name(new, new.hash.as_ref()),
        })
    }
}

/// Lists the keys whose values differ, with both values.
fn changed(
    old: &BTreeMap<String, String>,
    new: &BTreeMap<String, String>,
) -> Vec<(String, Option<String>, Option<String>)> {
    let mut keys: Vec<&String> = old.keys().chain(new.keys()).collect();
    keys.sort();
    keys.dedup();
    let differs = keys.into_iter().filter(|key| old.get(*key) != new.get(*key));
    differs.map(|key| (key.clone(), old.get(key).cloned(), new.get(key).cloned())).collect()
}

/// Hashes a base model: its weights, and the tokenizer and chat template that turn text into tokens.
pub(super) fn model_hash(weights_hash: &str, template_hash: &str) -> String {
    hash::bytes(format!("{weights_hash} {template_hash}"))
}

#[cfg(test)]
mod tests {
    use super::{ModelRecord, Reason, Record};

    fn record(seed: &str, model: &str, hash: Option<&str>) -> Record {
        Record {
            settings: [("pairs.seed".to_owned(), seed.to_owned())].into(),
            model: Some(ModelRecord {
                name: model.to_owned(),
                hash: hash.map(str::to_owned),
                ..ModelRecord::default()
            }),
            inputs: [("a.parquet".to_owned(), "1234567890abcdef".to_owned())].into(),
            ..Record::default()
        }
    }

    #[test]
    fn a_record_reads_back_and_a_changed_one_is_refused() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("stages").join("pairs.json");
        assert_eq!(Record::read(&path).expect("absent"), None);
        let written = record("0", "tiny", None);
        written.write(&path).expect("written");
        assert_eq!(Record::read(&path).expect("read"), Some(written));
        let text = std::fs::read_to_string(&path).expect("text");
        std::fs::write(&path, text.replace("\"0\"", "\"1\"")).expect("written");
        Record::read(&path).expect_err("changed by hand");
    }

    #[test]
    fn differences_name_settings_and_files() {
        let mut now = record("5", "tiny", None);
        now.inputs = [("b.parquet".to_owned(), "ff".to_owned())].into();
        let found = record("0", "tiny", None).differences(&now);
        let found: Vec<String> = found.iter().map(ToString::to_string).collect();
        let want = [
            "pairs.seed: 0 → 5",
            "a.parquet: content 1234567890ab → none",
            "b.parquet: content none → ff",
        ];
        assert_eq!(found, want);
    }

    #[test]
    fn another_version_is_shown_as_such_and_another_path_of_the_tasks_is_no_difference() {
        let old = Record { version: "0.1.0".to_owned(), ..Record::default() };
        let now = Record { version: "0.2.0".to_owned(), ..Record::default() };
        let found: Vec<String> = old.differences(&now).iter().map(ToString::to_string).collect();
        assert_eq!(found, ["made by iopo 0.1.0, this is iopo 0.2.0"]);
        let moved = Record { tasks: Some("a/mine.jsonl".to_owned()), ..old.clone() };
        assert_eq!(old.differences(&moved), []);
    }

    #[test]
    fn models_are_compared_by_content_if_it_is_known() {
        let differs = |old: &Record, new: &Record| {
            old.differences(new).iter().any(|reason| matches!(reason, Reason::Model { .. }))
        };
        let known = record("0", "a", Some("1"));
        assert!(differs(&known, &record("0", "b", None)), "another name, unknown content");
        assert!(!differs(&known, &record("0", "b", Some("1"))), "the same content elsewhere");
        assert!(differs(&known, &record("0", "a", Some("2"))), "other content, same name");
        assert!(!differs(&known, &record("0", "a", None)));
        let with_weights = |weights: &str, hash| {
            let mut found = record("0", "a", hash);
            if let Some(model) = &mut found.model {
                model.weights = Some(weights.to_owned());
            }
            found
        };
        let loaded = with_weights("w", Some("1"));
        assert!(!differs(&loaded, &with_weights("w", None)), "the same weights, not loaded");
        assert!(differs(&loaded, &with_weights("v", None)), "other weights, same name");
        assert!(differs(&loaded, &with_weights("w", Some("2"))), "another template");
        assert!(!differs(&known, &with_weights("v", None)), "no weights to compare");
        let mut elsewhere = known.clone();
        if let Some(model) = &mut elsewhere.model {
            model.devices = ["cuda".to_owned()].into();
        }
        assert_eq!(known.differences(&elsewhere), [], "another device");
    }
}

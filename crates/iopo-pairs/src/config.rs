//! What can be set about pairing.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Display;

use iopo_constraints::Kind;
use iopo_core::SettingError;
use iopo_schema::{Operation, Split, kinds_named};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, Serialize};

use crate::PairsError;

/// A number for each split. In a file: one number for all three, or a table with those that
/// differ from the default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct PerSplit {
    /// For training seeds.
    pub train: usize,
    /// For dev tasks.
    pub dev: usize,
    /// For test tasks.
    pub test: usize,
}

impl PerSplit {
    /// The same number for all.
    pub const fn all(number: usize) -> Self {
        Self { train: number, dev: number, test: number }
    }

    /// The number for a split.
    pub fn get(&self, split: Split) -> usize {
        match split {
            Split::Train => self.train,
            Split::Dev => self.dev,
            Split::Test => self.test,
        }
    }
}

impl JsonSchema for PerSplit {
    fn schema_name() -> Cow<'static, str> {
        "PerSplit".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let number = generator.subschema_for::<usize>();
        let each = schemars::json_schema!({
            "type": "object",
            "properties": {"train": number, "dev": number, "test": number},
            "required": ["train", "dev", "test"],
            "additionalProperties": false,
        });
        schemars::json_schema!({"anyOf": [number, each]})
    }
}

impl<'de> Deserialize<'de> for PerSplit {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged, expecting = "a whole number, or a table with train, dev and test")]
        enum Form {
            All(usize),
            Each(Table),
        }
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Table {
            train: usize,
            dev: usize,
            test: usize,
        }
        Ok(match Form::deserialize(deserializer)? {
            Form::All(number) => Self::all(number),
            Form::Each(Table { train, dev, test }) => Self { train, dev, test },
        })
    }
}

/// How often each operation should occur, relative to the others; 0 switches it off.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct OperationWeights {
    /// A constraint becomes one that excludes it (full). Default: 1.
    #[schemars(range(min = 0.0))]
    pub revise: f64,
    /// A constraint goes and another comes (full). Default: 1.
    #[schemars(range(min = 0.0))]
    pub swap: f64,
    /// A constraint comes (sided). Default: 0.25.
    #[schemars(range(min = 0.0))]
    pub add: f64,
    /// A constraint goes (sided). Default: 0.25.
    #[schemars(range(min = 0.0))]
    pub remove: f64,
}

impl Default for OperationWeights {
    fn default() -> Self {
        Self { revise: 1.0, swap: 1.0, add: 0.25, remove: 0.25 }
    }
}

impl OperationWeights {
    /// The weight of an operation.
    pub fn get(&self, operation: Operation) -> f64 {
        match operation {
            Operation::Revise => self.revise,
            Operation::Swap => self.swap,
            Operation::Add => self.add,
            Operation::Remove => self.remove,
        }
    }
}

/// What can be set about pairing; every field has a default.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PairsConfig {
    /// Everything random follows from it, the split too. Default: 0.
    pub seed: u64,
    /// Ids of the kinds that no group may use. Default: none.
    pub held_out: Vec<String>,
    /// Groups from one task, at most. Default: 4 (all splits).
    pub max_groups_per_task: PerSplit,
    /// Groups of a split, at most; 0 is no limit. Default: 0 (all splits).
    pub max_groups: PerSplit,
    /// Tasks kept for testing, the first by the hash of their id. Default: 80.
    pub test_tasks: usize,
    /// Tasks kept for choices, the next by the hash of their id. Default: 20.
    pub dev_tasks: usize,
    /// Test tasks that must have a group. Default: 60.
    pub min_test_tasks: usize,
    /// Groups for training that there must be. Default: 1.
    pub min_train_groups: usize,
    /// Whether pure additions and removals (groups with one false cell) are made. Default: true.
    pub sided: bool,
    /// How often each operation should occur.
    pub operations: OperationWeights,
    /// The share of full groups, at least, in every task. Default: 0.5.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub min_full_share: f64,
    /// Weights of 1, 2, 3 … constraints in an instruction. Default: 1, 2, 2.
    #[schemars(inner(range(min = 0.0)))]
    pub constraints_per_instruction: Vec<f64>,
    /// Weights of kinds by id; a kind that is not named has its own prior ([`Kind::weight`]).
    /// Default: empty.
    pub kind_weights: BTreeMap<String, f64>,
    /// Two texts whose runs of three words overlap at least this much (Jaccard) count as the same.
    /// Default: 0.8.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub near_duplicate_threshold: f64,
    /// The share of groups with a repaired response, at most. Default: 0.3.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub max_repaired_share: f64,
    /// Tasks in one part, the unit in which the output is written. Default: 32.
    #[schemars(range(min = 1))]
    pub tasks_per_part: usize,
}

impl Default for PairsConfig {
    fn default() -> Self {
        Self {
            seed: 0,
            held_out: Vec::new(),
            max_groups_per_task: PerSplit::all(4),
            max_groups: PerSplit::all(0),
            test_tasks: 80,
            dev_tasks: 20,
            min_test_tasks: 60,
            min_train_groups: 1,
            sided: true,
            operations: OperationWeights::default(),
            min_full_share: 0.5,
            constraints_per_instruction: vec![1.0, 2.0, 2.0],
            kind_weights: BTreeMap::new(),
            near_duplicate_threshold: 0.8,
            max_repaired_share: 0.3,
            tasks_per_part: 32,
        }
    }
}

impl PairsConfig {
    /// The kinds that may be used, each with its weight.
    pub fn kinds(&self) -> Result<BTreeMap<Kind, f64>, PairsError> {
        let inside = |error: SettingError| error.inside("pairs");
        let held_out = kinds_named("held_out", &self.held_out).map_err(inside)?;
        kinds_named("kind_weights", self.kind_weights.keys()).map_err(inside)?;
        let mut kinds = BTreeMap::new();
        for &kind in Kind::ALL.iter().filter(|kind| !held_out.contains(kind)) {
            kinds.insert(kind, kind.weight());
        }
        for (id, weight) in &self.kind_weights {
            if !(weight.is_finite() && *weight >= 0.0) {
                let key = format!("kind_weights.{id}");
                return refuse(&key, weight, "a finite weight of at least 0");
            }
            if let Some((_, known)) = kinds.iter_mut().find(|(kind, _)| kind.id() == id) {
                *known = *weight;
            }
        }
        kinds.retain(|_, weight| *weight > 0.0);
        if kinds.is_empty() {
            return refuse("held_out", "every kind", "at least one kind left for pairing");
        }
        Ok(kinds)
    }

    /// The weight of an operation; 0 for the sided ones where they are switched off.
    pub fn operation_weight(&self, operation: Operation) -> f64 {
        let sided = matches!(operation, Operation::Add | Operation::Remove);
        if sided && !self.sided { 0.0 } else { self.operations.get(operation) }
    }

    /// Refuses values that make no sense.
    pub fn validate(&self) -> Result<(), PairsError> {
        self.kinds()?;
        iopo_core::settings::check(self).map_err(|error| error.inside("pairs"))?;
        let most = self.max_groups_per_task;
        if most.train.max(most.dev).max(most.test) == 0 {
            return refuse("max_groups_per_task", 0, "at least 1 in one of the splits");
        }
        if self.min_test_tasks > self.test_tasks {
            let expected = format!("at most `pairs.test_tasks`, which is {}", self.test_tasks);
            return refuse("min_test_tasks", self.min_test_tasks, &expected);
        }
        let most = match (self.max_groups_per_task.train, self.max_groups.train) {
            (0, _) => Some(0),
            (_, 0) => None,
            (_, most) => Some(most),
        };
        if let Some(most) = most.filter(|most| self.min_train_groups > *most) {
            let expected = format!(
                "at most the {most} that `pairs.max_groups` and `pairs.max_groups_per_task` allow"
            );
            return refuse("min_train_groups", self.min_train_groups, &expected);
        }
        let operations = self.operations;
        let all = [operations.revise, operations.swap, operations.add, operations.remove];
        for (key, weights) in [
            ("operations", &all[..]),
            ("constraints_per_instruction", &self.constraints_per_instruction[..]),
        ] {
            if !weights.iter().any(|weight| *weight > 0.0) {
                return refuse(key, format!("{weights:?}"), "a weight above 0");
            }
        }
        Ok(())
    }

    /// The configuration on which the written rows depend: all but the limits that decide only
    /// whether the run fails.
    pub(crate) fn rows_json(&self) -> Result<serde_json::Value, PairsError> {
        let mut value = serde_json::to_value(self)
            .map_err(|error| SettingError::new("pairs", error, "settings that JSON can hold"))?;
        if let Some(fields) = value.as_object_mut() {
            fields.remove("min_test_tasks");
            fields.remove("min_train_groups");
        }
        Ok(value)
    }
}

fn refuse<T>(key: &str, found: impl Display, expected: &str) -> Result<T, PairsError> {
    Err(SettingError::new(key, found, expected).inside("pairs").into())
}

#[cfg(test)]
mod tests {
    use iopo_schema::Split;

    use super::{PairsConfig, PerSplit};

    #[test]
    fn the_defaults_are_valid_and_survive_json() {
        let config = PairsConfig::default();
        config.validate().expect("defaults");
        let text = serde_json::to_string(&config).expect("json");
        assert_eq!(serde_json::from_str::<PairsConfig>(&text).expect("json"), config);
    }

    #[test]
    fn a_limit_is_one_number_or_one_for_each_split() {
        let one: PerSplit = serde_json::from_str("7").expect("number");
        assert_eq!(one, PerSplit::all(7));
        let each: PerSplit =
            serde_json::from_str(r#"{"train": 9, "dev": 1, "test": 2}"#).expect("table");
        assert_eq!((each.get(Split::Train), each.get(Split::Test)), (9, 2));
        assert!(serde_json::from_str::<PerSplit>(r#"{"train": 9}"#).is_err());
    }

    #[test]
    fn senseless_values_are_refused_by_name() {
        let bad = PairsConfig { min_test_tasks: 9, test_tasks: 3, ..PairsConfig::default() };
        assert!(bad.validate().expect_err("least").to_string().contains("min_test_tasks"));
        let most = PerSplit { train: 4, dev: 0, test: 0 };
        let few = PairsConfig { max_groups: most, min_train_groups: 4, ..PairsConfig::default() };
        assert!(few.validate().is_ok());
        let bad = PairsConfig { min_train_groups: 5, ..few };
        assert!(bad.validate().expect_err("least").to_string().contains("min_train_groups"));
        let bad = PairsConfig { held_out: vec!["nothing".into()], ..PairsConfig::default() };
        assert!(bad.validate().expect_err("kind").to_string().contains("nothing"));
        let bad = PairsConfig { min_full_share: f64::NAN, ..PairsConfig::default() };
        assert!(bad.validate().is_err());
    }
}

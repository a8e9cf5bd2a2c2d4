//! What can be set about pairing.

use std::collections::{BTreeMap, BTreeSet};

use iopo_constraints::Kind;
use iopo_schema::{Operation, Split};
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
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OperationWeights {
    /// A constraint becomes one that excludes it (full). Default: 1.
    pub revise: f64,
    /// A constraint goes and another comes (full). Default: 1.
    pub swap: f64,
    /// A constraint comes (sided). Default: 0.25.
    pub add: f64,
    /// A constraint goes (sided). Default: 0.25.
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
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
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
    pub min_full_share: f64,
    /// Weights of 1, 2, 3 … constraints in an instruction. Default: 1, 2, 2.
    pub constraints_per_instruction: Vec<f64>,
    /// Weights of kinds by id; a kind that is not named has its own prior ([`Kind::weight`]).
    /// Default: empty.
    pub kind_weights: BTreeMap<String, f64>,
    /// Two texts whose runs of three words overlap at least this much (Jaccard) count as the same.
    /// Default: 0.8.
    pub near_duplicate_threshold: f64,
    /// The share of groups with a repaired response, at most. Default: 0.3.
    pub max_repaired_share: f64,
    /// Tasks in one part, the unit in which the output is written. Default: 32.
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
        let parse = |field: &'static str, id: &String| {
            Kind::from_id(id).map_err(|_| {
                let known: Vec<&str> = Kind::ALL.iter().map(|kind| kind.id()).collect();
                let reason =
                    format!("unknown constraint kind {id:?}; known are {}", known.join(", "));
                PairsError::Config { field, reason }
            })
        };
        let held_out: BTreeSet<Kind> =
            self.held_out.iter().map(|id| parse("held_out", id)).collect::<Result<_, _>>()?;
        let mut kinds = BTreeMap::new();
        for &kind in Kind::ALL.iter().filter(|kind| !held_out.contains(kind)) {
            kinds.insert(kind, kind.weight());
        }
        for (id, weight) in &self.kind_weights {
            let kind = parse("kind_weights", id)?;
            check("kind_weights", weight.is_finite() && *weight >= 0.0, || {
                format!("expected a finite weight of at least 0 for {id}, found {weight}")
            })?;
            if let Some(known) = kinds.get_mut(&kind) {
                *known = *weight;
            }
        }
        kinds.retain(|_, weight| *weight > 0.0);
        check("held_out", !kinds.is_empty(), || "no kind is left for pairing".to_owned())?;
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
        for (field, value) in [
            ("min_full_share", self.min_full_share),
            ("near_duplicate_threshold", self.near_duplicate_threshold),
            ("max_repaired_share", self.max_repaired_share),
        ] {
            check(field, (0.0..=1.0).contains(&value), || {
                format!("expected a number from 0 to 1, found {value}")
            })?;
        }
        let least = self.max_groups_per_task;
        check("max_groups_per_task", least.train.max(least.dev).max(least.test) > 0, || {
            "expected at least 1, found 0".to_owned()
        })?;
        check("tasks_per_part", self.tasks_per_part > 0, || {
            "expected at least 1, found 0".to_owned()
        })?;
        check("min_test_tasks", self.min_test_tasks <= self.test_tasks, || {
            format!(
                "expected at most test_tasks ({}), found {}",
                self.test_tasks, self.min_test_tasks
            )
        })?;
        let most = match (self.max_groups_per_task.train, self.max_groups.train) {
            (0, _) => Some(0),
            (_, 0) => None,
            (_, most) => Some(most),
        };
        check("min_train_groups", most.is_none_or(|most| self.min_train_groups <= most), || {
            let most = most.unwrap_or(0);
            format!(
                "expected at most the {most} that max_groups and max_groups_per_task allow, found {}",
                self.min_train_groups
            )
        })?;
        let operations = self.operations;
        let all = [operations.revise, operations.swap, operations.add, operations.remove];
        for (field, weights) in [
            ("operations", &all[..]),
            ("constraints_per_instruction", &self.constraints_per_instruction[..]),
        ] {
            let sound = weights.iter().all(|weight| weight.is_finite() && *weight >= 0.0)
                && weights.iter().any(|weight| *weight > 0.0);
            check(field, sound, || {
                format!("expected weights of at least 0 with one above 0, found {weights:?}")
            })?;
        }
        Ok(())
    }

    /// The configuration on which the written rows depend: all but the limits that decide only
    /// whether the run fails.
    pub(crate) fn rows_json(&self) -> Result<serde_json::Value, PairsError> {
        let mut value = serde_json::to_value(self).map_err(|error| PairsError::Config {
            field: "config",
            reason: format!("cannot be written as JSON: {error}"),
        })?;
        if let Some(fields) = value.as_object_mut() {
            fields.remove("min_test_tasks");
            fields.remove("min_train_groups");
        }
        Ok(value)
    }
}

fn check(
    field: &'static str,
    sound: bool,
    reason: impl FnOnce() -> String,
) -> Result<(), PairsError> {
    if sound { Ok(()) } else { Err(PairsError::Config { field, reason: reason() }) }
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

//! Settings of pairing.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Display;

use iopo_constraints::quality::QualityConfig;
use iopo_constraints::{Kind, KindSet};
use iopo_core::SettingError;
use iopo_core::settings::limits::{MAX_BATCH, MAX_COUNT, MAX_SEED, MAX_VALUES, MAX_WEIGHT};
use iopo_core::settings::{check, check_weights, json_without};
use iopo_schema::{GroupKind, Operation, Split, kinds_named, usable_kinds};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, Serialize};

use crate::PairsError;
use crate::admit::kind_of;
use crate::admit_judged::JudgedRules;

/// A number for each split. In a file, it is one number for all splits or a table with `train`, `dev` and `test`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct PerSplit {
    /// The number for training.
    pub train: usize,
    /// The number for the dev split.
    pub dev: usize,
    /// The number for the test split.
    pub test: usize,
}

impl PerSplit {
    /// Creates the same number for all splits.
    pub const fn all(number: usize) -> Self {
        Self { train: number, dev: number, test: number }
    }

    /// Returns the number of a split.
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

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        up_to(MAX_COUNT)
    }
}

/// Returns the schema of a number for each split with an upper bound.
fn up_to(most: usize) -> Schema {
    let number = schemars::json_schema!({"type": "integer", "minimum": 0, "maximum": most});
    let each = schemars::json_schema!({
        "type": "object",
        "properties": {"train": number, "dev": number, "test": number},
        "required": ["train", "dev", "test"],
        "additionalProperties": false,
    });
    schemars::json_schema!({"anyOf": [number, each]})
}

/// Returns the schema of `max_groups_per_task`. The candidates of a task are compared with each other for every group, so
/// this number costs time and is more than a limit.
fn groups_per_task(_: &mut SchemaGenerator) -> Schema {
    up_to(1_000)
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

/// Frequencies of the operations, relative to each other; 0 disables an operation.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct OperationWeights {
    /// Frequency of groups in which a constraint is replaced by one that excludes it (full). Default: 1. Range: 0 to
    /// 1000000.
    #[schemars(range(min = 0.0, max = MAX_WEIGHT))]
    pub revise: f64,
    /// Frequency of groups in which a constraint is replaced by another one (full). Default: 1. Range: 0 to
    /// 1000000.
    #[schemars(range(min = 0.0, max = MAX_WEIGHT))]
    pub swap: f64,
    /// Frequency of groups in which a constraint is added (sided). Default: 0.25. Range: 0 to
    /// 1000000.
    #[schemars(range(min = 0.0, max = MAX_WEIGHT))]
    pub add: f64,
    /// Frequency of groups in which a constraint is removed (sided). Default: 0.25. Range: 0 to
    /// 1000000.
    #[schemars(range(min = 0.0, max = MAX_WEIGHT))]
    pub remove: f64,
    /// Frequency of groups in which the list of constraints is written anew (sided). Only judged candidates have this
    /// operation. Default: 0.25. Range: 0 to 1000000.
    #[schemars(range(min = 0.0, max = MAX_WEIGHT))]
    pub rewrite: f64,
}

impl Default for OperationWeights {
    fn default() -> Self {
        Self { revise: 1.0, swap: 1.0, add: 0.25, remove: 0.25, rewrite: 0.25 }
    }
}

impl OperationWeights {
    /// Returns the weight of an operation.
    pub fn get(&self, operation: Operation) -> f64 {
        match operation {
            Operation::Revise => self.revise,
            Operation::Swap => self.swap,
            Operation::Add => self.add,
            Operation::Remove => self.remove,
            Operation::Rewrite => self.rewrite,
        }
    }
}

/// Thresholds on the verdicts of a judge. A constraint holds if its score is 10.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct JudgedConfig {
    /// Highest score at which the changed constraint, or a constraint of a pair, counts as violated. A row with a score
    /// between this and 10 is refused as ambiguous. Default: 3. Range: 0 to 9.
    #[schemars(range(min = 0.0, max = 9.0))]
    pub fail_at_most: f64,
    /// Also writes a pair of the accepted and the worse response for each worse answer that synthesis asked for. Only
    /// `dpo-paper` trains on these pairs, and on them alone. Default: true.
    pub worse_answers: bool,
}

impl Default for JudgedConfig {
    fn default() -> Self {
        Self { fail_at_most: 3.0, worse_answers: true }
    }
}

/// Settings of pairing. Create one with [`Default`] and set fields.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct PairsConfig {
    /// Random seed of every draw and of the split. Default: 0; in a run, the top-level `seed`.
    #[schemars(range(max = MAX_SEED))]
    pub seed: u64,
    /// Ids of the constraint kinds that pairing never uses. In a run, set by the top-level `held_out`; any other
    /// value is refused. Default: none.
    #[schemars(extend("uniqueItems" = true))]
    pub held_out: Vec<String>,
    /// Maximum number of groups from one task. Default: 4 in all splits.
    #[schemars(schema_with = "groups_per_task")]
    pub max_groups_per_task: PerSplit,
    /// Maximum number of groups of a split; 0 means no limit. Default: 0 in all splits.
    pub max_groups: PerSplit,
    /// Number of test tasks. Tasks are assigned to splits by a hash of task id and seed. Default: 80.
    #[schemars(range(max = MAX_COUNT))]
    pub test_tasks: usize,
    /// Number of dev tasks, for tuning and early stopping. Default: 20.
    #[schemars(range(max = MAX_COUNT))]
    pub dev_tasks: usize,
    /// Fails the run if fewer test tasks have a group; at most `test_tasks`. Default: 60.
    #[schemars(range(max = MAX_COUNT))]
    pub min_test_tasks: usize,
    /// Fails the run if there are fewer groups for training. Default: 1.
    #[schemars(range(max = MAX_COUNT))]
    pub min_train_groups: usize,
    /// Makes sided groups, from additions, removals and rewrites. In a full group, each response violates the other
    /// instruction. In a sided group, one response follows both. Default: true.
    pub sided: bool,
    /// Frequencies of the operations, relative to each other; 0 disables an operation.
    pub operations: OperationWeights,
    /// Minimum share of full groups among the groups of every task. It does not apply to a task whose judged candidates are
    /// all sided, such as a task with one candidate. Default: 0.5. Range: 0 to 1.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub min_full_share: f64,
    /// Weights of instructions with 1, 2, 3 … constraints. Default: 1, 2, 2.
    #[schemars(length(max = 16), inner(range(min = 0.0, max = MAX_WEIGHT)))]
    pub constraints_per_instruction: Vec<f64>,
    /// Constraint kinds of the groups: ids of kinds, and the sets `default` and `iftrain`. In a run, the default is
    /// `synth.kinds`. Default: `default`.
    #[schemars(length(max = MAX_VALUES), extend("uniqueItems" = true))]
    pub kinds: Vec<String>,
    /// Weights of constraint kinds by id; other kinds keep the built-in weight. A weight also adds a kind that `kinds` does
    /// not name. Default: empty.
    #[schemars(extend("additionalProperties" = { "type": "number", "minimum": 0.0, "maximum": MAX_WEIGHT }))]
    pub kind_weights: BTreeMap<String, f64>,
    /// Treats two texts as duplicates if the Jaccard similarity of their 3-grams is at least this. The 3-grams are of
    /// words, or of characters in scripts without spaces such as Chinese. Default: 0.8.
    /// Range: 0 to 1.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub near_duplicate_threshold: f64,
    /// Fails the run if a larger share of the groups has an edited response. Default: 1. Range: 0 to 1.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub max_edited_share: f64,
    /// What counts as an answer: drops groups in which a response echoes a constraint of its instruction, loops, or is short
    /// although no constraint asks for that. In a run, set by the top-level `quality`; any other value is refused.
    pub quality: QualityConfig,
    /// Admission of groups with verdicts of a judge.
    pub judged: JudgedConfig,
    /// Tasks in one part of the output, the unit of resuming. Default: 32. Range: 1 to 10000.
    #[schemars(range(min = 1, max = MAX_BATCH))]
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
            kinds: vec![KindSet::Default.id().to_owned()],
            kind_weights: BTreeMap::new(),
            near_duplicate_threshold: 0.8,
            max_edited_share: 1.0,
            quality: QualityConfig::default(),
            judged: JudgedConfig::default(),
            tasks_per_part: 32,
        }
    }
}

impl PairsConfig {
    /// Returns the usable kinds with their weights.
    ///
    /// # Errors
    /// Returns an error if a setting names an unknown kind, a weight is not a finite number of at least 0, or no kind
    /// is left.
    pub fn kinds(&self) -> Result<BTreeMap<Kind, f64>, PairsError> {
        let kinds = usable_kinds(&self.kinds, &self.held_out, &self.kind_weights);
        Ok(kinds.map_err(|error| error.inside("pairs"))?)
    }

    /// Returns the rules of the admission of judged groups.
    ///
    /// # Errors
    /// Returns an error if `held_out` names an unknown kind.
    pub fn judged_rules(&self) -> Result<JudgedRules, PairsError> {
        let held_out = kinds_named("held_out", &self.held_out);
        let held_out = held_out.map_err(|error| error.inside("pairs"))?;
        Ok(JudgedRules { fail_at_most: self.judged.fail_at_most, held_out })
    }

    /// Returns the weight of an operation; 0 for a sided operation if sided groups are disabled.
    pub fn operation_weight(&self, operation: Operation) -> f64 {
        match kind_of(operation) {
            GroupKind::Sided if !self.sided => 0.0,
            GroupKind::Full | GroupKind::Sided | GroupKind::Pair => self.operations.get(operation),
        }
    }

    /// Checks every setting.
    ///
    /// # Errors
    /// Returns an error about the first setting that is out of range or contradicts another one.
    pub fn validate(&self) -> Result<(), PairsError> {
        self.kinds()?;
        check(self).map_err(|error| error.inside("pairs"))?;
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
        let all = Operation::ALL.iter().map(|operation| self.operation_weight(*operation));
        let all: Vec<f64> = all.collect();
        for (key, weights) in [
            ("operations", &all[..]),
            ("constraints_per_instruction", &self.constraints_per_instruction[..]),
        ] {
            check_weights(key, weights).map_err(|error| error.inside("pairs"))?;
        }
        Ok(())
    }

    /// Returns the settings that the written rows depend on. Limits that only decide whether the run fails are not
    /// among them, and those of `judged` only if `is_judged`.
    pub(crate) fn rows_json(&self, is_judged: bool) -> Result<serde_json::Value, PairsError> {
        let unused = if is_judged { &[][..] } else { &["judged"] };
        let value = json_without(self, &[&["min_test_tasks", "min_train_groups"], unused].concat());
        Ok(value.map_err(|error| error.inside("pairs"))?)
    }
}

fn refuse<T>(key: &str, found: impl Display, expected: &str) -> Result<T, PairsError> {
    Err(SettingError::new(key, found, expected).inside("pairs").into())
}

#[cfg(test)]
mod tests {
    use iopo_schema::Split;

    use super::{JudgedConfig, OperationWeights, PairsConfig, PerSplit};

    #[test]
    fn the_defaults_are_valid_and_round_trip_through_json() {
        let config = PairsConfig::default();
        config.validate().expect("defaults");
        let text = serde_json::to_string(&config).expect("json");
        assert_eq!(serde_json::from_str::<PairsConfig>(&text).expect("json"), config);
    }

    #[test]
    fn a_limit_is_one_number_or_one_per_split() {
        let one: PerSplit = serde_json::from_str("7").expect("number");
        assert_eq!(one, PerSplit::all(7));
        let each: PerSplit =
            serde_json::from_str(r#"{"train": 9, "dev": 1, "test": 2}"#).expect("table");
        assert_eq!((each.get(Split::Train), each.get(Split::Test)), (9, 2));
        assert!(serde_json::from_str::<PerSplit>(r#"{"train": 9}"#).is_err());
    }

    #[test]
    fn an_error_names_the_setting_that_is_out_of_range() {
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
        for fail_at_most in [-1.0, 9.5, 10.0, f64::NAN] {
            let bad = PairsConfig {
                judged: JudgedConfig { fail_at_most, ..JudgedConfig::default() },
                ..PairsConfig::default()
            };
            assert!(bad.validate().expect_err("score").to_string().contains("fail_at_most"));
        }
        let operations = OperationWeights { revise: 0.0, swap: 0.0, ..OperationWeights::default() };
        let sided = PairsConfig { operations, ..PairsConfig::default() };
        assert!(sided.validate().is_ok());
        let bad = PairsConfig { sided: false, ..sided };
        assert!(bad.validate().expect_err("no operation").to_string().contains("operations"));
    }
}

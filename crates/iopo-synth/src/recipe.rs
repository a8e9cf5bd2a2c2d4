//! The recipes, and their mixture.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use iopo_core::SettingError;
use iopo_core::settings::limits::MAX_WEIGHT;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A way to make instructions with verified responses from tasks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Recipe {
    /// Samples responses to plain tasks, draws instructions for each, and edits the response until they hold.
    Edit,
    /// Samples responses to plain tasks and finds constraints that they satisfy.
    BackTranslate,
    /// Draws instructions, samples a response to each, edits what fails, and reverses what an edit does not reach.
    OnPolicy,
}

impl Recipe {
    /// All recipes.
    pub const ALL: [Self; 3] = [Self::Edit, Self::BackTranslate, Self::OnPolicy];

    /// Returns the name in settings and files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Edit => "edit",
            Self::BackTranslate => "back-translate",
            Self::OnPolicy => "on-policy",
        }
    }
}

impl fmt::Display for Recipe {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.name())
    }
}

/// The recipes of a synthesis with their shares of the sampled responses. In a file, it is the name of one recipe or a
/// table of weights.
///
/// It can also be `trace`, the recipe of [`trace`](mod@crate::trace), which samples nothing and cannot be mixed.
#[derive(Debug, Clone, PartialEq)]
pub struct RecipeMix {
    /// Empty for `trace`.
    weights: BTreeMap<Recipe, f64>,
    is_trace: bool,
}

/// Name of the recipe that a writer and a judge carry out.
const TRACE: &str = "trace";

impl From<Recipe> for RecipeMix {
    fn from(recipe: Recipe) -> Self {
        [(recipe, 1.0)].into_iter().collect()
    }
}

impl FromIterator<(Recipe, f64)> for RecipeMix {
    fn from_iter<I: IntoIterator<Item = (Recipe, f64)>>(weights: I) -> Self {
        Self { weights: weights.into_iter().collect(), is_trace: false }
    }
}

impl RecipeMix {
    /// Returns the recipe `trace`, which a writer and a judge carry out.
    pub const fn trace() -> Self {
        Self { weights: BTreeMap::new(), is_trace: true }
    }

    /// Returns whether it is the recipe `trace`.
    pub const fn is_trace(&self) -> bool {
        self.is_trace
    }

    /// Returns whether the recipe has a share.
    pub fn uses(&self, recipe: Recipe) -> bool {
        self.weight(recipe) > 0.0
    }

    fn weight(&self, recipe: Recipe) -> f64 {
        self.weights.get(&recipe).copied().unwrap_or(0.0)
    }

    /// Checks the weights.
    ///
    /// # Errors
    /// Returns an error if a weight is not a finite number of at least 0, or none is above 0.
    pub fn validate(&self) -> Result<(), SettingError> {
        let good = |weight: &f64| weight.is_finite() && *weight >= 0.0;
        if let Some((recipe, weight)) = self.weights.iter().find(|(_, weight)| !good(weight)) {
            let key = format!("recipe.{recipe}");
            return Err(SettingError::new(key, weight, "a finite weight of at least 0"));
        }
        if self.is_trace || Recipe::ALL.iter().any(|recipe| self.uses(*recipe)) {
            return Ok(());
        }
        Err(SettingError::new("recipe", "no weight above 0", "at least one recipe with a weight"))
    }

    /// Returns the recipe of each of the `samples` samples of every task, in the order of [`Recipe::ALL`] within a task.
    ///
    /// `trace` has no samples. Every recipe gets its share of each task, rounded down. The remaining samples of a task go to the recipes that are
    /// furthest below their share of all tasks so far, so that the shares hold over the tasks.
    pub fn split(&self, tasks: usize, samples: usize) -> Vec<Vec<Recipe>> {
        let samples = if self.is_trace { 0 } else { samples };
        let total: f64 = Recipe::ALL.iter().map(|recipe| self.weight(*recipe)).sum();
        let shares = Recipe::ALL.map(|recipe| samples as f64 * self.weight(recipe) / total);
        let mut made = [0_usize; Recipe::ALL.len()];
        let one = |task: usize| {
            let mut counts = shares.map(|share| share as usize);
            let spare = samples.saturating_sub(counts.iter().sum());
            for _ in 0..spare {
                let lag = |recipe: usize| {
                    shares[recipe] * (task + 1) as f64 - (made[recipe] + counts[recipe]) as f64
                };
                // The first of the recipes with the largest lag.
                let next = (0..counts.len()).rev().max_by(|a, b| lag(*a).total_cmp(&lag(*b)));
                counts[next.unwrap_or(0)] += 1;
            }
            for (made, count) in made.iter_mut().zip(counts) {
                *made += count;
            }
            let recipes = Recipe::ALL.into_iter().zip(counts);
            recipes.flat_map(|(recipe, count)| vec![recipe; count]).collect()
        };
        (0..tasks).map(one).collect()
    }
}

impl Serialize for RecipeMix {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.is_trace {
            return serializer.serialize_str(TRACE);
        }
        let mut used = self.weights.iter().filter(|(_, weight)| **weight != 0.0);
        match (used.next(), used.next()) {
            (Some((recipe, weight)), None) if *weight > 0.0 => recipe.serialize(serializer),
            _ => self.weights.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for RecipeMix {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(rename_all = "lowercase")]
        enum Alone {
            Trace,
        }
        #[derive(Deserialize)]
        #[serde(
            untagged,
            expecting = "`edit`, `back-translate`, `on-policy`, a table of their weights, or `trace`, which cannot be mixed"
        )]
        enum Form {
            One(Recipe),
            Alone(Alone),
            Mixed(BTreeMap<Recipe, f64>),
        }
        Ok(match Form::deserialize(deserializer)? {
            Form::One(recipe) => recipe.into(),
            Form::Alone(Alone::Trace) => Self::trace(),
            Form::Mixed(weights) => weights.into_iter().collect(),
        })
    }
}

impl JsonSchema for RecipeMix {
    fn schema_name() -> Cow<'static, str> {
        "RecipeMix".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let weight = json_schema!({"type": "number", "minimum": 0.0, "maximum": MAX_WEIGHT});
        let weights: serde_json::Map<String, serde_json::Value> = Recipe::ALL
            .iter()
            .map(|recipe| (recipe.name().to_owned(), weight.clone().to_value()))
            .collect();
        let names: Vec<&str> = Recipe::ALL.map(Recipe::name).into_iter().chain([TRACE]).collect();
        json_schema!({"anyOf": [
            {"type": "string", "enum": names},
            {"type": "object", "properties": weights, "additionalProperties": false},
        ]})
    }
}

#[cfg(test)]
mod tests {
    use super::{Recipe, RecipeMix};

    fn mix(weights: &[(Recipe, f64)]) -> RecipeMix {
        weights.iter().copied().collect()
    }

    #[test]
    fn a_recipe_is_a_name_or_a_table_of_weights() {
        for recipe in Recipe::ALL {
            let text = serde_json::to_string(&RecipeMix::from(recipe)).expect("json");
            assert_eq!(text, format!("\"{recipe}\""));
            assert_eq!(serde_json::from_str::<RecipeMix>(&text).expect("json"), recipe.into());
        }
        let text = r#"{"edit":1.0,"on-policy":3.0}"#;
        let both = mix(&[(Recipe::Edit, 1.0), (Recipe::OnPolicy, 3.0)]);
        assert_eq!(serde_json::from_str::<RecipeMix>(text).expect("json"), both);
        assert_eq!(serde_json::to_string(&both).expect("json"), text);
        let error = serde_json::from_str::<RecipeMix>(r#""edits""#).expect_err("unknown");
        assert!(error.to_string().contains("back-translate"), "{error}");
    }

    #[test]
    fn trace_is_a_recipe_of_its_own() {
        let trace: RecipeMix = serde_json::from_str("\"trace\"").expect("a recipe");
        assert_eq!(trace, RecipeMix::trace());
        assert_eq!(serde_json::to_string(&trace).expect("json"), "\"trace\"");
        trace.validate().expect("valid");
        assert!(trace.is_trace() && !Recipe::ALL.iter().any(|recipe| trace.uses(*recipe)));
        assert_eq!(trace.split(2, 4), [[], []] as [[Recipe; 0]; 2]);
        let mixed = serde_json::from_str::<RecipeMix>(r#"{"edit": 1.0, "trace": 1.0}"#);
        let error = mixed.expect_err("mixed").to_string();
        assert!(error.contains("cannot be mixed"), "{error}");
    }

    #[test]
    fn shares_hold_in_every_task_and_over_all_tasks() {
        let mixture = mix(&[(Recipe::Edit, 0.9), (Recipe::OnPolicy, 0.1)]);
        let split = mixture.split(50, 4);
        assert!(split.iter().all(|recipes| recipes.len() == 4 && recipes.is_sorted()));
        let count = |recipe| split.iter().flatten().filter(|other| **other == recipe).count();
        assert_eq!((count(Recipe::Edit), count(Recipe::OnPolicy)), (180, 20));
        assert_eq!(count(Recipe::BackTranslate), 0);
        let least = split.iter().map(|r| r.iter().filter(|r| **r == Recipe::Edit).count()).min();
        assert_eq!(least, Some(3), "every task has at least its share, rounded down");
        // More tasks do not change the split of the first ones.
        assert_eq!(mixture.split(7, 4), split[..7]);
    }

    #[test]
    fn equal_weights_take_turns() {
        let mixture = mix(&Recipe::ALL.map(|recipe| (recipe, 2.0)));
        let split = mixture.split(3, 1);
        assert_eq!(split, Recipe::ALL.map(|recipe| vec![recipe]));
    }

    #[test]
    fn weights_must_be_finite_and_one_above_zero() {
        assert!(RecipeMix::from(Recipe::Edit).validate().is_ok());
        assert!(mix(&[]).validate().is_err());
        assert!(mix(&[(Recipe::Edit, 0.0)]).validate().is_err());
        let error = mix(&[(Recipe::Edit, 1.0), (Recipe::OnPolicy, f64::NAN)]).validate();
        assert_eq!(error.expect_err("nan").key, "recipe.on-policy");
    }
}

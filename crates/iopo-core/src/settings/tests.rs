use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{SettingError, check, check_table, check_weights, json_without, reference};

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Config {
    /// Name of the run.
    name: String,
    /// Training.
    train: Train,
}

impl Default for Config {
    fn default() -> Self {
        Self { name: "run".to_owned(), train: Train::default() }
    }
}

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Train {
    /// Size of a step. Default: 0.5. See [`Schedule`]. Default steps are small.
    #[schemars(extend("exclusiveMinimum" = 0.0, "aliases" = ["lr"]), range(max = 1.0))]
    learning_rate: f32,
    /// Shape of the learning rate.
    schedule: Schedule,
    /// Passes over the data.
    #[schemars(range(min = 1))]
    epochs: Option<usize>,
    /// Share of the steps with a rising learning rate.
    warmup: Option<f64>,
    /// Weights.
    #[schemars(inner(range(min = 0.0)))]
    weights: Vec<f64>,
    /// Random seeds. Range: at least 1.
    #[schemars(length(max = 3), inner(range(max = 9_000_000_000_000_000_000_u64)), extend("uniqueItems" = true))]
    seeds: Vec<u64>,
    /// Maximum number of groups of each split.
    limit: Limit,
    /// Weights by schedule.
    #[schemars(extend(
        "propertyNames" = { "enum": ["cosine", "constant"] },
        "additionalProperties" = { "type": "number", "minimum": 0.0, "maximum": 2.5 }
    ))]
    by_schedule: BTreeMap<String, f64>,
    /// A limit that may be missing.
    other_limit: Option<Limit>,
}

impl Default for Train {
    fn default() -> Self {
        Self {
            learning_rate: 0.95,
            schedule: Schedule::Cosine,
            epochs: None,
            warmup: None,
            weights: vec![1.0, 2.5],
            seeds: Vec::new(),
            limit: Limit::All(3),
            by_schedule: BTreeMap::new(),
            other_limit: None,
        }
    }
}

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
enum Limit {
    All(usize),
    Each(PerSplit),
}

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct PerSplit {
    train: usize,
    test: usize,
}

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Schedule {
    /// Falls to zero.
    Cosine,
    /// Stays.
    Constant,
}

fn refused(table: &Value) -> SettingError {
    check_table::<Config>(table).expect_err("refused")
}

#[test]
fn the_reference_lists_types_defaults_ranges_and_effects() {
    let settings = reference::<Config>();
    let rows: Vec<String> = settings
        .iter()
        .map(|s| format!("{} | {} | {} | {} | {}", s.key, s.kind, s.default, s.range, s.effect))
        .collect();
    let want = [
        r#"name | string | "run" |  | Name of the run."#,
        "train.learning_rate | number | 0.95 | above 0 and at most 1 | Size of a step. See `Schedule`. Default steps are small.",
        r#"train.schedule | string | "cosine" | `cosine`, `constant` | Shape of the learning rate."#,
        "train.epochs | integer |  | at least 1 | Passes over the data.",
        "train.weights | list of numbers | [1.0, 2.5] | each at least 0 | Weights.",
        "train.seeds | list of integers | [] | each 0 to 9000000000000000000; at most 3 values; distinct | Random seeds.",
        "train.by_schedule | table | {} | each 0 to 2.5 | Weights by schedule.",
    ];
    for row in want {
        assert!(rows.iter().any(|found| found == row), "{row}\nnot in\n{}", rows.join("\n"));
    }
    let sections: Vec<&str> =
        settings.iter().filter(|s| s.is_section).map(|s| s.key.as_str()).collect();
    assert_eq!(sections, ["train"]);
}

#[test]
fn the_range_of_the_reference_is_the_one_that_is_checked() {
    let settings = reference::<Config>();
    let seeds = settings.iter().find(|setting| setting.key == "train.seeds").expect("a setting");
    assert_eq!(seeds.documented_range.as_deref(), Some("at least 1"), "the words of the field");
    assert!(seeds.range.starts_with("each 0 to 9"), "{}", seeds.range);
}

#[test]
fn a_valid_table_passes() {
    let table =
        json!({"name": "a", "train": {"learning_rate": 1, "schedule": "constant", "epochs": 2}});
    check_table::<Config>(&table).expect("valid");
}

#[test]
fn an_error_about_an_unknown_key_suggests_the_nearest_one() {
    for (table, hint) in [
        (json!({"train": {"lr": 0.1}}), Some("train.learning_rate")),
        (json!({"train": {"learning_rat": 0.1}}), Some("train.learning_rate")),
        (json!({"learning_rate": 0.1}), Some("train.learning_rate")),
        (json!({"tarin": {}}), Some("train")),
        (json!({"train": {"zebra_crossing": 1}}), None),
    ] {
        let error = refused(&table);
        assert!(error.to_string().contains("found an unknown key, expected a setting"), "{error}");
        let want = hint.map(|hint| format!("did you mean `{hint}`?"));
        assert_eq!(error.hint, want, "{table}");
    }
}

#[test]
fn an_error_about_a_value_names_the_allowed_ones() {
    for (table, want) in [
        (
            json!({"train": {"learning_rate": "x"}}),
            "`train.learning_rate`: found \"x\", expected a number, above 0 and at most 1",
        ),
        (
            json!({"train": {"learning_rate": 0}}),
            "`train.learning_rate`: found 0, expected a number, above 0 and at most 1",
        ),
        (
            json!({"train": {"schedule": "cosin"}}),
            "`train.schedule`: found \"cosin\", expected one of `cosine`, `constant`",
        ),
        (
            json!({"train": {"epochs": 1.5}}),
            "`train.epochs`: found 1.5, expected an integer, at least 1",
        ),
        (
            json!({"train": {"weights": [1, -1]}}),
            "`train.weights[1]`: found -1, expected a number, at least 0",
        ),
        (json!({"train": 3}), "`train`: found 3, expected a table"),
        (
            json!({"train": {"by_schedule": {"linear": 1.0}}}),
            "`train.by_schedule.linear`: found an unknown key, expected one of `cosine`, `constant`",
        ),
        (
            json!({"train": {"by_schedule": {"cosine": "x"}}}),
            "`train.by_schedule.cosine`: found \"x\", expected a number, 0 to 2.5",
        ),
        (
            json!({"train": {"by_schedule": {"cosine": 3}}}),
            "`train.by_schedule.cosine`: found 3, expected a number, 0 to 2.5",
        ),
        (
            json!({"train": {"seeds": [1, 2, 1]}}),
            "`train.seeds[2]`: found 1 for the second time, expected distinct values",
        ),
        (
            json!({"train": {"seeds": [1, 2, 3, 4]}}),
            "`train.seeds`: found a list of length 4, expected a list of integers, each 0 to \
             9000000000000000000; at most 3 values; distinct",
        ),
        (
            // One more than the limit: the numbers are compared as integers.
            json!({"train": {"seeds": [9_000_000_000_000_000_001_u64]}}),
            "`train.seeds[0]`: found 9000000000000000001, expected an integer, 0 to 9000000000000000000",
        ),
        (
            json!({"train": {"other_limit": {"train": -1, "test": 1}}}),
            "`train.other_limit.train`: found -1, expected an integer, at least 0",
        ),
    ] {
        assert_eq!(refused(&table).to_string(), want);
    }
}

#[test]
fn a_setting_with_a_short_and_a_long_form_is_checked_by_the_form_that_is_used() {
    for limit in [json!(7), json!({"train": 1, "test": 2})] {
        check_table::<Config>(&json!({"train": {"limit": limit}})).expect("valid");
    }
    let both = "expected an integer, at least 0, or a table with `train` and `test`";
    for (limit, want) in [
        (
            json!({"train": 1}),
            "`train.limit`: found a table without `test`, expected a table with `train` and `test`",
        ),
        (
            json!({"train": 1, "test": -2}),
            "`train.limit.test`: found -2, expected an integer, at least 0",
        ),
        (
            json!({"train": 1, "tset": 2}),
            "`train.limit.tset`: found an unknown key, expected a setting of `train.limit`",
        ),
        (json!(-1), "`train.limit`: found -1, expected an integer, at least 0"),
        (json!("many"), &format!("`train.limit`: found \"many\", {both}")),
        (json!([1]), &format!("`train.limit`: found [1], {both}")),
    ] {
        assert_eq!(refused(&json!({"train": {"limit": limit}})).to_string(), want);
    }
    let error = refused(&json!({"train": {"limit": {"train": 1, "tset": 2}}}));
    assert_eq!(error.hint.as_deref(), Some("did you mean `train.limit.test`?"));
}

#[test]
fn a_configuration_is_checked_against_the_ranges_of_its_type() {
    check(&Config::default()).expect("the defaults are in range");
    let mut config = Config::default();
    config.train.learning_rate = f32::NAN;
    let error = check(&config).expect_err("not finite").inside("outer");
    assert!(
        error.to_string().starts_with("`outer.train.learning_rate`: found a number"),
        "{error}"
    );
    config.train.learning_rate = 2.0;
    assert!(check(&config).is_err());
}

#[test]
fn an_optional_number_that_is_not_finite_is_refused() {
    for number in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let mut config = Config::default();
        config.train.warmup = Some(number);
        let want = "`train.warmup`: found a number that is not finite, expected a finite number";
        assert_eq!(check(&config).expect_err("not finite").to_string(), want);
        // The parser of a file returns such a number as null.
        let table = json!({"train": {"warmup": number}});
        assert_eq!(refused(&table).to_string(), want);
    }
    let mut config = Config::default();
    config.train.warmup = Some(0.5);
    check(&config).expect("finite");
    check_table::<Config>(&json!({"train": {"warmup": 0.5}})).expect("finite");
    config.train.weights = vec![1.0, f64::NAN];
    let error = check(&config).expect_err("not finite").to_string();
    assert!(error.starts_with("`train.weights[1]`: found a number that is not finite"), "{error}");
}

#[test]
fn a_draw_needs_a_weight_above_zero() {
    check_weights("weights", &[0.0, 0.5]).expect("valid");
    let error = check_weights("weights", &[0.0, 0.0]).expect_err("refused");
    assert_eq!(error.to_string(), "`weights`: found [0.0, 0.0], expected a weight above 0");
    check_weights("weights", &[]).expect_err("empty");
}

#[test]
fn omitted_settings_are_not_in_the_json() {
    let all = json_without(&Config::default(), &[]).expect("json");
    let some = json_without(&Config::default(), &["train"]).expect("json");
    assert_eq!((all.get("name"), all.get("train").is_some()), (some.get("name"), true));
    assert_eq!((some.get("name"), some.get("train")), (Some(&json!("run")), None));
}

//! Values that a documented setting does not allow are refused before the first stage, with the key and without a panic.

#[expect(dead_code, reason = "each test binary uses its own part of it")]
mod common;

use common::{run, text};
use iopo::config::{self, COSTS, ConfigError};
use iopo::core::settings::Setting;
use toml::{Table, Value};

/// The documented settings, with names in place of `NAME`.
fn documented() -> Vec<Setting> {
    config::settings()
}

/// Returns the key with a round, a method or an endpoint in place of `NAME`.
fn key_of(setting: &Setting) -> String {
    let key = setting.key.replace("round.NAME", "round.2");
    key.replace("overrides.NAME", "overrides.simpo").replace("endpoints.NAME", "endpoints.own")
}

/// Adds the settings that an endpoint needs, and its prices.
fn complete_endpoint(table: &mut Table) {
    let Some(endpoints) = table.get_mut("endpoints").and_then(Value::as_table_mut) else { return };
    let Some(own) = endpoints.get_mut("own").and_then(Value::as_table_mut) else { return };
    let text = |text: &str| Value::String(text.to_owned());
    let needed = |table: &mut Table, needs: [(&str, &str); 2]| {
        for (key, value) in needs {
            table.entry(key).or_insert_with(|| text(value));
        }
    };
    needed(own, [("base_url", "https://host/v1"), ("model", "m")]);
    if let Some(prices) = own.get_mut("prices").and_then(Value::as_table_mut) {
        needed(prices, [("input", "1"), ("output", "1")]);
    }
}

/// Returns the smoke preset with another value of a key.
fn with(key: &str, value: Value) -> Table {
    let mut table = config::preset("smoke").expect("a preset");
    let mut here = &mut table;
    let (sections, last) = key.rsplit_once('.').unwrap_or(("", key));
    for section in sections.split('.').filter(|section| !section.is_empty()) {
        let next = here.entry(section).or_insert_with(|| Value::Table(Table::new()));
        if !next.is_table() {
            *next = Value::Table(Table::new());
        }
        here = next.as_table_mut().expect("a table");
    }
    here.insert(last.to_owned(), value);
    complete_endpoint(&mut table);
    table
}

/// Returns the key and the text of the error about a configuration.
fn error_of(error: &ConfigError) -> (String, String) {
    let text = error.to_string();
    let key = text.strip_prefix('`').and_then(|rest| rest.split_once('`')).map(|(key, _)| key);
    (key.unwrap_or_default().to_owned(), text)
}

/// Asserts that a value is refused under the key or under a part of it.
fn assert_refused(key: &str, value: &Value) {
    let Err(error) = config::resolve(&with(key, value.clone())) else {
        panic!("{key} = {value} was accepted");
    };
    let (found, text) = error_of(&error);
    let inside = found
        .strip_prefix(key)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('.') || rest.starts_with('['));
    assert!(inside, "{key} = {value} is refused as {text}");
    assert!(text.contains("found ") && text.contains("expected "), "{text}");
    assert!(error.hint().is_some(), "{text}");
}

/// The bounds that the text of a range states: those of a number, or of each number in a list or table.
#[derive(Debug, Default, Clone, Copy, PartialEq)]
struct Bounds {
    least: Option<f64>,
    most: Option<f64>,
    /// Whether the bounds themselves are allowed.
    with_least: bool,
    with_most: bool,
}

fn bounds(range: &str) -> Bounds {
    let first = range.split(';').next().unwrap_or_default();
    let first = first.strip_prefix("each ").unwrap_or(first);
    if first.ends_with("values") {
        return Bounds::default();
    }
    let mut bounds = Bounds { with_least: true, with_most: true, ..Bounds::default() };
    let number = |text: &str| text.trim().parse::<f64>().ok();
    if let Some((least, most)) = first.split_once(" to ") {
        (bounds.least, bounds.most) = (number(least), number(most));
        return bounds;
    }
    for part in first.split(" and ") {
        if let Some(rest) = part.strip_prefix("above ") {
            (bounds.least, bounds.with_least) = (number(rest), false);
        } else if let Some(rest) = part.strip_prefix("at least ") {
            bounds.least = number(rest);
        } else if let Some(rest) = part.strip_prefix("below ") {
            (bounds.most, bounds.with_most) = (number(rest), false);
        } else if let Some(rest) = part.strip_prefix("at most ") {
            bounds.most = number(rest);
        }
    }
    bounds
}

/// Returns the largest length of a list.
fn most_values(range: &str) -> Option<usize> {
    let part = range.split("; ").find_map(|part| part.strip_prefix("at most "));
    part?.strip_suffix(" values")?.parse().ok()
}

fn integer(value: i64) -> Value {
    Value::Integer(value)
}

fn list(values: impl IntoIterator<Item = Value>) -> Value {
    Value::Array(values.into_iter().collect())
}

fn table() -> Value {
    Value::Table([("no_such_key".to_owned(), integer(1))].into_iter().collect())
}

const NOT_FINITE: [f64; 3] = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY];

/// Numbers that a numeric setting with this range refuses.
fn bad_numbers(range: &str, is_integer: bool) -> Vec<Value> {
    let Bounds { least, most, with_least, with_most } = bounds(range);
    let mut bad: Vec<Value> = NOT_FINITE.map(Value::Float).to_vec();
    bad.extend([1e300, -1e300, f64::MAX].map(Value::Float));
    bad.extend([integer(i64::MAX), integer(i64::MIN)]);
    let number = |value: f64| if is_integer { integer(value as i64) } else { Value::Float(value) };
    if is_integer {
        bad.push(Value::Float(1.5));
    }
    let step = if is_integer { 1.0 } else { 1e-6 };
    if let Some(least) = least {
        bad.push(number(if with_least { least - step } else { least }));
    }
    if let Some(most) = most {
        // The next number that differs from a large bound.
        let above = if is_integer { most as i64 + 1 } else { 0 };
        let beyond = if is_integer { integer(above) } else { Value::Float(most + step) };
        bad.push(if with_most { beyond } else { number(most) });
    }
    bad
}

/// Values that a setting refuses: of wrong types, out of its range, not finite, and huge.
fn bad_values(setting: &Setting) -> Vec<Value> {
    let word = || Value::String("no such value".to_owned());
    let range = setting.range.as_str();
    let kind = setting.kind.as_str();
    let of_list = kind.strip_prefix("list of ");
    let mut bad = match (kind, of_list) {
        ("true or false", _) => vec![integer(1), word(), list([]), table(), Value::Float(1.0)],
        ("integer" | "number", _) => {
            let wrong = [word(), Value::Boolean(true), list([]), list([integer(1)]), table()];
            [&wrong[..], &bad_numbers(range, kind == "integer")].concat()
        }
        ("integer or table", _) => {
            let bad = [word(), Value::Boolean(true), list([integer(1)]), table()];
            let each = |number: &Value| {
                let names = ["train", "dev", "test"];
                let fields = names.map(|name| (name.to_owned(), integer(1)));
                let mut fields: Table = fields.into_iter().collect();
                fields.insert("dev".to_owned(), number.clone());
                Value::Table(fields)
            };
            let numbers = bad_numbers(range, true);
            let tables: Vec<Value> = numbers.iter().map(each).collect();
            [&bad[..], &numbers, &tables].concat()
        }
        ("string", _) => {
            let mut bad = vec![integer(1), Value::Float(1.5), Value::Boolean(true), list([])];
            bad.push(table());
            bad.extend((!range.is_empty()).then(word));
            bad
        }
        ("string or list of strings", _) => {
            vec![integer(1), Value::Boolean(true), table(), list([]), list([integer(1)])]
        }
        // Every field of a request's body is allowed.
        ("table", _) if setting.key.ends_with(".extra_body") => vec![integer(1), word(), list([])],
        ("table", _) => {
            let mut bad = vec![integer(1), word(), list([])];
            bad.push(table());
            bad
        }
        (_, Some(items)) => {
            let mut bad = vec![integer(1), Value::Boolean(true), word(), table()];
            bad.extend([list([table()]), list([list([])])]);
            match items {
                "strings" => bad.extend([list([integer(1)]), list([Value::Boolean(true)])]),
                "integers" | "numbers" => {
                    let numbers = bad_numbers(range, items == "integers");
                    bad.extend(numbers.into_iter().map(|number| list([number])));
                    bad.push(list([word()]));
                }
                other => panic!("{}: a list of {other}", setting.key),
            }
            bad
        }
        (other, None) => panic!("{}: the type {other} has no test", setting.key),
    };
    if let Some(most) = most_values(range) {
        let value = |index: usize| match of_list {
            Some("strings") => Value::String(format!("text {index}")),
            Some("integers") => integer(index as i64),
            _ => Value::Float(index as f64 / 1e6 + 1e-6),
        };
        bad.push(list((0..=most).map(value)));
    }
    if range.ends_with("distinct") {
        let value = match of_list {
            Some("strings") => config::resolve(&config::preset("default").expect("a preset"))
                .ok()
                .and_then(|config| config.to_table().ok())
                .and_then(|table| first_text(&table, &setting.key))
                .unwrap_or_else(|| Value::String("ifeval".to_owned())),
            Some("integers") => integer(1),
            _ => Value::Float(0.5),
        };
        bad.push(list([value.clone(), value]));
    }
    bad
}

/// Returns the first string of a list, so that its repetition is the only mistake.
fn first_text(table: &Table, key: &str) -> Option<Value> {
    let mut here = Value::Table(table.clone());
    for part in key.split('.') {
        here = here.get(part)?.clone();
    }
    here.as_array()?.first().cloned()
}

#[test]
fn a_value_that_a_setting_does_not_allow_is_refused_by_its_key() {
    let mut tried = 0;
    for setting in documented().iter().filter(|setting| !setting.is_section) {
        let key = key_of(setting);
        for value in bad_values(setting) {
            assert_refused(&key, &value);
            tried += 1;
        }
    }
    assert!(tried > 1200, "{tried} values");
}

#[test]
fn an_assignment_is_refused_like_a_value_of_a_file() {
    for setting in documented().iter().filter(|setting| !setting.is_section) {
        // A string setting accepts any number as text, so only other types are wrong.
        if setting.kind == "string" {
            continue;
        }
        let key = key_of(setting);
        for value in bad_values(setting) {
            let mut smoke = config::preset("smoke").expect("a preset");
            if key.starts_with("endpoints.") {
                let own = "endpoints.own={base_url=\"https://host/v1\", model=\"m\"}";
                config::set(&mut smoke, own).expect("an endpoint");
            }
            if key.starts_with("endpoints.own.prices.") {
                let prices = "endpoints.own.prices={input=\"1\", output=\"1\"}";
                config::set(&mut smoke, prices).expect("prices");
            }
            let assignment = format!("{key}={value}");
            let outcome = config::set(&mut smoke, &assignment);
            let outcome = outcome.and_then(|()| config::resolve(&smoke).map(drop));
            let (found, text) = error_of(&outcome.expect_err(&assignment));
            assert!(found.starts_with(&key), "{assignment}: {text}");
        }
    }
}

#[test]
fn a_section_is_a_table_of_known_keys() {
    for setting in documented().iter().filter(|setting| setting.is_section) {
        let key = key_of(setting).replace("NAME", "simpo");
        for value in [integer(3), Value::String("x".to_owned()), list([])] {
            assert_refused(&key, &value);
        }
        assert_refused(&format!("{key}.no_such_key"), &integer(1));
    }
}

#[test]
fn every_number_has_bounds_and_the_values_at_them_are_accepted() {
    let mut free = Vec::new();
    for setting in documented().iter().filter(|setting| !setting.is_section) {
        let kind = setting.kind.as_str();
        let is_number = kind.contains("integer") || kind.contains("number");
        if !is_number {
            continue;
        }
        let found = bounds(&setting.range);
        let Bounds { least: Some(least), most: Some(most), with_least, with_most } = found else {
            panic!("{}: found the range {:?}, expected two bounds", setting.key, setting.range);
        };
        let key = key_of(setting);
        let is_list = kind.starts_with("list of ");
        for (bound, allowed) in [(least, with_least), (most, with_most)] {
            let is_integer = kind.contains("integer");
            let number = if is_integer { integer(bound as i64) } else { Value::Float(bound) };
            let value = if is_list { list([number]) } else { number };
            let table = with(&key, value.clone());
            if !allowed {
                assert_refused(&key, &value);
                continue;
            }
            config::check(&table).unwrap_or_else(|error| panic!("{key} = {value}: {error}"));
            // Other settings may contradict it, which is an error that names them.
            if let Err(error) = config::resolve(&table) {
                assert!(!error_of(&error).0.is_empty(), "{key} = {value}: {error}");
            }
        }
        if !COSTS.iter().any(|(costly, _)| *costly == setting.key) {
            free.push(setting.key.clone());
        }
    }
    // Settings that cost nothing by themselves. Add each new setting here or to the costs.
    insta::assert_snapshot!(free.join("\n"));
}

#[test]
fn the_binary_refuses_a_bad_setting_before_it_makes_anything() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let out = dir.path().join("run");
    for (assignment, key, more) in [
        ("train.methods=[sft]", "train.methods", "--set 'train.methods=[\"sft\"]'"),
        ("eval.bootstrap_samples=1000000000000", "eval.bootstrap_samples", "1 to 1000000"),
        ("synth.sampling.temperature=nan", "synth.sampling.temperature", "not finite"),
        ("train.num_train_epochs=1e300", "train.num_train_epochs", "1 to 1000"),
        ("round.2.methods=[\"iopo\", \"iopo\"]", "round.2.methods[1]", "distinct"),
        ("eval.baselines=[\"base\", \"sfft\"]", "eval.baselines[1]", "a method"),
        ("eval.baselines=[\"base\", \"sft-round2\"]", "eval.baselines[1]", "a method"),
        ("held_out=[\"no_such_kind\"]", "held_out", "constraint kinds"),
        ("synth.language=english", "synth.language", "BCP 47"),
        ("synth.kind_weights.no_such_kind=1", "synth.kind_weights.no_such_kind", "any of"),
        ("eval.prompts=no-such-file.parquet", "eval.prompts", "does not exist"),
        ("eval.prompts=src", "eval.prompts", "found the folder `"),
        ("eval.prompts=Cargo.toml", "eval.prompts", "pass a `test_prompts.parquet`"),
        ("eval.tasks=no-such-file.jsonl", "eval.tasks", "does not exist"),
        ("eval.tasks=Cargo.toml", "eval.tasks", "expected `built-in` or a file of tasks"),
        ("eval.tasks=data/tasks.jsonl", "eval.tasks", "is in the test split and in the "),
        ("train.start=src", "train.start", "a folder without adapter_model.safetensors"),
        ("tasks=src", "tasks", "found the folder `"),
        ("train.start=no-such-folder", "train.start", "does not exist"),
        ("train.start=Cargo.toml", "train.start", "found the file `"),
        ("eos_token=<|no_such_token|>", "eos_token", "expected"),
        ("template_date=tomorrow", "template_date", "YYYY-MM-DD"),
        ("tasks=no-such-file.jsonl", "tasks", "does not exist"),
        ("tasks=Cargo.toml", "tasks", "expected a file of JSON lines (`.jsonl`, `.ndjson`)"),
    ] {
        let args = ["pipeline", "--preset", "smoke", "--out", text(&out), "--set", assignment];
        let error = run(&args).error(2);
        assert!(error.contains(&format!("`{key}`: found ")) && error.contains(more), "{error}");
        assert!(!out.exists(), "{assignment}");
    }
}

/// Settings at the end of their range that a small run reaches first, or that change its numbers only. The number of groups is
/// limited, because each of them costs time.
const LIMITS: [&str; 29] = [
    "rounds=1",
    "generation_batch=10000",
    "synth.max_tasks=14",
    "synth.plain_samples=1000",
    "synth.tasks_per_part=10000",
    "synth.decontamination_ngram=1000",
    "synth.kind_balance=100",
    "synth.max_edit=100",
    "synth.sampling.top_k=1000000",
    "synth.sampling.temperature=100",
    "synth.sampling.max_new_tokens=24",
    "pairs.test_tasks=3",
    "pairs.dev_tasks=2",
    "pairs.max_groups=1000000000",
    "pairs.max_groups_per_task=1000",
    "pairs.tasks_per_part=10000",
    "train.methods=[\"iopo\"]",
    "train.groups_per_update=1000000000",
    "train.tokens_per_micro_batch=1000000",
    "train.max_length=1000000",
    "train.save_steps=1000000000",
    "train.eval_steps=1000000000",
    "train.early_stopping_patience=1000000000",
    "train.max_train_groups=24",
    "train.max_eval_groups=8",
    "eval.max_prompts=1000000000",
    "eval.part_size=10000",
    "eval.seen_per_task=3",
    "seed=9000000000000000000",
];

/// Settings of the optimization at the end of their range.
const EXTREMES: [&str; 7] = [
    "train.beta=1000",
    "train.pref_ftx=1000",
    "train.learning_rate=1",
    "train.sft.learning_rate=1",
    "train.lora.lora_alpha=1000000",
    "train.weight_decay=1000",
    "train.max_grad_norm=1000000",
];

#[test]
fn limits_at_the_end_of_their_range_run_and_extreme_optimization_ends_without_a_panic() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let out = dir.path().join("run");
    let mut args = vec!["pipeline", "--preset", "smoke", "--out", text(&out)];
    for assignment in LIMITS {
        args.extend(["--set", assignment]);
    }
    let outcome = run(&args);
    assert_eq!(outcome.code, Some(0), "{}", outcome.stderr);
    args[0] = "train";
    for assignment in EXTREMES {
        args.extend(["--set", assignment]);
    }
    let outcome = run(&args);
    assert!(matches!(outcome.code, Some(0 | 1)), "{:?}: {}", outcome.code, outcome.stderr);
    assert!(!outcome.stderr.contains("panicked"), "{}", outcome.stderr);
}

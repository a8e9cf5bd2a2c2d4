//! Changes individual settings in a configuration table.

use iopo_core::SettingError;
use toml::{Table, Value};

use super::ConfigError;
use super::secrets::{keys, shown};
use super::table::check;

/// Applies one `SECTION.KEY=VALUE` to a table.
///
/// The value is TOML (`3`, `1e-4`, `true`, `["sft", "iopo"]`). A date, and a value that is not valid TOML, is taken
/// as a string, so `template_date=2025-01-01` and `model=path/to/it` need no quotes. So is a number or a TOML keyword if
/// the setting is a string: `name=3`. Each part of the key may be quoted.
///
/// # Errors
/// Returns an error if the key or the value is missing, the key is unknown, or it does not allow the value. The table is
/// unchanged then.
pub fn set(table: &mut Table, assignment: &str) -> Result<(), ConfigError> {
    let malformed = || ConfigError::Assignment { assignment: shown(assignment) };
    let (path, value) = assignment.split_once('=').ok_or_else(malformed)?;
    let keys: Vec<&str> = keys(path).collect();
    if keys.iter().any(|key| key.is_empty()) {
        return Err(malformed());
    }
    let (text, value) = (value.trim(), value_of(value.trim()));
    let is_text = matches!(value, Value::String(_));
    let may_be_text = matches!(value, Value::Integer(_) | Value::Float(_) | Value::Boolean(_));
    let changed = with(table, &keys, value)?;
    let Err(error) = check(&changed) else {
        *table = changed;
        return Ok(());
    };
    // The value of a string setting can look like a number or a keyword such as `true`.
    if may_be_text {
        let changed = with(table, &keys, Value::String(text.to_owned()))?;
        if check(&changed).is_ok() {
            *table = changed;
            return Ok(());
        }
    }
    match error {
        ConfigError::Setting(error) if is_text && error.hint.is_none() => {
            Err(with_quotes(error, path.trim(), text).into())
        }
        error => Err(error),
    }
}

/// Returns a table with a new value for a key.
fn with(table: &Table, keys: &[&str], value: Value) -> Result<Table, ConfigError> {
    let mut changed = table.clone();
    let mut here = &mut changed;
    let (last, sections) = keys.split_last().unwrap_or((&"", &[]));
    for (index, key) in sections.iter().enumerate() {
        let next = here.entry(*key).or_insert_with(|| Value::Table(Table::new()));
        here = next.as_table_mut().ok_or_else(|| not_a_section(keys, &keys[..=index]))?;
    }
    let value = match (value, here.get(*last)) {
        // An integer becomes a float if the old value is one.
        (Value::Integer(int), Some(Value::Float(_))) => Value::Float(int as f64),
        (value, _) => value,
    };
    here.insert((*last).to_owned(), value);
    Ok(changed)
}

/// Adds the quoted form to the error about a list or table that is not valid TOML, because a shell removes quotes.
fn with_quotes(error: SettingError, path: &str, text: &str) -> SettingError {
    if error.expected.starts_with("a list of ") {
        let of_texts = error.expected.starts_with("a list of strings");
        let inner = text.trim_start_matches('[').trim_end_matches(']').split(',');
        let items = inner.map(|item| item.trim().trim_matches(['"', '\'']).to_owned());
        let items = items.filter(|item| !item.is_empty());
        let quoted = items.map(|item| if of_texts { format!("\"{item}\"") } else { item });
        let list = quoted.collect::<Vec<_>>().join(", ");
        return error.with_hint(format!(
            "a shell removes quotes inside of an assignment; quote all of it: `--set '{path}=[{list}]'`"
        ));
    }
    if text.starts_with('{') {
        return error.with_hint(format!(
            "put texts in double quotes and the whole assignment in single quotes, or set one key: `--set {path}.KEY=VALUE`"
        ));
    }
    error
}

/// Returns the error for a key inside a setting that is not a section.
fn not_a_section(key: &[&str], setting: &[&str]) -> SettingError {
    let (key, setting) = (key.join("."), setting.join("."));
    let found = format!("a key inside of `{setting}`");
    SettingError::new(key, found, format!("a value for `{setting}`, which is not a section"))
        .with_hint(format!("`iopo config {setting}` describes the setting"))
}

/// Parses the value as TOML. A number that is too large for TOML becomes a float.
fn value_of(text: &str) -> Value {
    let parsed =
        format!("v = {text}").parse::<Table>().ok().and_then(|mut table| table.remove("v"));
    let is_number = text.bytes().any(|byte| byte.is_ascii_digit());
    match (parsed, text.parse::<f64>().ok().filter(|_| is_number)) {
        (Some(value), _) if !matches!(value, Value::Datetime(_)) => value,
        (None, Some(number)) => Value::Float(number),
        _ => Value::String(text.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::set;
    use crate::config::preset;

    fn refused(assignment: &str) -> (String, Option<String>) {
        let error = set(&mut preset("smoke").expect("preset"), assignment).expect_err(assignment);
        (error.to_string(), error.hint())
    }

    #[test]
    fn a_text_can_look_like_a_number_or_a_word_of_toml() {
        let mut config = preset("smoke").expect("a preset");
        for (key, text) in [("name", "3"), ("name", "true"), ("model", "2024"), ("notes", "1e3")] {
            set(&mut config, &format!("{key}={text}")).expect(key);
            assert_eq!(config[key].as_str(), Some(text), "{key}");
        }
        set(&mut config, "name=\"5\"").expect("a text");
        assert_eq!(config["name"].as_str(), Some("5"));
    }

    #[test]
    fn a_list_without_its_quotes_names_the_assignment_with_them() {
        for (assignment, want) in [
            ("train.methods=[sft]", "`--set 'train.methods=[\"sft\"]'`"),
            ("train.methods=[sft, iopo]", "`--set 'train.methods=[\"sft\", \"iopo\"]'`"),
            ("train.methods=sft", "`--set 'train.methods=[\"sft\"]'`"),
            ("round.2.methods=[iopo]", "`--set 'round.2.methods=[\"iopo\"]'`"),
            ("eval.baselines=base,sft", "`--set 'eval.baselines=[\"base\", \"sft\"]'`"),
            ("eval.data={ifeval=a.jsonl}", "`--set eval.data.KEY=VALUE`"),
        ] {
            let (error, hint) = refused(assignment);
            let key = assignment.split('=').next().unwrap_or_default();
            assert!(error.starts_with(&format!("`{key}`: found ")), "{error}");
            assert!(
                hint.as_ref().is_some_and(|hint| hint.contains(want)),
                "{assignment}: {hint:?}"
            );
        }
        set(&mut preset("smoke").expect("a preset"), "eval.data.ifeval=a.jsonl")
            .expect("the form of the hint");
        // The value has quotes, so missing quotes are not the mistake.
        let (_, hint) = refused("train.methods=[\"sftt\"]");
        assert!(hint.is_some_and(|hint| !hint.contains("quote")), "another mistake");
    }
}

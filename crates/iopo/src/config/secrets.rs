//! Keys do not belong in files or on the command line: finds them and refuses them without showing them.

use iopo_core::SettingError;
use toml::{Table, Value};

/// Section of the endpoints.
pub(super) const ENDPOINTS: &str = "endpoints";

/// Names of settings that people use for keys, in small letters and without `_` and `-`.
const NAMES: [&str; 6] = ["apikey", "key", "token", "accesstoken", "authorization", "secret"];

/// Refuses a literal key in a section of endpoints. The error does not contain it.
pub(super) fn refuse_keys(table: &Table) -> Result<(), SettingError> {
    let Some(key) = table.get(ENDPOINTS).and_then(|value| find(ENDPOINTS, value)) else {
        return Ok(());
    };
    let expected = "the name of an environment variable in `api_key_env`";
    Err(SettingError::new(key, "a literal key", expected).with_hint(
        "set the variable to the key, and `api_key_env` to its name, for instance `api_key_env = \"OPENAI_API_KEY\"`",
    ))
}

/// Returns the path of the first setting whose name is that of a key.
fn find(path: &str, value: &Value) -> Option<String> {
    let fields = value.as_table()?;
    fields.iter().find_map(|(name, value)| {
        let inner = format!("{path}.{name}");
        let plain = name.to_ascii_lowercase().replace(['-', '_'], "");
        match value {
            Value::Table(_) => find(&inner, value),
            _ => NAMES.contains(&plain.as_str()).then_some(inner),
        }
    })
}

/// Returns an assignment as a message may show it: without the value of an endpoint's setting, which may be a key.
pub fn shown(assignment: &str) -> String {
    match assignment.split_once('=') {
        Some((path, _)) if path.trim().starts_with(ENDPOINTS) => format!("{}=…", path.trim()),
        _ => assignment.to_owned(),
    }
}

/// Removes a long text from an error about a setting of an endpoint, because it may be a key.
pub(super) fn without_secret(mut error: SettingError) -> SettingError {
    if error.key.starts_with(ENDPOINTS) && error.found.contains('"') && error.found.len() > 20 {
        "a text that is not shown, because it may be a key".clone_into(&mut error.found);
    }
    error
}

/// Describes an error of TOML: with its line, unless the line may hold a key.
pub(super) fn toml_reason(text: &str, error: &toml::de::Error) -> String {
    let whole = error.to_string().trim_end().to_owned();
    let Some(span) = error.span() else { return whole };
    let start = text.get(..span.start).and_then(|before| before.rfind('\n')).map_or(0, |at| at + 1);
    let end = text.get(span.start..).and_then(|after| after.find('\n'));
    let end = end.map_or(text.len(), |at| span.start + at);
    let line = text.get(start..end).unwrap_or_default().to_lowercase();
    if !["key", "token", "secret", "sk-", "bearer"].iter().any(|word| line.contains(word)) {
        return whole;
    }
    let number = text.get(..start).unwrap_or_default().matches('\n').count() + 1;
    format!("line {number}: {}", error.message())
}

#[cfg(test)]
mod tests {
    use super::shown;
    use crate::config::{check, parse, preset, set};

    #[test]
    fn a_literal_key_is_refused_and_not_shown() {
        for line in [
            "api_key = \"marked\"",
            "API-KEY = \"marked\"",
            "token = \"marked\"",
            "extra_body = { api_key = \"marked\" }",
            "extra_body = { a = { Authorization = \"marked\" } }",
        ] {
            let text = format!("[endpoints.a]\nbase_url = \"https://host\"\nmodel = \"m\"\n{line}");
            let error = check(&parse(&text, "x").expect("TOML")).expect_err(line);
            let (error, hint) = (error.to_string(), error.hint().unwrap_or_default());
            assert!(
                error.starts_with("`endpoints.a.") && error.contains("a literal key"),
                "{error}"
            );
            assert!(hint.contains("api_key_env") && !error.contains("marked"), "{error}");
        }
        // Negative control: a name is no key.
        let text =
            "[endpoints.a]\nbase_url = \"https://host\"\nmodel = \"m\"\napi_key_env = \"KEY\"";
        check(&parse(text, "x").expect("TOML")).expect("a variable");
    }

    #[test]
    fn an_assignment_of_an_endpoint_is_shown_without_its_value() {
        let mut table = preset("smoke").expect("a preset");
        let assignment = "endpoints.a.api_key=marked";
        let error = set(&mut table, assignment).expect_err("a key").to_string();
        assert!(error.contains("`endpoints.a.api_key`") && !error.contains("marked"), "{error}");
        let whole = "endpoints.a={api_key=marked, model=m}";
        let error = set(&mut table, whole).expect_err("no TOML").to_string();
        assert!(error.contains("`endpoints.a`") && !error.contains("marked"), "{error}");
        assert_eq!(shown(assignment), "endpoints.a.api_key=…");
        assert_eq!(shown("train.beta=1"), "train.beta=1");
    }

    #[test]
    fn an_error_of_toml_does_not_show_a_key() {
        let reason = |text: &str| parse(text, "x.toml").expect_err("no TOML").to_string();
        let error = reason("name = \"a\"\n[endpoints.a]\napi_key = \"sk-marked\nmodel = 1");
        assert!(error.contains("line 3") && !error.contains("marked"), "{error}");
        assert!(reason("name = \"shown").contains("shown"));
    }
}

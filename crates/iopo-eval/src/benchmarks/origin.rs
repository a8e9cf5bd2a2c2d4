//! Records which responses a directory holds, so that others never replace them by accident.

use std::path::Path;

use iopo_schema::content_hash::{read_json, write_json};
use iopo_schema::run_files::PREDICTIONS;
use serde_json::Value;

use crate::EvalError;

/// File beside the predictions that records how they were made.
const FILE: &str = "answers.json";
/// Key that only responses of a model have. They cost time, so they are never replaced.
const MODEL: &str = "model";

/// Claims a directory for the responses that `origin` describes.
///
/// Refuses a directory that holds a model's responses to other prompts or under other settings. Responses that came from
/// a file are replaced, because that file still exists.
pub(crate) fn claim(out: &Path, origin: &Value) -> Result<(), EvalError> {
    let path = out.join(FILE);
    let held: Option<Value> = if path.exists() { Some(read_json(&path)?) } else { None };
    let unknown = held.is_none() && out.join(PREDICTIONS).exists();
    let other = held.as_ref().filter(|held| *held != origin && held.get(MODEL).is_some());
    if unknown || other.is_some() {
        let differences = other.map(|held| differences(held, origin)).unwrap_or_default();
        return Err(EvalError::OtherResponses { out: out.to_owned(), differences });
    }
    Ok(write_json(&path, origin)?)
}

/// Lists the settings in which two origins differ.
fn differences(held: &Value, wanted: &Value) -> Vec<String> {
    let empty = serde_json::Map::new();
    let [held, wanted] = [held, wanted].map(|value| value.as_object().unwrap_or(&empty));
    let names = held.keys().chain(wanted.keys().filter(|name| !held.contains_key(*name)));
    let changed = names.filter(|name| held.get(*name) != wanted.get(*name));
    let show = |value: Option<&Value>| {
        let text = value.map_or_else(|| "absent".to_owned(), Value::to_string);
        text.chars().take(40).collect::<String>()
    };
    let parts = changed.map(|name| {
        format!("{name} is {} there, {} here", show(held.get(name)), show(wanted.get(name)))
    });
    parts.collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::claim;

    #[test]
    fn a_models_responses_keep_their_directory_and_given_ones_are_replaced() {
        let dir = tempfile::tempdir().expect("a directory");
        claim(dir.path(), &json!({"responses": "a"})).expect("an empty directory");
        claim(dir.path(), &json!({"responses": "b"})).expect("responses of a file are replaced");
        let model = json!({"model": "m", "batch": 2});
        claim(dir.path(), &model).expect("a model replaces responses of a file");
        claim(dir.path(), &model).expect("the same responses resume");
        let error = claim(dir.path(), &json!({"model": "m", "batch": 3})).expect_err("other ones");
        assert!(error.to_string().contains("batch is 2 there, 3 here"), "{error}");
    }
}

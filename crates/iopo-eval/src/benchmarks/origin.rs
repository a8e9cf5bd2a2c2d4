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
/// Key of the benchmark's id. The files of two benchmarks never mix.
const BENCHMARK: &str = "benchmark";

/// Claims a directory for the responses that `origin` describes.
///
/// Refuses a directory of another benchmark, and one that holds a model's responses to other prompts or under other settings.
/// Responses that came from a file are replaced, because that file still exists.
pub(crate) fn claim(out: &Path, origin: &Value) -> Result<(), EvalError> {
    let path = out.join(FILE);
    let held: Option<Value> = if path.exists() { Some(read_json(&path)?) } else { None };
    let unknown = held.is_none() && out.join(PREDICTIONS).exists();
    let is_foreign = |held: &Value| held.get(BENCHMARK) != origin.get(BENCHMARK);
    let is_kept = |held: &Value| held != origin && held.get(MODEL).is_some();
    let other = held.as_ref().filter(|held| is_foreign(held) || is_kept(held));
    if unknown || other.is_some() {
        let differences = other.map(|held| differences(held, origin)).unwrap_or_default();
        return Err(EvalError::OtherResponses { out: out.to_owned(), differences });
    }
    Ok(write_json(&path, origin)?)
}

/// Lists the settings in which two origins differ. Those of another benchmark, or of a model and of a file, differ in all settings.
fn differences(held: &Value, wanted: &Value) -> Vec<String> {
    if let (Some(held), Some(wanted)) = (held.get(BENCHMARK), wanted.get(BENCHMARK))
        && held != wanted
    {
        return vec![format!("{BENCHMARK} is {held} there, {wanted} here")];
    }
    if let (Some(model), None) = (held.get(MODEL), wanted.get(MODEL)) {
        return vec![format!("those of the model {model} there, those of a file here")];
    }
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
        let error = claim(dir.path(), &json!({"responses": "a"})).expect_err("a file");
        let text = "holds other responses: those of the model \"m\" there, those of a file here";
        assert!(error.to_string().ends_with(text), "{error}");
    }

    #[test]
    fn a_directory_of_another_benchmark_is_refused() {
        let dir = tempfile::tempdir().expect("a directory");
        let of = |benchmark: &str, file: &str| json!({"benchmark": benchmark, "responses": file});
        claim(dir.path(), &of("ifeval", "a")).expect("an empty directory");
        claim(dir.path(), &of("ifeval", "b")).expect("the same benchmark");
        let error = claim(dir.path(), &of("trace", "b")).expect_err("another benchmark");
        assert!(error.to_string().ends_with(": benchmark is \"ifeval\" there, \"trace\" here"));
    }
}

//! Special tokens of a Hugging Face directory, read as transformers reads them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::{Map, Value};
use tokenizers::{AddedToken, Tokenizer};

use crate::config::read_json;
use crate::error::ModelError;

pub(crate) const CONFIG: &str = "tokenizer_config.json";
pub(crate) const MAP: &str = "special_tokens_map.json";
/// Key of the tokens that are added to the vocabulary. With it, transformers does not read [`MAP`].
const DECODER: &str = "added_tokens_decoder";
/// Keys of single special tokens.
const NAMED: [&str; 7] =
    ["bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token"];
/// Keys of lists of special tokens.
const LISTS: [&str; 2] = ["additional_special_tokens", "extra_special_tokens"];

/// Reads a file that holds a JSON object, if it exists.
pub(crate) fn object(path: &Path) -> Result<Option<Map<String, Value>>, ModelError> {
    if !path.is_file() {
        return Ok(None);
    }
    match read_json(path)? {
        Value::Object(object) => Ok(Some(object)),
        _ => Err(ModelError::config(path, "(the whole file)", "a JSON object", "another value")),
    }
}

/// The settings of special tokens; `None` if the directory has no file with them.
///
/// `special_tokens_map.json` wins over `tokenizer_config.json`, unless the latter has `added_tokens_decoder`.
pub(crate) fn stated(
    config: Option<&Map<String, Value>>,
    map: Option<&Map<String, Value>>,
) -> Option<Map<String, Value>> {
    let mut stated = match (config, map) {
        (None, None) => return None,
        (config, _) => config.cloned().unwrap_or_default(),
    };
    if !stated.contains_key(DECODER) {
        let special = |key: &str| NAMED.contains(&key) || LISTS.contains(&key);
        let special = map.into_iter().flatten().filter(|(key, _)| special(key));
        stated.extend(special.map(|(key, value)| (key.clone(), value.clone())));
    }
    Some(stated)
}

/// Adds the stated tokens that the tokenizer lacks.
///
/// A token outside the vocabulary gets the next free id, for which the model's embedding may have no row.
pub(super) fn add(
    tokenizer: &mut Tokenizer,
    stated: &Map<String, Value>,
) -> tokenizers::Result<()> {
    let decoder = stated.get(DECODER).and_then(Value::as_object);
    let by_id: BTreeMap<u32, AddedToken> = decoder
        .into_iter()
        .flatten()
        .filter_map(|(id, token)| Some((id.parse().ok()?, added(token, false)?)))
        .collect();
    let named = NAMED.iter().filter_map(|key| stated.get(*key));
    let lists = LISTS.iter().filter_map(|key| stated.get(*key)).flat_map(items);
    let named: Vec<AddedToken> =
        named.chain(lists).filter_map(|value| added(value, true)).collect();
    // A named token is special regardless of its own entry.
    let is_named = |token: &AddedToken| named.iter().any(|named| named.content == token.content);
    let mut tokens: Vec<AddedToken> = by_id
        .into_values()
        .map(|token| if is_named(&token) { token.special(true) } else { token })
        .collect();
    let mut known: BTreeSet<String> = tokenizer
        .get_added_tokens_decoder()
        .into_values()
        .chain(tokens.iter().cloned())
        .map(|token| token.content)
        .collect();
    for token in named {
        if known.insert(token.content.clone()) {
            tokens.push(token.special(true));
        }
    }
    tokenizer.add_tokens(tokens).map(|_| ())
}

/// Returns the items of a list of tokens, or the values of an object of them.
fn items(value: &Value) -> Vec<&Value> {
    match value {
        Value::Array(items) => items.iter().collect(),
        Value::Object(items) => items.values().collect(),
        _ => Vec::new(),
    }
}

/// Reads a token: its text, or an object that contains it. `special` is the default.
fn added(value: &Value, special: bool) -> Option<AddedToken> {
    let flag = |key: &str| value.get(key).and_then(Value::as_bool);
    let special = flag("special").unwrap_or(special);
    let token = AddedToken::from(text(value)?, special)
        .single_word(flag("single_word").unwrap_or(false))
        .lstrip(flag("lstrip").unwrap_or(false))
        .rstrip(flag("rstrip").unwrap_or(false));
    Some(match flag("normalized") {
        Some(normalized) => token.normalized(normalized),
        None => token,
    })
}

/// Returns a token's text.
pub(super) fn text(value: &Value) -> Option<String> {
    value.as_str().or_else(|| value.get("content")?.as_str()).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use serde_json::{Map, Value, json};

    use super::{stated, text};

    fn map(value: Value) -> Map<String, Value> {
        match value {
            Value::Object(map) => map,
            _ => Map::new(),
        }
    }

    fn eos(config: Option<Value>, special: Option<Value>) -> Option<String> {
        let [config, special] = [config, special].map(|file| file.map(map));
        text(stated(config.as_ref(), special.as_ref())?.get("eos_token")?)
    }

    #[test]
    fn the_special_tokens_map_wins_unless_the_configuration_lists_added_tokens() {
        let config = json!({"eos_token": "<a>", "model_max_length": 8});
        let special = json!({"eos_token": {"content": "<b>", "lstrip": false}});
        assert_eq!(eos(None, None), None);
        assert_eq!(eos(Some(config.clone()), None).as_deref(), Some("<a>"));
        assert_eq!(eos(None, Some(special.clone())).as_deref(), Some("<b>"));
        assert_eq!(eos(Some(config.clone()), Some(special.clone())).as_deref(), Some("<b>"));
        let mut listed = config;
        listed["added_tokens_decoder"] = json!({});
        assert_eq!(eos(Some(listed), Some(special)).as_deref(), Some("<a>"));
        // Keys that name no special token are not taken from the map.
        let odd = Some(map(json!({"model_max_length": 4})));
        assert_eq!(stated(None, odd.as_ref()), Some(Map::new()));
    }
}

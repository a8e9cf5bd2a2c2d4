//! The arguments of instructions and constraints.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use serde_json::{Map, Value};

use crate::item::without_place;
use crate::limits::{MOST_LISTED, MOST_TEXT};

/// Keyword arguments of an instruction. Null values are left out, because datasets pad arguments with them, and null stands
/// for no arguments.
#[derive(Debug, Default)]
pub(crate) struct Kwargs(pub(crate) Map<String, Value>);

/// The parameters of a constraint as a JSON text: an object, such a text, or null.
#[derive(Debug)]
pub(crate) struct Params(pub(crate) String);

impl<'de> Deserialize<'de> for Kwargs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Kwargs;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_unit<E: Error>(self) -> Result<Kwargs, E> {
                Ok(Kwargs::default())
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Kwargs, A::Error> {
                object(map).map(Kwargs)
            }
        }
        deserializer.deserialize_any(Reader)
    }
}

impl<'de> Deserialize<'de> for Params {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Params;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object, or a JSON object as text")
            }

            fn visit_unit<E: Error>(self) -> Result<Params, E> {
                Ok(Params("{}".to_owned()))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Params, E> {
                if text.len() > MOST_TEXT {
                    return Err(too_long());
                }
                match serde_json::from_str(text) {
                    Ok(Kwargs(map)) => Ok(Params(Value::Object(map).to_string())),
                    Err(error) if error.is_data() => {
                        Err(E::custom(without_place(&error.to_string())))
                    }
                    // The constraint says what is wrong with a text that is not JSON.
                    Err(_) => Ok(Params(text.to_owned())),
                }
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Params, A::Error> {
                object(map).map(|map| Params(Value::Object(map).to_string()))
            }
        }
        deserializer.deserialize_any(Reader)
    }
}

/// Reads an object within the limits of its texts and lists. A key that occurs twice is an error.
fn object<'de, A: MapAccess<'de>>(mut entries: A) -> Result<Map<String, Value>, A::Error> {
    let mut map = Map::new();
    let mut bytes = 0;
    while let Some(key) = entries.next_key::<String>()? {
        let value = entries.next_value()?;
        bytes += key.len()
            + size(&value).ok_or_else(|| {
                let found = format!("a list of more than {MOST_LISTED} values");
                Error::custom(format!("`{key}`: found {found}, expected fewer"))
            })?;
        if bytes > MOST_TEXT {
            return Err(too_long());
        }
        // A null is kept until the end, because it must not hide another value of its key.
        if map.insert(key.clone(), value).is_some() {
            return Err(Error::custom(format!("`{key}`: found twice, expected once")));
        }
    }
    map.retain(|_, value| !value.is_null());
    Ok(map)
}

fn too_long<E: Error>() -> E {
    Error::custom(format!("found arguments of more than {MOST_TEXT} bytes, expected fewer"))
}

/// The bytes of the texts of a value; `None` if one of its lists is too long. Values have few levels (`limits::MOST_LEVELS`).
fn size(value: &Value) -> Option<usize> {
    match value {
        Value::String(text) => Some(text.len()),
        Value::Array(items) if items.len() > MOST_LISTED => None,
        Value::Array(items) => items.iter().map(size).sum(),
        Value::Object(map) => map.iter().map(|(key, value)| Some(key.len() + size(value)?)).sum(),
        Value::Null | Value::Bool(_) | Value::Number(_) => Some(0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kwargs(text: &str) -> Result<Map<String, Value>, serde_json::Error> {
        serde_json::from_str::<Kwargs>(text).map(|kwargs| kwargs.0)
    }

    #[test]
    fn nulls_are_left_out_and_a_repeated_key_is_refused() {
        let found = kwargs(r#"{"n": 3, "word": null, "list": ["a", null]}"#).expect("valid");
        assert_eq!(Value::Object(found).to_string(), r#"{"n":3,"list":["a",null]}"#);
        assert!(kwargs("null").expect("valid").is_empty());
        for text in [r#"{"n": 1, "n": 1}"#, r#"{"n": null, "n": 1}"#, r#"{"n": 1, "\u006e": null}"#]
        {
            let error = kwargs(text).expect_err(text).to_string();
            assert!(error.starts_with("`n`: found twice"), "{error}");
        }
        assert!(kwargs("[]").is_err() && kwargs("3").is_err());
    }

    #[test]
    fn a_repeated_key_is_refused_in_an_object_and_in_its_text() {
        let object = r#"{"n": 3, "n": 4}"#;
        let text = serde_json::to_string(object).expect("JSON");
        for params in [object, &text] {
            let error = serde_json::from_str::<Params>(params).expect_err(params).to_string();
            assert!(error.starts_with("`n`: found twice, expected once at line 1"), "{error}");
        }
    }

    #[test]
    fn long_lists_and_texts_are_refused() {
        let list = |count: usize| format!("{{\"keywords\": {:?}}}", vec!["a"; count]);
        assert!(kwargs(&list(MOST_LISTED)).is_ok());
        let error = kwargs(&list(MOST_LISTED + 1)).expect_err("a long list").to_string();
        assert!(error.starts_with("`keywords`: found a list of more than 64 values"), "{error}");
        let text = |bytes: usize| format!("{{\"a\": {:?}}}", "x".repeat(bytes));
        assert!(kwargs(&text(MOST_TEXT - 1)).is_ok() && kwargs(&text(MOST_TEXT)).is_err());
        let params = |json: &str| serde_json::from_str::<Params>(json).map(|params| params.0);
        assert_eq!(params(r#"{"n": 3, "m": null}"#).expect("valid"), r#"{"n":3}"#);
        assert_eq!(params(r#""{\"n\": 3, \"m\": null}""#).expect("valid"), r#"{"n":3}"#);
        assert_eq!(params(r#""{""#).expect("left to the constraint"), "{");
        assert!(params(&format!("{:?}", "x".repeat(MOST_TEXT + 1))).is_err());
    }
}

//! Reads selected fields of a JSON object.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::{Map, Value};

/// The requested fields of an object, and the names of the others.
type Fields = (Map<String, Value>, Vec<String>);

/// Reads the fields with these names. In other fields, only the syntax is checked, so a number without a finite value
/// is not an error there.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted(pub(super) &'static [&'static str]);

impl Wanted {
    /// Reads an object.
    pub(super) fn read(self, text: &str) -> Result<Fields, serde_json::Error> {
        let mut deserializer = serde_json::Deserializer::from_str(text);
        let fields = self.deserialize(&mut deserializer)?;
        deserializer.end()?;
        Ok(fields)
    }
}

impl<'de> DeserializeSeed<'de> for Wanted {
    type Value = Fields;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Fields, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Wanted {
    type Value = Fields;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Fields, A::Error> {
        let (mut fields, mut unread) = (Map::new(), Vec::new());
        while let Some(name) = entries.next_key::<String>()? {
            if self.0.contains(&name.as_str()) {
                fields.insert(name, entries.next_value()?);
            } else {
                entries.next_value::<IgnoredAny>()?;
                unread.push(name);
            }
        }
        Ok((fields, unread))
    }
}

#[cfg(test)]
mod tests {
    use super::Wanted;

    #[test]
    fn other_fields_are_named_but_not_read() {
        let wanted = Wanted(&["prompt"]);
        let text = r#"{"score": 1e999, "prompt": [1], "deep": {"a": [1, {"b": -2e-999}]}} "#;
        let (fields, unread) = wanted.read(text).expect("an object");
        assert_eq!(fields["prompt"], serde_json::json!([1]));
        assert_eq!((fields.len(), unread), (1, vec!["score".to_owned(), "deep".to_owned()]));
        for text in [r#"{"score": 1"#, r#"{"score": }"#, "{} {}", "[]", r#"{"prompt": 1e999}"#] {
            assert!(wanted.read(text).is_err(), "{text}");
        }
    }
}

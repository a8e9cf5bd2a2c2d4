//! JSON values that keep repeated keys and the order of keys.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// A JSON value. Objects are lists, because judges repeat keys, which a map would collapse.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Json {
    Number(f64),
    Text(String),
    List(Vec<Json>),
    Object(Vec<(String, Json)>),
    /// `true`, `false` or `null`.
    Other,
}

impl Json {
    /// Parses the value at the start of a text and returns it with its length in bytes. Deep nesting is refused.
    pub(crate) fn first(text: &str) -> Option<(Self, usize)> {
        let mut values = serde_json::Deserializer::from_str(text).into_iter::<Self>();
        let value = values.next()?.ok()?;
        Some((value, values.byte_offset()))
    }

    /// The first value of a key.
    pub(crate) fn get(&self, key: &str) -> Option<&Self> {
        match self {
            Self::Object(pairs) => {
                pairs.iter().find(|(name, _)| name == key).map(|(_, value)| value)
            }
            Self::Number(_) | Self::Text(_) | Self::List(_) | Self::Other => None,
        }
    }

    /// Visits the values of lists and objects in order.
    pub(crate) fn leaves<'a>(&'a self, visit: &mut dyn FnMut(&'a Self)) {
        match self {
            Self::List(values) => values.iter().for_each(|value| value.leaves(visit)),
            Self::Object(pairs) => pairs.iter().for_each(|(_, value)| value.leaves(visit)),
            Self::Number(_) | Self::Text(_) | Self::Other => visit(self),
        }
    }

    /// The value of a JSON number, or of a string of digits with optional decimals.
    pub(crate) fn as_score(&self) -> Option<f64> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Text(text) => {
                let text = text.trim();
                let (whole, decimals) = text.split_once('.').unwrap_or((text, "0"));
                let digits =
                    |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
                (digits(whole) && digits(decimals)).then(|| text.parse().ok()).flatten()
            }
            Self::List(_) | Self::Object(_) | Self::Other => None,
        }
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(JsonVisitor)
    }
}

struct JsonVisitor;

impl<'de> Visitor<'de> for JsonVisitor {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Json, E> {
        Ok(Json::Other)
    }

    fn visit_unit<E: Error>(self) -> Result<Json, E> {
        Ok(Json::Other)
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Json, E> {
        Ok(Json::Number(number as f64))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Json, E> {
        Ok(Json::Number(number as f64))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Json, E> {
        Ok(Json::Number(number))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Json, E> {
        Ok(Json::Text(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Json, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = list.next_element()? {
            values.push(value);
        }
        Ok(Json::List(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Json, A::Error> {
        let mut pairs = Vec::new();
        while let Some(pair) = map.next_entry()? {
            pairs.push(pair);
        }
        Ok(Json::Object(pairs))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeated_keys_are_kept_in_order() {
        let (value, length) = Json::first(r#"{"b": 1, "a": "2", "b": true} rest"#).expect("JSON");
        assert_eq!(length, 29);
        let mut scores = Vec::new();
        value.leaves(&mut |leaf| scores.push(leaf.as_score()));
        assert_eq!(scores, [Some(1.0), Some(2.0), None]);
    }

    #[test]
    fn fractions_and_signs_are_no_scores() {
        for text in ["9/10", "", ".5", "5.", "-1", "十", "1e1", "NaN", "1.2.3"] {
            assert_eq!(Json::Text(text.into()).as_score(), None, "{text}");
        }
        assert_eq!(Json::Text(" 9.5 ".into()).as_score(), Some(9.5));
    }

    #[test]
    fn deep_nesting_is_refused() {
        assert!(Json::first(&"[".repeat(10_000)).is_none());
        assert!(Json::first(&("[".repeat(10_000) + &"]".repeat(10_000))).is_none());
        assert!(Json::first(&("[".repeat(100) + &"]".repeat(100))).is_some());
    }
}

//! JSON from outside: read within limits, and with the place of an error.
//!
//! serde reads the last of two equal keys. Here, a key that occurs twice is an error, at every level.

use std::fmt::{self, Write as _};

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// The most characters of a key in the place of an error.
const SHOWN: usize = 60;

/// How much JSON is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Levels of nesting. Texts of more than 127 levels are always refused.
    pub levels: usize,
    /// Values, keys not counted, of all texts that one [`Reader`] reads.
    pub values: usize,
    /// Values of a list in the arguments of a check ([`Reader::arguments`]).
    pub listed: usize,
    /// Bytes of all keys and strings in the arguments of a check ([`Reader::arguments`]).
    pub text: usize,
}

impl Limits {
    /// No limits.
    pub const NONE: Self =
        Self { levels: usize::MAX, values: usize::MAX, listed: usize::MAX, text: usize::MAX };
}

/// The reason why a value is refused, and its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The place, for instance `kwargs[3]["n"]`. Empty for a whole text without a name.
    pub place: String,
    /// What was found and expected.
    pub reason: String,
    /// Whether the value has the wrong type.
    pub is_type: bool,
}

impl Fault {
    /// A value of the wrong type.
    pub fn wrong_type(place: &str, found: &Value, expected: &str) -> Self {
        let reason = format!("found {}, expected {expected}", type_name(found));
        Self { place: place.to_owned(), reason, is_type: true }
    }

    /// A value that is not allowed.
    pub fn value(place: &str, reason: impl Into<String>) -> Self {
        Self { place: place.to_owned(), reason: reason.into(), is_type: false }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.place.is_empty() {
            write!(f, "`{}`: ", self.place)?;
        }
        f.write_str(&self.reason)
    }
}

impl std::error::Error for Fault {}

/// The type of a value with its article: "a list".
pub fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// The place of a value in an object.
pub fn key_of(place: &str, key: &str) -> String {
    let shown: String = key.chars().take(SHOWN).collect();
    let more = if shown.len() < key.len() { "…" } else { "" };
    format!("{place}[{shown:?}{more}]")
}

/// Reads JSON within limits.
#[derive(Debug)]
pub struct Reader {
    limits: Limits,
    values: usize,
    level: usize,
    place: String,
    fault: Option<Fault>,
}

impl Reader {
    /// Creates a reader. Its limit of values is that of all texts together.
    pub fn new(limits: Limits) -> Self {
        Self { limits, values: 0, level: 0, place: String::new(), fault: None }
    }

    /// Reads a text. `place` is its name in an error.
    ///
    /// # Errors
    /// Returns an error for a text that is not JSON, beyond a limit, or with a key that occurs twice.
    pub fn read(&mut self, text: &str, place: &str) -> Result<Value, Fault> {
        place.clone_into(&mut self.place);
        (self.level, self.fault) = (0, None);
        let mut json = serde_json::Deserializer::from_str(text);
        let read = Seed(self).deserialize(&mut json);
        let read = read.and_then(|value| json.end().map(|()| value));
        // An error leaves the place where it is.
        read.map_err(|error| match self.fault.take() {
            Some(fault) => fault,
            None => Fault::value(&self.place, error.to_string()),
        })
    }

    /// Checks the arguments of an instruction or constraint against the limits of lists and texts.
    ///
    /// # Errors
    /// Returns an error for the first list that is too long, and for texts that are too long together.
    pub fn arguments(&self, arguments: &Map<String, Value>, place: &str) -> Result<(), Fault> {
        let Limits { listed, text, .. } = self.limits;
        let mut bytes = 0_usize;
        for (key, value) in arguments {
            let Some(size) = size(value, listed) else {
                let reason = format!("found a list of more than {listed} values, expected fewer");
                return Err(Fault::value(&key_of(place, key), reason));
            };
            bytes = bytes.saturating_add(key.len()).saturating_add(size);
        }
        if bytes > text { Err(self.too_long(place)) } else { Ok(()) }
    }

    /// Checks the length of arguments that are a text.
    pub(crate) fn argument_text(&self, arguments: &str, place: &str) -> Result<(), Fault> {
        if arguments.len() > self.limits.text { Err(self.too_long(place)) } else { Ok(()) }
    }

    fn too_long(&self, place: &str) -> Fault {
        let most = self.limits.text;
        Fault::value(place, format!("found arguments of more than {most} bytes, expected fewer"))
    }

    /// Registers an error at the current place.
    fn refuse<E: Error>(&mut self, reason: String) -> E {
        self.fault = Some(Fault::value(&self.place, reason));
        E::custom("refused")
    }

    fn count<E: Error>(&mut self) -> Result<(), E> {
        self.values += 1;
        let most = self.limits.values;
        if self.values > most {
            return Err(self.refuse(format!("found more than {most} values, expected fewer")));
        }
        Ok(())
    }

    fn enter<E: Error>(&mut self) -> Result<(), E> {
        self.level += 1;
        let most = self.limits.levels;
        if self.level > most {
            let reason = format!("found more than {most} levels of nesting, expected fewer");
            return Err(self.refuse(reason));
        }
        Ok(())
    }
}

/// The bytes of the texts of a value; `None` if one of its lists is too long.
fn size(value: &Value, listed: usize) -> Option<usize> {
    match value {
        Value::String(text) => Some(text.len()),
        Value::Array(items) if items.len() > listed => None,
        Value::Array(items) => items.iter().map(|item| size(item, listed)).sum(),
        Value::Object(map) => {
            map.iter().map(|(key, value)| Some(key.len() + size(value, listed)?)).sum()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => Some(0),
    }
}

struct Seed<'r>(&'r mut Reader);

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        self.0.count()?;
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E: Error>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut parts: A) -> Result<Value, A::Error> {
        let Self(reader) = self;
        reader.enter()?;
        let (mut items, end) = (Vec::new(), reader.place.len());
        loop {
            let at = items.len();
            // Writing to a string does not fail.
            let _ = write!(reader.place, "[{at}]");
            let item = parts.next_element_seed(Seed(reader))?;
            reader.place.truncate(end);
            let Some(item) = item else { break };
            items.push(item);
        }
        reader.level -= 1;
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut parts: A) -> Result<Value, A::Error> {
        let Self(reader) = self;
        reader.enter()?;
        let (mut map, end) = (Map::new(), reader.place.len());
        while let Some(key) = parts.next_key::<String>()? {
            reader.place = key_of(&reader.place, &key);
            if map.contains_key(&key) {
                return Err(reader.refuse("found twice, expected once".to_owned()));
            }
            let value = parts.next_value_seed(Seed(reader))?;
            reader.place.truncate(end);
            map.insert(key, value);
        }
        reader.level -= 1;
        Ok(Value::Object(map))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FEW: Limits = Limits { levels: 3, values: 6, listed: 2, text: 8 };

    fn fault(text: &str, limits: Limits) -> String {
        Reader::new(limits).read(text, "a").expect_err(text).to_string()
    }

    #[test]
    fn values_are_those_of_serde() {
        for text in [
            "null",
            " -3",
            "18446744073709551615",
            "2.50",
            r#""\u00e9\n""#,
            r#"{"b":[1,{"a":null}],"a":"","":[[]]}"#,
        ] {
            let expected: Value = serde_json::from_str(text).expect(text);
            assert_eq!(Reader::new(Limits::NONE).read(text, ""), Ok(expected), "{text}");
        }
    }

    #[test]
    fn a_repeated_key_is_refused_at_every_level() {
        let twice = "found twice, expected once";
        for (text, place) in [
            (r#"{"n":1,"n":1}"#, r#"a["n"]"#),
            (r#"{"n":null,"\u006e":1}"#, r#"a["n"]"#),
            (r#"{"x":[0,{"y":{"n":1,"n":2}}]}"#, r#"a["x"][1]["y"]["n"]"#),
        ] {
            assert_eq!(fault(text, Limits::NONE), format!("`{place}`: {twice}"));
        }
        let text = r#"[{"n":1},{"n":1},{"m":{"n":1}}]"#;
        assert!(Reader::new(Limits::NONE).read(text, "").is_ok());
    }

    #[test]
    fn limits_and_syntax_errors_name_the_place() {
        let levels = "found more than 3 levels of nesting, expected fewer";
        assert_eq!(fault("[0,[[[]]]]", FEW), format!("`a[1][0][0]`: {levels}"));
        assert_eq!(fault("[[[[", FEW), format!("`a[0][0][0]`: {levels}"));
        assert_eq!(fault("[1,2,3,4,5,6]", FEW), "`a[5]`: found more than 6 values, expected fewer");
        assert!(
            fault(r#"{"n":[1,1e999]}"#, FEW).starts_with(r#"`a["n"][1]`: number out of range"#)
        );
        assert!(fault("{\"n\":", FEW).starts_with(r#"`a["n"]`: EOF"#));
        assert!(fault("1 2", FEW).starts_with("`a`: trailing characters"));
        assert!(fault(&"[".repeat(100_000), Limits::NONE).contains("recursion limit"));
        let mut reader = Reader::new(FEW);
        assert!(reader.read("[1,2]", "").is_ok() && reader.read("[1,2]", "").is_ok());
        assert!(reader.read("0", "").is_err(), "the values of all texts count");
    }

    #[test]
    fn arguments_have_short_lists_and_texts() {
        let arguments = |text: &str| {
            let Ok(Value::Object(map)) = serde_json::from_str(text) else { panic!("{text}") };
            Reader::new(FEW).arguments(&map, "a").map_err(|fault| fault.to_string())
        };
        assert_eq!(arguments(r#"{"k":["a","b"],"text":"c"}"#), Ok(()));
        let long = Err("`a`: found arguments of more than 8 bytes, expected fewer".to_owned());
        assert_eq!(arguments(r#"{"k":["a","b"],"text":"cd"}"#), long);
        let found = "found a list of more than 2 values, expected fewer";
        assert_eq!(arguments(r#"{"k":{"l":[1,2,3]}}"#), Err(format!("`a[\"k\"]`: {found}")));
    }
}

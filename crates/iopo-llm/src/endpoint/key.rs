//! The key of a request: the hash of its content.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::{LogProbResponse, Message, Request};

/// Version of the content. It changes when the meaning of a field changes.
const VERSION: u32 = 1;

/// The BLAKE3 hash of everything that an answer depends on.
///
/// It covers the model, the messages, the sampling settings, the schema, `extra_body`, `omit`, the sample and the attempt. It
/// does not cover the address, the API key, limits, prices or the role of the endpoint, so another server can continue a run.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RequestKey([u8; 32]);

impl RequestKey {
    /// Hashes canonical content.
    pub(crate) fn of(content: &str) -> Self {
        Self(*blake3::hash(content.as_bytes()).as_bytes())
    }

    /// Reads 64 hexadecimal digits.
    pub fn from_hex(text: &str) -> Option<Self> {
        let lower = text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        let hash = blake3::Hash::from_hex(text).ok().filter(|_| lower)?;
        Some(Self(*hash.as_bytes()))
    }

    /// Returns a 31-bit number of this key, for servers with small seeds.
    pub(crate) fn number(&self) -> u64 {
        let [a, b, c, d, ..] = self.0;
        u64::from(u32::from_le_bytes([a, b, c, d]) >> 1)
    }
}

impl fmt::Display for RequestKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&blake3::Hash::from_bytes(self.0).to_hex())
    }
}

impl fmt::Debug for RequestKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for RequestKey {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for RequestKey {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::from_hex(&text).ok_or_else(|| serde::de::Error::custom("expected 64 hex digits"))
    }
}

/// Returns the content of a chat request. `omit` names the fields that are left out of the body.
pub(crate) fn content(
    model: &str,
    extra_body: &Map<String, Value>,
    omit: Option<&[String]>,
    request: &Request,
) -> Value {
    let sampling = &request.sampling;
    let mut content = json!({
        "v": VERSION,
        "model": model,
        "messages": request.messages,
        "sampling": {
            "max_new_tokens": sampling.max_new_tokens,
            "temperature": decimal(sampling.temperature),
            "top_p": decimal(sampling.top_p),
            "top_k": sampling.top_k,
            "seed": sampling.seed,
        },
        "response_format": request.schema,
        "extra_body": extra_body,
        "sample": request.sample,
        "attempt": request.attempt,
    });
    // Most requests leave nothing out, and keep the key that they had before `omit` was part of it.
    let mut omit: Vec<&str> = omit.into_iter().flatten().map(String::as_str).collect();
    if !omit.is_empty() {
        omit.sort_unstable();
        omit.dedup();
        content["omit"] = json!(omit);
    }
    content
}

/// Returns the content of a request that scores a response.
pub(crate) fn score_content(
    model: &str,
    extra_body: &Map<String, Value>,
    prompt: &[Message],
    response: LogProbResponse<'_>,
) -> Value {
    json!({
        "v": VERSION,
        "score": { "text": response.text, "ended": response.ended },
        "model": model,
        "messages": prompt,
        "extra_body": extra_body,
    })
}

/// Returns the shortest decimal number that parses as `number`, so that 0.7 does not become 0.699999988.
pub(crate) fn decimal(number: f32) -> Value {
    serde_json::from_str(&number.to_string()).unwrap_or(Value::Null)
}

/// Writes JSON without white space and with sorted keys.
pub(crate) fn canonical(value: &Value) -> String {
    let mut out = String::new();
    write(value, &mut out);
    out
}

fn write(value: &Value, out: &mut String) {
    match value {
        Value::Array(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                write(item, out);
            }
            out.push(']');
        }
        Value::Object(map) => {
            let mut entries: Vec<(&String, &Value)> = map.iter().collect();
            entries.sort_unstable_by_key(|(name, _)| *name);
            out.push('{');
            for (at, (name, item)) in entries.into_iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                write(&Value::String(name.clone()), out);
                out.push(':');
                write(item, out);
            }
            out.push('}');
        }
        scalar => out.push_str(&scalar.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Map, json};

    use super::{RequestKey, canonical, content};
    use crate::{Message, Request, Sampling};

    fn key(model: &str, request: &Request) -> RequestKey {
        RequestKey::of(&canonical(&content(model, &Map::new(), None, request)))
    }

    #[test]
    fn canonical_json_does_not_depend_on_the_order_of_keys() {
        let text = canonical(&json!({ "b": [1, { "z": null, "a": "\n" }], "a": 0.5 }));
        assert_eq!(text, r#"{"a":0.5,"b":[1,{"a":"\n","z":null}]}"#);
        assert_eq!(text, canonical(&serde_json::from_str(&text).expect("JSON")));
    }

    #[test]
    fn every_part_of_the_content_changes_the_key() {
        let request =
            Request::new(vec![Message::user("hello")], Sampling::greedy(8).with_temperature(0.7));
        let same = key("m", &request);
        assert_eq!(same, key("m", &request.clone()));
        assert_eq!(RequestKey::from_hex(&same.to_string()), Some(same));
        let other = |sampling: Sampling| Request { sampling, ..request.clone() };
        let others = [
            key("n", &request),
            key("m", &request.clone().with_sample(1)),
            key("m", &request.clone().with_attempt(1)),
            key("m", &other(request.sampling.clone().with_seed(1))),
            key("m", &other(request.sampling.clone().with_top_p(0.9))),
            key("m", &Request::new(vec![Message::system("hello")], request.sampling.clone())),
        ];
        for (at, one) in others.iter().enumerate() {
            assert!(*one != same && !others[..at].contains(one), "{at}");
        }
        let text = canonical(&content("m", &Map::new(), None, &request));
        assert!(text.contains(r#""temperature":0.7,"#), "{text}");
    }

    #[test]
    fn fields_that_are_left_out_change_the_key() {
        let request = Request::new(vec![Message::user("hello")], Sampling::greedy(8));
        let key = |omit: Option<&[&str]>| {
            let omit: Option<Vec<String>> =
                omit.map(|omit| omit.iter().map(ToString::to_string).collect());
            RequestKey::of(&canonical(&content("m", &Map::new(), omit.as_deref(), &request)))
        };
        let [none, one] = [key(None), key(Some(&["top_p"]))];
        assert!(none != one && one != key(Some(&["top_p", "seed"])));
        // Their order and repetitions change nothing, and neither does an empty list.
        assert_eq!(key(Some(&["seed", "top_p", "seed"])), key(Some(&["top_p", "seed"])));
        assert_eq!(key(Some(&[])), none);
    }

    /// Stored answers stay valid only as long as this hash does.
    #[test]
    fn the_key_of_a_request_is_stable() {
        let request = Request::new(vec![Message::user("hello")], Sampling::greedy(8));
        assert_eq!(
            key("m", &request).to_string(),
            "30d9cc94c179de52ab044b28c9e8826b871800453ddc0433a8e4c0969194d50a"
        );
    }
}

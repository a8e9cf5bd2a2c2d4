//! The body of a request: settings and items.

use std::borrow::Cow;

use iopo_constraints::ifeval::Mode;
use iopo_core::python_json::{BOM, to_json};
use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::budget::{Budget, Held, Taken};
use crate::error::RequestError;
use crate::limits::Limits;
use crate::reply::start;
use crate::split::{Scanner, Span};

/// The settings of a request, with the names of the Python package.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Choices {
    pub(crate) mode: Mode,
    /// Whether loose verdicts count instead of strict ones.
    pub(crate) loose: bool,
    /// Whether the reward is all or nothing instead of a share.
    pub(crate) every: bool,
    /// Whether an instruction without a check has no verdict instead of being an error.
    pub(crate) skip_unsupported: bool,
}

/// A request whose syntax is valid. Items are read when they are checked.
#[derive(Debug)]
pub(crate) struct Batch {
    pub(crate) choices: Choices,
    pub(crate) items: Vec<Span>,
    text: String,
    _taken: Taken,
}

/// The memory of an item beside its text: its place in the body, and the place of its result.
const ITEM: usize = size_of::<Span>() + size_of::<Option<String>>();

impl Default for Choices {
    fn default() -> Self {
        Self { mode: Mode::Paper, loose: false, every: false, skip_unsupported: false }
    }
}

impl Batch {
    /// Reads a body. Accepts the JSON of Python, in which `NaN` is null and an unpaired surrogate is U+FFFD.
    ///
    /// Takes the memory of the items and of their results from the budget before the items are listed: a short body can have many.
    pub(crate) fn parse(
        body: Held<Vec<u8>>,
        limits: &Limits,
        budget: &Budget,
    ) -> Result<Self, RequestError> {
        let Held { value, mut taken } = body;
        let held = value.capacity();
        let mut text = String::from_utf8(value).map_err(|error| {
            let at = error.utf8_error().valid_up_to();
            RequestError::MalformedJson { reason: format!("byte {at} is not UTF-8") }
        })?;
        if text.starts_with(BOM) {
            text.drain(..BOM.len());
        }
        if let Cow::Owned(standard) = to_json(&text) {
            text = standard;
            budget.take(&mut taken, text.capacity().saturating_sub(held))?;
        }
        serde_json::from_str::<IgnoredAny>(&text)
            .map_err(|error| RequestError::MalformedJson { reason: error.to_string() })?;
        let hold = |count: usize| budget.take(&mut taken, count.saturating_mul(ITEM));
        let (choices, items) = read(&text, limits, hold)?;
        Ok(Self { choices, items, text, _taken: taken })
    }

    /// The text of an item.
    pub(crate) fn item(&self, span: &Span) -> &str {
        self.text.get(span.range.clone()).unwrap_or_default()
    }
}

/// Reads the keys of a body. A setting that is null has its default. `hold` takes memory for a number of items.
fn read(
    text: &str,
    limits: &Limits,
    mut hold: impl FnMut(usize) -> Result<(), RequestError>,
) -> Result<(Choices, Vec<Span>), RequestError> {
    const KEYS: [&str; 5] = ["items", "mode", "loose", "every", "skip_unsupported"];
    let (mut choices, mut listed) = (Choices::default(), None);
    let mut seen = [false; KEYS.len()];
    let mut scanner = Scanner::new(text, 0);
    if scanner.first() != Some(b'{') {
        return Err(invalid(format!("found {}, expected an object with `items`", start(text))));
    }
    let mut more = scanner.enter();
    while more {
        let key: String = serde_json::from_str(scanner.key()).unwrap_or_default();
        let value = scanner.value();
        let found = text.get(value.range.clone()).unwrap_or_default();
        let Some(at) = KEYS.iter().position(|name| *name == key) else {
            let expected = KEYS.join(", ");
            return Err(invalid(format!(
                "unknown key {}, expected one of {expected}",
                start(&key)
            )));
        };
        if std::mem::replace(&mut seen[at], true) {
            return Err(invalid(format!("`{key}`: found twice, expected once")));
        }
        let flag = || setting::<bool>(&key, found, "true or false").map(Option::unwrap_or_default);
        match key.as_str() {
            "items" => listed = Some(items(text, &value, limits, &mut hold)?),
            "mode" => {
                let mode = setting(&key, found, "\"paper\" or \"repaired\"")?;
                choices.mode = mode.unwrap_or(choices.mode);
            }
            "loose" => choices.loose = flag()?,
            "every" => choices.every = flag()?,
            _ => choices.skip_unsupported = flag()?,
        }
        more = scanner.next_part();
    }
    let listed = listed.ok_or_else(|| invalid("`items`: missing".to_owned()))?;
    Ok((choices, listed))
}

fn items(
    text: &str,
    value: &Span,
    limits: &Limits,
    hold: impl FnOnce(usize) -> Result<(), RequestError>,
) -> Result<Vec<Span>, RequestError> {
    let mut scanner = Scanner::new(text, value.range.start);
    if scanner.first() != Some(b'[') {
        let found = start(text.get(value.range.clone()).unwrap_or_default());
        return Err(invalid(format!("`items`: found {found}, expected a list")));
    }
    let (mut count, mut more) = (0, scanner.enter());
    while more {
        if count == limits.max_items {
            return Err(RequestError::TooManyItems { most: limits.max_items });
        }
        count += 1;
        scanner.value();
        more = scanner.next_part();
    }
    hold(count)?;
    let mut items = Vec::with_capacity(count);
    let mut scanner = Scanner::new(text, value.range.start);
    scanner.enter();
    for _ in 0..count {
        items.push(scanner.value());
        scanner.next_part();
    }
    Ok(items)
}

fn setting<'a, T: Deserialize<'a>>(
    name: &str,
    found: &'a str,
    expected: &str,
) -> Result<Option<T>, RequestError> {
    serde_json::from_str(found)
        .map_err(|_| invalid(format!("`{name}`: found {}, expected {expected}", shown(found))))
}

/// The start of a JSON value, as it is.
fn shown(json: &str) -> String {
    json.char_indices().nth(60).map_or(json.to_owned(), |(end, _)| format!("{}…", &json[..end]))
}

fn invalid(reason: String) -> RequestError {
    RequestError::InvalidRequest { reason }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &[u8]) -> Result<Batch, RequestError> {
        parse_within(&Budget::new(1 << 20), text, 3)
    }

    fn parse_within(budget: &Budget, text: &[u8], max_items: usize) -> Result<Batch, RequestError> {
        let body = Held { value: text.to_vec(), taken: Taken::default() };
        Batch::parse(body, &Limits { max_items, ..Limits::default() }, budget)
    }

    #[test]
    fn items_take_memory_before_they_are_listed() {
        let text = format!("{{\"items\": [{}0]}}", "0,".repeat(999));
        let budget = Budget::new(1000 * ITEM);
        let batch = parse_within(&budget, text.as_bytes(), 1000).expect("enough memory");
        assert_eq!((batch.items.len(), budget.free()), (1000, 0));
        drop(batch);
        assert_eq!(budget.free(), 1000 * ITEM);
        let error = parse_within(&Budget::new(1000 * ITEM - 1), text.as_bytes(), 1000);
        assert_eq!(error.expect_err("too little memory").name(), "Overloaded");
        // A body that is longer as standard JSON takes the difference.
        let text =
            format!("{{\"items\": [], \"mode\": null{}}}", " ".repeat(9)).replace("null", "NaN");
        let budget = Budget::new(1 << 20);
        let batch = parse_within(&budget, text.as_bytes(), 1).expect("enough memory");
        assert!(budget.free() < 1 << 20);
        drop(batch);
    }

    fn reason(text: &str) -> String {
        let error = parse(text.as_bytes()).expect_err(text);
        format!("{} {error}", error.status().as_u16())
    }

    #[test]
    fn settings_may_come_after_the_items_and_be_null() {
        let batch =
            parse(br#"{"items": [1, {"a": 2}], "every": true, "mode": null}"#).expect("valid");
        let texts: Vec<_> = batch.items.iter().map(|span| batch.item(span)).collect();
        assert_eq!(texts, ["1", r#"{"a": 2}"#]);
        let expected =
            Choices { mode: Mode::Paper, loose: false, every: true, skip_unsupported: false };
        assert_eq!(batch.choices, expected);
        let repaired = parse(br#"{"mode": "repaired", "items": []}"#).expect("valid");
        assert_eq!((repaired.choices.mode, repaired.items.len()), (Mode::Repaired, 0));
    }

    #[test]
    fn the_json_of_python_is_read() {
        let batch = parse(b"\xef\xbb\xbf{\"items\": [NaN, \"\\ud83d\"]}").expect("valid");
        let texts: Vec<_> = batch.items.iter().map(|span| batch.item(span)).collect();
        assert_eq!(texts, ["null", "\"\\ufffd\""]);
    }

    #[test]
    fn other_bodies_are_refused_by_what_is_wrong() {
        for (text, expected) in [
            ("", "400 malformed JSON: EOF while parsing a value"),
            ("{\"items\": [1,]}", "400 malformed JSON: "),
            ("{\"items\": []} x", "400 malformed JSON: trailing characters"),
            ("[]", "422 found \"[]\", expected an object with `items`"),
            ("{}", "422 `items`: missing"),
            ("{\"items\": {}}", "422 `items`: found \"{}\", expected a list"),
            ("{\"items\": [1, 2, 3, 4]}", "413 found more than 3 items"),
            ("{\"items\": [], \"items\": []}", "422 `items`: found twice, expected once"),
            ("{\"items\": [], \"mode\": \"x\"}", "422 `mode`: found \"x\", expected \"paper\" or"),
            ("{\"items\": [], \"loose\": 1}", "422 `loose`: found 1, expected true or false"),
            ("{\"item\": []}", "422 unknown key \"item\", expected one of items, mode,"),
        ] {
            assert!(reason(text).starts_with(expected), "{text}: {}", reason(text));
        }
        let error = parse(b"{\"items\": [\"\xff\"]}").expect_err("not UTF-8").to_string();
        assert_eq!(error, "malformed JSON: byte 12 is not UTF-8");
    }

    #[test]
    fn deep_nesting_is_read_without_a_stack() {
        let text = format!("{{\"items\": [{}{}]}}", "[".repeat(500_000), "]".repeat(500_000));
        assert_eq!(parse(text.as_bytes()).expect("valid").items[0].levels, 500_000);
    }
}

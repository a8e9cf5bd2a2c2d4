//! The filter `tojson` of `transformers`: Python's `json.dumps` with four of its arguments.

use std::fmt::Write as _;

use crate::args::{Args, flag, given};
use crate::budget;
use crate::error::{Error, Result};
use crate::operators::check_size;
use crate::value::number::float_repr;
use crate::value::{Dict, Value, compare, iterate};

/// The layout of JSON.
struct Layout {
    /// The text of one level; `None` writes one line.
    indent: Option<String>,
    item_separator: String,
    key_separator: String,
    ascii: bool,
    sorted: bool,
}

/// Formats a value as `json.dumps(value, ensure_ascii=False, indent=None, separators=None, sort_keys=False)`.
pub(crate) fn to_json(value: &Value, args: Args) -> Result<Value> {
    let [ascii, indent, separators, sorted] =
        args.bind("tojson", ["ensure_ascii", "indent", "separators", "sort_keys"])?;
    let indent = match given(indent) {
        None => None,
        Some(Value::Str(text)) => Some(text.text.to_string()),
        Some(count) => {
            let count = usize::try_from(count.index()?.max(0)).unwrap_or(usize::MAX);
            check_size(count)?;
            Some(" ".repeat(count))
        }
    };
    let (item_separator, key_separator) = match given(separators) {
        Some(separators) => {
            let Ok([item, key]) = <[Value; 2]>::try_from(iterate::items(&separators)?) else {
                return Err(Error::value("separators must be a pair of texts"));
            };
            (item.text("tojson")?.to_owned(), key.text("tojson")?.to_owned())
        }
        None if indent.is_some() => (",".to_owned(), ": ".to_owned()),
        None => (", ".to_owned(), ": ".to_owned()),
    };
    let layout = Layout {
        indent,
        item_separator,
        key_separator,
        ascii: flag(ascii.as_ref()),
        sorted: flag(sorted.as_ref()),
    };
    let mut out = String::new();
    layout.write(&mut out, value, 0)?;
    Ok(Value::str(out))
}

impl Layout {
    fn write(&self, out: &mut String, value: &Value, depth: usize) -> Result<()> {
        budget::charge(value.weight() / 1024)?;
        budget::work(1)?;
        match value {
            Value::None => out.push_str("null"),
            Value::Bool(true) => out.push_str("true"),
            Value::Bool(false) => out.push_str("false"),
            Value::Int(number) => out.push_str(&number.to_string()),
            Value::Float(number) => out.push_str(&float(*number)),
            Value::Str(text) => self.string(out, text.as_str()),
            Value::List(items) | Value::Tuple(items) => self.array(out, items, depth)?,
            Value::Dict(dict) => self.object(out, dict, depth)?,
            Value::Object(_) if crate::operators::is_group(value) => {
                self.array(out, &iterate::items(value)?, depth)?;
            }
            Value::Undefined(_) | Value::Bytes(_) | Value::Object(_) => {
                let of = value.type_name();
                return Err(Error::of_type(format!(
                    "Object of type {of} is not JSON serializable"
                )));
            }
        }
        check_size(out.len())
    }

    fn array(&self, out: &mut String, items: &[Value], depth: usize) -> Result<()> {
        if items.is_empty() {
            out.push_str("[]");
            return Ok(());
        }
        out.push('[');
        for (index, item) in items.iter().enumerate() {
            self.begin(out, index, depth + 1)?;
            self.write(out, item, depth + 1)?;
        }
        self.line(out, depth)?;
        out.push(']');
        Ok(())
    }

    fn object(&self, out: &mut String, dict: &Dict, depth: usize) -> Result<()> {
        if dict.is_empty() {
            out.push_str("{}");
            return Ok(());
        }
        let mut pairs: Vec<(Value, &Value)> =
            dict.iter().map(|(key, value)| (key.clone(), value)).collect();
        if self.sorted {
            pairs = compare::sorted(pairs, false)?;
        }
        out.push('{');
        for (index, (key, value)) in pairs.into_iter().enumerate() {
            self.begin(out, index, depth + 1)?;
            match &key {
                Value::Str(text) => self.string(out, text.as_str()),
                Value::None | Value::Bool(_) | Value::Int(_) | Value::Float(_) => {
                    out.push('"');
                    self.write(out, &key, depth + 1)?;
                    out.push('"');
                }
                _ => {
                    let of = key.type_name();
                    return Err(Error::of_type(format!(
                        "keys must be str, int, float, bool or None, not {of}"
                    )));
                }
            }
            out.push_str(&self.key_separator);
            self.write(out, value, depth + 1)?;
        }
        self.line(out, depth)?;
        out.push('}');
        Ok(())
    }

    /// Begins an item.
    fn begin(&self, out: &mut String, index: usize, depth: usize) -> Result<()> {
        if index > 0 {
            check_size(out.len().saturating_add(self.item_separator.len()))?;
            out.push_str(&self.item_separator);
        }
        self.line(out, depth)
    }

    /// Begins an indented line, if the layout has lines.
    fn line(&self, out: &mut String, depth: usize) -> Result<()> {
        if let Some(indent) = &self.indent {
            check_size(out.len().saturating_add(indent.len().saturating_mul(depth)))?;
            out.push('\n');
            out.push_str(&indent.repeat(depth));
        }
        Ok(())
    }

    fn string(&self, out: &mut String, text: &str) {
        out.push('"');
        for c in text.chars() {
            match c {
                '"' => out.push_str("\\\""),
                '\\' => out.push_str("\\\\"),
                '\n' => out.push_str("\\n"),
                '\r' => out.push_str("\\r"),
                '\t' => out.push_str("\\t"),
                '\u{8}' => out.push_str("\\b"),
                '\u{c}' => out.push_str("\\f"),
                c if c < ' ' || (self.ascii && !matches!(c, ' '..='~')) => {
                    for unit in c.encode_utf16(&mut [0; 2]) {
                        let _ = write!(out, "\\u{unit:04x}");
                    }
                }
                c => out.push(c),
            }
        }
        out.push('"');
    }
}

/// A float as Python writes it in JSON.
fn float(number: f64) -> String {
    if number.is_nan() {
        "NaN".to_owned()
    } else if number.is_infinite() {
        let text = if number > 0.0 { "Infinity" } else { "-Infinity" };
        text.to_owned()
    } else {
        float_repr(number)
    }
}

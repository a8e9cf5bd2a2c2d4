//! The filter `tojson` as `transformers` defines it: Python's `json.dumps` with the same arguments and defaults.

use std::fmt::Write as _;

use minijinja::value::{Kwargs, Value, ValueKind};
use minijinja::{Error, ErrorKind};
use serde_json::Value as Json;

/// Largest indentation.
const MAX_INDENT: usize = 16;
/// Largest separator in bytes.
const MAX_SEPARATOR: usize = 16;

/// Formats JSON as Python's `json.dumps(value, ensure_ascii=False, indent=None, separators=None, sort_keys=False)`.
#[expect(clippy::needless_pass_by_value, reason = "filters take their arguments by value")]
pub(super) fn to_json(value: &Value, kwargs: Kwargs) -> Result<String, Error> {
    let layout = Layout::of(&kwargs)?;
    kwargs.assert_all_used()?;
    let json = serde_json::to_value(value).map_err(|error| {
        Error::new(ErrorKind::InvalidOperation, "failed to write JSON").with_source(error)
    })?;
    let mut out = String::new();
    layout.write(&mut out, &json, 0);
    Ok(out)
}

/// The layout of the text.
struct Layout {
    /// Spaces per level; `None` writes one line.
    indent: Option<usize>,
    /// The text between two items.
    item: String,
    /// The text between a key and its value.
    key: String,
    /// Whether other characters than ASCII are escaped.
    ascii: bool,
    /// Whether objects are sorted by key.
    sorted: bool,
}

impl Layout {
    fn of(kwargs: &Kwargs) -> Result<Self, Error> {
        let indent: Option<usize> = kwargs.get("indent")?;
        let indent = indent.map(|indent| indent.min(MAX_INDENT));
        let separators: Option<Value> = kwargs.get("separators")?;
        let (item, key) = match separators.filter(|value| !value.is_none()) {
            Some(separators) => pair(&separators)?,
            None if indent.is_some() => (",".to_owned(), ": ".to_owned()),
            None => (", ".to_owned(), ": ".to_owned()),
        };
        let flag = |name| Ok::<_, Error>(kwargs.get::<Option<bool>>(name)?.unwrap_or(false));
        Ok(Self { indent, item, key, ascii: flag("ensure_ascii")?, sorted: flag("sort_keys")? })
    }

    /// Writes JSON. The template's memory limit bounds the value's size, `serde_json` its depth.
    fn write(&self, out: &mut String, json: &Json, depth: usize) {
        match json {
            Json::Array(list) if !list.is_empty() => {
                out.push('[');
                for (index, item) in list.iter().enumerate() {
                    self.begin(out, index == 0, depth + 1);
                    self.write(out, item, depth + 1);
                }
                self.line(out, depth);
                out.push(']');
            }
            Json::Object(map) if !map.is_empty() => {
                let mut fields: Vec<(&String, &Json)> = map.iter().collect();
                if self.sorted {
                    fields.sort_by_key(|(key, _)| *key);
                }
                out.push('{');
                for (index, (key, item)) in fields.into_iter().enumerate() {
                    self.begin(out, index == 0, depth + 1);
                    self.plain(out, &Json::from(key.as_str()));
                    out.push_str(&self.key);
                    self.write(out, item, depth + 1);
                }
                self.line(out, depth);
                out.push('}');
            }
            plain => self.plain(out, plain),
        }
    }

    /// Begins an item.
    fn begin(&self, out: &mut String, first: bool, depth: usize) {
        if !first {
            out.push_str(&self.item);
        }
        self.line(out, depth);
    }

    /// Begins an indented line, if the text has several.
    fn line(&self, out: &mut String, depth: usize) {
        if let Some(width) = self.indent {
            out.push('\n');
            out.extend(std::iter::repeat_n(' ', width * depth));
        }
    }

    /// Writes a value without items.
    fn plain(&self, out: &mut String, json: &Json) {
        let text = json.to_string();
        if !self.ascii {
            out.push_str(&text);
            return;
        }
        for letter in text.chars() {
            // Python also escapes DEL.
            if letter.is_ascii() && letter != '\u{7f}' {
                out.push(letter);
                continue;
            }
            for unit in letter.encode_utf16(&mut [0; 2]) {
                // A string takes all that is written into it.
                let _ = write!(out, "\\u{unit:04x}");
            }
        }
    }
}

/// Returns the two texts of `separators`.
fn pair(separators: &Value) -> Result<(String, String), Error> {
    let refused = || {
        let expected = format!(
            "`separators` of `tojson`: expected two strings of at most {MAX_SEPARATOR} bytes"
        );
        Error::new(ErrorKind::InvalidOperation, expected)
    };
    if separators.kind() != ValueKind::Seq || separators.len() != Some(2) {
        return Err(refused());
    }
    let texts: Vec<String> = separators
        .try_iter()?
        .filter_map(|value| value.as_str().map(str::to_owned))
        .filter(|text| text.len() <= MAX_SEPARATOR)
        .collect();
    <[String; 2]>::try_from(texts).map(|[item, key]| (item, key)).map_err(|_| refused())
}

#[cfg(test)]
mod tests {
    use crate::{ChatTemplate, ModelError};

    fn render(source: &str) -> Result<String, ModelError> {
        ChatTemplate::new(source, None, None)?.render(&[], true)
    }

    /// The expected texts are those of Python's `json.dumps`.
    #[test]
    fn json_matches_python() {
        let value = "{'b': [1, '<é>'], 'a': {}, 'c': '😀\\x7f'}".replace("\\x7f", "\u{7f}");
        for (arguments, want) in [
            ("", r#"{"a": {}, "b": [1, "<é>"], "c": "😀DEL"}"#),
            ("(sort_keys=true)", r#"{"a": {}, "b": [1, "<é>"], "c": "😀DEL"}"#),
            (
                "(ensure_ascii=true, sort_keys=true)",
                r#"{"a": {}, "b": [1, "<\u00e9>"], "c": "\ud83d\ude00\u007f"}"#,
            ),
            ("(separators=(',', ':'), sort_keys=true)", r#"{"a":{},"b":[1,"<é>"],"c":"😀DEL"}"#),
            (
                "(indent=2, sort_keys=true)",
                "{\n  \"a\": {},\n  \"b\": [\n    1,\n    \"<é>\"\n  ],\n  \"c\": \"😀DEL\"\n}",
            ),
            (
                "(indent=1, separators=('; ', '='), sort_keys=true)",
                "{\n \"a\"={}; \n \"b\"=[\n  1; \n  \"<é>\"\n ]; \n \"c\"=\"😀DEL\"\n}",
            ),
            (
                "(ensure_ascii=false, indent=none, separators=none, sort_keys=false)",
                r#"{"a": {}, "b": [1, "<é>"], "c": "😀DEL"}"#,
            ),
        ] {
            let text = render(&format!("{{{{ {value} | tojson{arguments} }}}}"));
            assert_eq!(text.expect(arguments), want.replace("DEL", "\u{7f}"), "{arguments}");
        }
    }

    #[test]
    fn an_unusable_argument_is_an_error() {
        for arguments in [
            "separators=','",
            "separators=(',',)",
            "separators=(1, 2)",
            "separators=(',' * 99, '')",
            "default=1",
        ] {
            assert!(
                render(&format!("{{{{ [1] | tojson({arguments}) }}}}")).is_err(),
                "{arguments}"
            );
        }
    }
}

//! Python's `str` and `repr`.

use std::fmt::Write as _;

use super::number::float_repr;
use super::object::{Object, View};
use super::shape::{MAX_DEPTH, too_deep};
use super::{Text, Value};
use crate::budget;
use crate::globals::Function;
use crate::operators::check_size;
use crate::unicode::is_printable;

/// Python's `str(value)`.
pub(crate) fn to_str(value: &Value) -> String {
    match value {
        Value::Undefined(_) => String::new(),
        Value::Str(text) => text.text.to_string(),
        _ => repr(value),
    }
}

/// Python's `str(value)` as a string value, which keeps the mark of safe HTML.
pub(crate) fn to_text(value: &Value) -> Text {
    match value {
        Value::Str(text) => text.clone(),
        _ => Text { text: to_str(value).into(), safe: false },
    }
}

/// Python's `repr(value)`. Costs a unit for each value and for 4 bytes of text.
pub(crate) fn repr(value: &Value) -> String {
    let mut out = String::new();
    write(&mut out, value, 0);
    out
}

/// Writes a value. Returns false if it has to stop, which makes the statement fail.
fn write(out: &mut String, value: &Value, depth: u16) -> bool {
    // Namespaces can chain values that are each nested to the maximum depth.
    if depth > MAX_DEPTH {
        budget::refuse(too_deep());
        return false;
    }
    if let Err(error) = check_size(out.len()) {
        budget::refuse(error);
        return false;
    }
    let text = if matches!(value, Value::Str(_) | Value::Bytes(_)) { value.weight() } else { 0 };
    if !budget::spend(1 + text / 4) {
        return false;
    }
    match value {
        Value::Undefined(_) => out.push_str("Undefined"),
        Value::None => out.push_str("None"),
        Value::Bool(true) => out.push_str("True"),
        Value::Bool(false) => out.push_str("False"),
        Value::Int(number) => out.push_str(&number.to_string()),
        Value::Float(number) => out.push_str(&float_repr(*number)),
        Value::Str(text) if text.safe => {
            out.push_str("Markup(");
            quote(out, text.as_str());
            out.push(')');
        }
        Value::Str(text) => quote(out, text.as_str()),
        Value::Bytes(bytes) => quote_bytes(out, bytes),
        Value::List(items) => return sequence(out, ("[", "]"), items, depth),
        Value::Tuple(items) if items.len() == 1 => return sequence(out, ("(", ",)"), items, depth),
        Value::Tuple(items) => return sequence(out, ("(", ")"), items, depth),
        Value::Dict(dict) => return mapping(out, dict, depth),
        Value::Object(object) => return self::object(out, object, depth),
    }
    true
}

fn mapping(out: &mut String, dict: &super::Dict, depth: u16) -> bool {
    out.push('{');
    for (index, (key, value)) in dict.iter().enumerate() {
        if index > 0 {
            out.push_str(", ");
        }
        if !write(out, key, depth + 1) {
            return false;
        }
        out.push_str(": ");
        if !write(out, value, depth + 1) {
            return false;
        }
    }
    out.push('}');
    true
}

fn sequence(out: &mut String, (open, close): (&str, &str), items: &[Value], depth: u16) -> bool {
    out.push_str(open);
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            out.push_str(", ");
        }
        if !write(out, item, depth + 1) {
            return false;
        }
    }
    out.push_str(close);
    true
}

fn object(out: &mut String, object: &Object, depth: u16) -> bool {
    match object {
        Object::View(dict, view) => {
            let name = object.type_name();
            out.push_str(name);
            let items = match view {
                View::Keys => dict.keys().cloned().collect(),
                View::Values => dict.iter().map(|(_, value)| value.clone()).collect(),
                View::Items => dict
                    .iter()
                    .map(|(key, value)| Value::tuple(vec![key.clone(), value.clone()]))
                    .collect::<Vec<_>>(),
            };
            return sequence(out, ("([", "])"), &items, depth);
        }
        Object::Range(range) if range.step == 1 => {
            let _ = write!(out, "range({}, {})", range.start, range.stop);
        }
        Object::Range(range) => {
            let _ = write!(out, "range({}, {}, {})", range.start, range.stop, range.step);
        }
        Object::Group(key, list) => {
            return sequence(out, ("(", ")"), &[key.clone(), list.clone()], depth);
        }
        Object::Namespace(namespace) => {
            out.push_str("<Namespace ");
            if !mapping(out, &namespace.attributes.borrow(), depth) {
                return false;
            }
            out.push('>');
        }
        Object::Macro(closure) => match &closure.code.name {
            Some(name) => {
                let _ = write!(out, "<Macro '{name}'>");
            }
            None => out.push_str("<Macro anonymous>"),
        },
        Object::Loop(one) => {
            let state = one.state.borrow();
            let length = state.length.unwrap_or(state.index0 + 1);
            let _ = write!(out, "<LoopContext {}/{length}>", state.index0 + 1);
        }
        // Python adds an address, on which no template can depend.
        Object::Method { of, name } => {
            let _ = write!(out, "<built-in method {name} of {} object>", of.type_name());
        }
        Object::Function(Function::Dict) => out.push_str("<TemplateDict object>"),
        Object::Function(Function::Cycler) => out.push_str("<class 'jinja2.utils.Cycler'>"),
        Object::Function(Function::Joiner) => out.push_str("<class 'jinja2.utils.Joiner'>"),
        Object::Function(function) => {
            let _ = write!(out, "<function {}>", function.name());
        }
        Object::Iter(_)
        | Object::Cycler { .. }
        | Object::Joiner { .. }
        | Object::Blocks
        | Object::Block(_) => {
            let _ = write!(out, "<{} object>", object.type_name());
        }
    }
    true
}

/// Writes a string literal as Python's `repr` does.
pub(crate) fn quote(out: &mut String, text: &str) {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    out.push(quote);
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c == quote => {
                out.push('\\');
                out.push(c);
            }
            c if is_printable(c) => out.push(c),
            c => escape(out, c),
        }
    }
    out.push(quote);
}

/// Writes a character as `\x`, `\u` or `\U` with its code.
pub(crate) fn escape(out: &mut String, c: char) {
    let code = c as u32;
    let escape = match code {
        0..=0xff => format!("\\x{code:02x}"),
        0x100..=0xffff => format!("\\u{code:04x}"),
        _ => format!("\\U{code:08x}"),
    };
    out.push_str(&escape);
}

fn quote_bytes(out: &mut String, bytes: &[u8]) {
    let quote = if bytes.contains(&b'\'') && !bytes.contains(&b'"') { '"' } else { '\'' };
    out.push('b');
    out.push(quote);
    for byte in bytes {
        match byte {
            b'\\' => out.push_str("\\\\"),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            byte if char::from(*byte) == quote => {
                out.push('\\');
                out.push(quote);
            }
            0x20..=0x7e => out.push(char::from(*byte)),
            byte => {
                let _ = write!(out, "\\x{byte:02x}");
            }
        }
    }
    out.push(quote);
}

/// Python's `ascii(value)`.
pub(crate) fn ascii(value: &Value) -> String {
    let mut out = String::new();
    for c in repr(value).chars() {
        if c.is_ascii() {
            out.push(c);
        } else {
            escape(&mut out, c);
        }
    }
    out
}

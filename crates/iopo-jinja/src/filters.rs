//! The filters of Jinja 3.1, with the `tojson` of `transformers`.

pub(crate) mod html;
mod number;
mod order;
mod pretty;
mod select;
mod sequence;
mod text;
mod urlize;
mod wrap;

use crate::args::{Args, flag, required};
use crate::budget;
use crate::error::{Error, ErrorKind, Result};
use crate::json;
use crate::machine::Machine;
use crate::value::{Object, Value, repr, short};

/// The names of all filters.
pub(crate) const NAMES: [&str; 54] = [
    "abs",
    "attr",
    "batch",
    "capitalize",
    "center",
    "count",
    "d",
    "default",
    "dictsort",
    "e",
    "escape",
    "filesizeformat",
    "first",
    "float",
    "forceescape",
    "format",
    "groupby",
    "indent",
    "int",
    "items",
    "join",
    "last",
    "length",
    "list",
    "lower",
    "map",
    "max",
    "min",
    "pprint",
    "random",
    "reject",
    "rejectattr",
    "replace",
    "reverse",
    "round",
    "safe",
    "select",
    "selectattr",
    "slice",
    "sort",
    "string",
    "striptags",
    "sum",
    "title",
    "tojson",
    "trim",
    "truncate",
    "unique",
    "upper",
    "urlencode",
    "urlize",
    "wordcount",
    "wordwrap",
    "xmlattr",
];

/// Applies a filter.
pub(crate) fn apply(machine: &Machine<'_>, name: &str, value: &Value, args: Args) -> Result<Value> {
    match name {
        "attr" => {
            let [attribute] = args.bind(name, ["name"])?;
            let attribute = required(attribute, name, "name")?;
            let attribute = attribute.text(name)?;
            if let Value::Undefined(missing) = value {
                return Err(missing.error());
            }
            let found = machine.own_attribute(value, attribute)?;
            Ok(found.unwrap_or_else(|| {
                let of = value.type_name();
                Value::undefined(format!("'{of} object' has no attribute '{}'", short(attribute)))
            }))
        }
        "default" | "d" => {
            let [default, boolean] = args.bind(name, ["default_value", "boolean"])?;
            let replaced = value.is_undefined() || (flag(boolean.as_ref()) && !value.truthy());
            let default = || default.unwrap_or_else(|| Value::str(""));
            Ok(if replaced { default() } else { value.clone() })
        }
        "length" | "count" => {
            args.none(name)?;
            length(machine, value)
        }
        "pprint" => {
            args.none(name)?;
            Ok(Value::str(pretty::print(value)))
        }
        "tojson" => json::to_json(value, args),
        "string" => {
            args.none(name)?;
            Ok(Value::Str(repr::to_text(value)))
        }
        "map" | "select" | "reject" | "selectattr" | "rejectattr" => {
            select::apply(machine, name, value, args)
        }
        "sort" | "unique" | "min" | "max" | "groupby" | "dictsort" => {
            order::apply(machine, name, value, args)
        }
        "abs" | "int" | "float" | "round" | "filesizeformat" => number::apply(name, value, args),
        "batch" | "slice" | "first" | "last" | "random" | "join" | "list" | "items" | "reverse"
        | "sum" => sequence::apply(machine, name, value, args),
        "e" | "escape" | "forceescape" | "safe" | "striptags" | "xmlattr" => {
            html::apply(name, value, args)
        }
        "urlize" => urlize::apply(value, args),
        "wordwrap" => wrap::apply(value, args),
        _ if NAMES.contains(&name) => text::apply(name, value, args),
        _ => {
            let reason = format!("no filter named '{name}'");
            Err(Error::new(ErrorKind::Unsupported, reason))
        }
    }
}

/// Python's `len`.
fn length(machine: &Machine<'_>, value: &Value) -> Result<Value> {
    if let Value::Object(object) = value
        && let Object::Loop(one) = &**object
    {
        return Ok(Value::Int(machine.loop_length(one)? as i128));
    }
    let len = value.len().ok_or_else(|| {
        let of = value.type_name();
        Error::of_type(format!("object of type '{of}' has no len()"))
    })?;
    Ok(Value::Int(len as i128))
}

/// Looks up the parts of an attribute such as `a.0.b`, one after another.
pub(crate) fn path(
    machine: &Machine<'_>,
    item: &Value,
    attribute: Option<&Value>,
) -> Result<Value> {
    let mut item = item.clone();
    let parts = parts(attribute);
    budget::charge(parts.len())?;
    for part in parts {
        item = machine.item(&item, &part)?;
    }
    Ok(item)
}

/// The parts of an attribute: names, and numbers where a part has only digits.
fn parts(attribute: Option<&Value>) -> Vec<Value> {
    match attribute {
        None | Some(Value::None) => Vec::new(),
        Some(Value::Str(text)) => {
            let part = |part: &str| match part.parse::<i128>() {
                Ok(index) if part.bytes().all(|byte| byte.is_ascii_digit()) => Value::Int(index),
                _ => Value::str(part),
            };
            text.text.split('.').map(part).collect()
        }
        Some(other) => vec![other.clone()],
    }
}

/// Lowers a string, for comparisons without case.
pub(crate) fn ignoring_case(value: Value, case_sensitive: bool) -> Value {
    match &value {
        Value::Str(text) if !case_sensitive => Value::str(text.text.to_lowercase()),
        _ => value,
    }
}

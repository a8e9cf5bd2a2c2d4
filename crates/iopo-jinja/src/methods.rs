//! The methods of Python's types that the sandbox allows.

mod case;
mod collections;
mod search;
mod split;
mod text;

use crate::args::Args;
use crate::error::{Error, Result};
use crate::machine::{Machine, loop_method};
use crate::value::{Object, Value};

const STR: &[&str] = &[
    "capitalize",
    "casefold",
    "center",
    "count",
    "encode",
    "endswith",
    "expandtabs",
    "find",
    "format",
    "format_map",
    "index",
    "isalnum",
    "isalpha",
    "isascii",
    "isdecimal",
    "isdigit",
    "isidentifier",
    "islower",
    "isnumeric",
    "isprintable",
    "isspace",
    "istitle",
    "isupper",
    "join",
    "ljust",
    "lower",
    "lstrip",
    "maketrans",
    "partition",
    "removeprefix",
    "removesuffix",
    "replace",
    "rfind",
    "rindex",
    "rjust",
    "rpartition",
    "rsplit",
    "rstrip",
    "split",
    "splitlines",
    "startswith",
    "strip",
    "swapcase",
    "title",
    "translate",
    "upper",
    "zfill",
];
const LIST: &[&str] = &["copy", "count", "index"];
const TUPLE: &[&str] = &["count", "index"];
const DICT: &[&str] = &["copy", "fromkeys", "get", "items", "keys", "values"];
const INT: &[&str] = &["bit_count", "bit_length", "conjugate", "is_integer"];
const FLOAT: &[&str] = &["conjugate", "is_integer"];
const BYTES: &[&str] = &["decode", "hex"];
const CHANGES_LIST: &[&str] =
    &["append", "clear", "extend", "insert", "pop", "remove", "reverse", "sort"];
const CHANGES_DICT: &[&str] = &["clear", "pop", "popitem", "setdefault", "update"];

/// The names of a value's methods.
pub(crate) fn names(value: &Value) -> &'static [&'static str] {
    match value {
        Value::Str(_) => STR,
        Value::Bytes(_) => BYTES,
        Value::Bool(_) | Value::Int(_) => INT,
        Value::Float(_) => FLOAT,
        Value::List(_) => LIST,
        Value::Tuple(_) => TUPLE,
        Value::Dict(_) => DICT,
        Value::Object(object) => match &**object {
            Object::Range(_) | Object::Group(..) => TUPLE,
            Object::Cycler { .. } => &["next", "reset"],
            Object::Loop(_) => &["changed", "cycle"],
            _ => &[],
        },
        Value::Undefined(_) | Value::None => &[],
    }
}

/// Whether a method would change the value, which the sandbox refuses.
pub(crate) fn changes(value: &Value, name: &str) -> bool {
    match value {
        Value::List(_) => CHANGES_LIST.contains(&name),
        Value::Dict(_) => CHANGES_DICT.contains(&name),
        _ => false,
    }
}

/// Calls a method.
pub(crate) fn call(machine: &Machine<'_>, of: &Value, name: &str, args: Args) -> Result<Value> {
    match of {
        Value::Str(own) => text::call(machine, own, name, args),
        Value::Bytes(bytes) => text::call_bytes(bytes, name, args),
        Value::Bool(_) | Value::Int(_) | Value::Float(_) => number(of, name, args),
        Value::Object(object) => match &**object {
            Object::Cycler { items, at } => {
                args.none(name)?;
                if name == "reset" {
                    at.set(0);
                    return Ok(Value::None);
                }
                let current = at.get();
                at.set((current + 1) % items.len());
                Ok(items[current].clone())
            }
            Object::Loop(_) => loop_method(object, name, args),
            _ => collections::call(of, name, args),
        },
        _ => collections::call(of, name, args),
    }
}

fn number(of: &Value, name: &str, args: Args) -> Result<Value> {
    args.none(name)?;
    Ok(match (of, name) {
        (Value::Float(value), "is_integer") => Value::Bool(value.fract() == 0.0),
        (Value::Float(_), _) => of.clone(),
        (_, "is_integer") => Value::Bool(true),
        (_, "bit_length") => {
            let value = of.index()?.unsigned_abs();
            Value::Int(i128::from(u128::BITS - value.leading_zeros()))
        }
        (_, "bit_count") => Value::Int(i128::from(of.index()?.unsigned_abs().count_ones())),
        _ => Value::Int(of.index()?),
    })
}

/// The error of a method that a type lacks, which [`names`] rules out.
fn unknown(of: &Value, name: &str) -> Error {
    Error::of_type(format!("'{}' object has no method '{name}'", of.type_name()))
}

pub(crate) use case::{capitalized, lower, upper};
pub(crate) use search::replaced;
pub(crate) use split::{lines, words};
pub(crate) use text::{justified, stripped};

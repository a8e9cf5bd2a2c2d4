//! The tests of Jinja 3.1, as in `value is defined`.

use crate::args::{Args, required};
use crate::ast::{Comparison, Operator};
use crate::budget;
use crate::error::{Error, ErrorKind, Result};
use crate::filters;
use crate::machine::holds;
use crate::methods::{lower, upper};
use crate::operators::apply;
use crate::value::compare::{equal, same};
use crate::value::{Object, Value, iterate, repr};

/// The names of all tests.
const NAMES: [&str; 39] = [
    "!=",
    "<",
    "<=",
    "==",
    ">",
    ">=",
    "boolean",
    "callable",
    "defined",
    "divisibleby",
    "eq",
    "equalto",
    "escaped",
    "even",
    "false",
    "filter",
    "float",
    "ge",
    "greaterthan",
    "gt",
    "in",
    "integer",
    "iterable",
    "le",
    "lessthan",
    "lower",
    "lt",
    "mapping",
    "ne",
    "none",
    "number",
    "odd",
    "sameas",
    "sequence",
    "string",
    "test",
    "true",
    "undefined",
    "upper",
];

/// Whether a test holds.
pub(crate) fn test(name: &str, value: &Value, args: Args) -> Result<bool> {
    let comparison = match name {
        "==" | "eq" | "equalto" => Some(Comparison::Equal),
        "!=" | "ne" => Some(Comparison::NotEqual),
        ">" | "gt" | "greaterthan" => Some(Comparison::Greater),
        ">=" | "ge" => Some(Comparison::GreaterOrEqual),
        "<" | "lt" | "lessthan" => Some(Comparison::Less),
        "<=" | "le" => Some(Comparison::LessOrEqual),
        "in" => Some(Comparison::In),
        _ => None,
    };
    if let Some(comparison) = comparison {
        return holds(comparison, value, &argument(args, name)?);
    }
    match name {
        "sameas" => return Ok(same(value, &argument(args, name)?)),
        "divisibleby" => {
            let rest = apply(Operator::Modulo, value, &argument(args, name)?)?;
            return Ok(equal(&rest, &Value::Int(0)));
        }
        _ => args.none(name)?,
    }
    let parity = |wanted| {
        let rest = apply(Operator::Modulo, value, &Value::Int(2))?;
        Ok::<_, Error>(equal(&rest, &Value::Int(wanted)))
    };
    Ok(match name {
        "defined" => !value.is_undefined(),
        "undefined" => value.is_undefined(),
        "none" => matches!(value, Value::None),
        "boolean" => matches!(value, Value::Bool(_)),
        "true" => matches!(value, Value::Bool(true)),
        "false" => matches!(value, Value::Bool(false)),
        "integer" => matches!(value, Value::Int(_)),
        "float" => matches!(value, Value::Float(_)),
        "number" => matches!(value, Value::Bool(_) | Value::Int(_) | Value::Float(_)),
        "string" => matches!(value, Value::Str(_)),
        "mapping" => matches!(value, Value::Dict(_)),
        "sequence" => sequence(value),
        "iterable" => iterate::iterable(value),
        "callable" => match value {
            // Jinja's undefined values have a method for calls, which fails.
            Value::Undefined(_) => true,
            Value::Object(object) => object.callable(),
            _ => false,
        },
        "escaped" => matches!(value, Value::Str(text) if text.safe),
        "lower" | "upper" => {
            budget::charge(value.weight() / 256)?;
            let text = repr::to_text(value);
            if name == "lower" { lower(text.as_str()) } else { upper(text.as_str()) }
        }
        "odd" => parity(1)?,
        "even" => parity(0)?,
        "filter" => value.as_text().is_some_and(|name| filters::NAMES.contains(&name)),
        "test" => value.as_text().is_some_and(|name| NAMES.contains(&name)),
        _ => {
            return Err(Error::new(ErrorKind::Unsupported, format!("no test named '{name}'")));
        }
    })
}

fn argument(args: Args, name: &str) -> Result<Value> {
    let [other] = args.bind(name, ["other"])?;
    required(other, name, "other")
}

/// Whether a value has a length and items by index or key.
fn sequence(value: &Value) -> bool {
    match value {
        Value::Undefined(_)
        | Value::Str(_)
        | Value::Bytes(_)
        | Value::List(_)
        | Value::Tuple(_)
        | Value::Dict(_) => true,
        Value::Object(object) => matches!(**object, Object::Range(_) | Object::Group(..)),
        Value::None | Value::Bool(_) | Value::Int(_) | Value::Float(_) => false,
    }
}

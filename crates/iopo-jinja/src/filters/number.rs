//! Filters on numbers.

use crate::args::{Args, flag, int_or};
use crate::ast::Operator;
use crate::error::{Error, ErrorKind, Result};
use crate::operators::apply as operate;
use crate::value::Value;
use crate::value::number::{parse_float, parse_int, round_float, round_int, too_large, truncated};

pub(super) fn apply(name: &str, value: &Value, args: Args) -> Result<Value> {
    match name {
        "abs" => {
            args.none(name)?;
            match value {
                Value::Float(number) => Ok(Value::Float(number.abs())),
                Value::Undefined(missing) => Err(missing.error()),
                _ => {
                    let number = value.as_int().ok_or_else(|| {
                        let of = value.type_name();
                        Error::of_type(format!("bad operand type for abs(): '{of}'"))
                    })?;
                    number.checked_abs().map(Value::Int).ok_or_else(too_large)
                }
            }
        }
        "int" => {
            let [default, base] = args.bind(name, ["default", "base"])?;
            let base = int_or(base.as_ref(), 10)?;
            let default = default.unwrap_or(Value::Int(0));
            to_int(value, base)?.map_or(Ok(default), |number| Ok(Value::Int(number)))
        }
        "float" => {
            let [default] = args.bind(name, ["default"])?;
            let default = default.unwrap_or(Value::Float(0.0));
            Ok(to_float(value)?.map_or(default, Value::Float))
        }
        "round" => round(value, args),
        _ => {
            let [binary] = args.bind(name, ["binary"])?;
            file_size(value, flag(binary.as_ref())).map(Value::str)
        }
    }
}

/// Turns an error that Python's filter catches into none.
fn caught<T>(result: Result<T>) -> Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if matches!(error.kind(), ErrorKind::Type | ErrorKind::Value) => Ok(None),
        Err(error) => Err(error),
    }
}

fn to_int(value: &Value, base: i128) -> Result<Option<i128>> {
    let own = match value {
        Value::Str(text) => parse_int(text.as_str(), base),
        Value::Float(number) => truncated(*number),
        _ => value.index(),
    };
    if let Some(number) = caught(own)? {
        return Ok(Some(number));
    }
    // A text such as "42.9" gives 42.
    match to_float(value)? {
        Some(number) => match truncated(number) {
            Err(error) if error.kind() == ErrorKind::Unsupported => Err(error),
            whole => Ok(whole.ok()),
        },
        None => Ok(None),
    }
}

fn to_float(value: &Value) -> Result<Option<f64>> {
    match value {
        Value::Undefined(missing) => Err(missing.error()),
        Value::Str(text) => caught(parse_float(text.as_str())),
        _ => Ok(value.as_float()),
    }
}

fn round(value: &Value, args: Args) -> Result<Value> {
    let [precision, method] = args.bind("round", ["precision", "method"])?;
    let precision = int_or(precision.as_ref(), 0)?;
    let method = method.as_ref().map_or(Ok("common"), |method| method.text("round"))?;
    if !matches!(method, "common" | "ceil" | "floor") {
        return Err(Error::value("method must be common, ceil or floor"));
    }
    if let Value::Undefined(missing) = value {
        return Err(missing.error());
    }
    let Some(number) = value.as_float() else {
        let of = value.type_name();
        return Err(Error::of_type(format!("type {of} doesn't define __round__ method")));
    };
    if method == "common" {
        return Ok(match value.as_int() {
            Some(number) => Value::Int(round_int(number, precision)),
            None => Value::Float(round_float(number, precision)),
        });
    }
    let power = operate(Operator::Power, &Value::Int(10), &Value::Int(precision))?;
    let rounded = match operate(Operator::Multiply, value, &power)? {
        Value::Float(scaled) if !scaled.is_finite() => {
            return Err(Error::new(ErrorKind::Arithmetic, "cannot convert float to integer"));
        }
        Value::Float(scaled) if method == "ceil" => Value::Float(scaled.ceil()),
        Value::Float(scaled) => Value::Float(scaled.floor()),
        whole => whole,
    };
    operate(Operator::Divide, &rounded, &power)
}

fn file_size(value: &Value, binary: bool) -> Result<String> {
    let bytes = match value {
        Value::Str(text) => parse_float(text.as_str())?,
        Value::Undefined(missing) => return Err(missing.error()),
        _ => value.as_float().ok_or_else(|| {
            Error::of_type(format!("float() argument must not be '{}'", value.type_name()))
        })?,
    };
    let base = if binary { 1024.0 } else { 1000.0 };
    if bytes.to_bits() == 1.0_f64.to_bits() {
        return Ok("1 Byte".to_owned());
    }
    if bytes < base {
        return Ok(format!("{} Bytes", truncated(bytes)?));
    }
    let mut unit = base * base;
    let names = ["k", "M", "G", "T", "P", "E", "Z", "Y"];
    for (index, name) in names.iter().enumerate() {
        if bytes < unit || index + 1 == names.len() {
            let name = match (binary, *name) {
                (true, "k") => "KiB".to_owned(),
                (true, name) => format!("{name}iB"),
                (false, name) => format!("{name}B"),
            };
            return Ok(format!("{:.1} {name}", base * bytes / unit));
        }
        unit *= base;
    }
    Ok(String::new())
}

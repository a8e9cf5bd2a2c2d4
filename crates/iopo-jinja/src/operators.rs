//! Arithmetic on values.

use std::rc::Rc;

use crate::ast::Operator;
use crate::error::{Error, ErrorKind, Result};
use crate::filters::html::escaped;
use crate::format::percent;
use crate::value::number::too_large;
use crate::value::object::Object;
use crate::value::{Value, repr};

/// Largest text or list in bytes that one operation makes.
pub(crate) const MAX_BYTES: usize = 16 << 20;

/// Refuses a text or a list that would be too large.
pub(crate) fn check_size(bytes: usize) -> Result<()> {
    if bytes > MAX_BYTES {
        return Err(Error::limit(format!(
            "an operation would make {bytes} bytes, expected at most {MAX_BYTES}"
        )));
    }
    Ok(())
}

/// Applies an operator.
pub(crate) fn apply(operator: Operator, a: &Value, b: &Value) -> Result<Value> {
    for value in [a, b] {
        if let Value::Undefined(missing) = value
            && !(operator == Operator::Modulo && matches!(a, Value::Str(_)))
        {
            return Err(missing.error());
        }
    }
    match (operator, a, b) {
        (Operator::Add, Value::Str(x), Value::Str(y)) => {
            check_size(x.text.len() + y.text.len())?;
            if x.safe || y.safe {
                // Adding to safe HTML escapes the other text.
                return Ok(Value::marked(escaped(x) + &escaped(y), true));
            }
            Ok(Value::str(format!("{}{}", x.text, y.text)))
        }
        (Operator::Add, Value::List(x), Value::List(y)) => {
            check_size(32 * (x.len() + y.len()))?;
            Ok(Value::list([&x[..], &y[..]].concat()))
        }
        (Operator::Add, Value::Tuple(x), Value::Tuple(y)) => {
            check_size(32 * (x.len() + y.len()))?;
            Ok(Value::tuple([&x[..], &y[..]].concat()))
        }
        (Operator::Modulo, Value::Str(text), _) => percent::format(text, b),
        (Operator::Multiply, _, _) if a.as_float().is_none() || b.as_float().is_none() => {
            match (a.as_int(), b.as_int()) {
                (_, Some(times)) => repeated(a, times),
                (Some(times), _) => repeated(b, times),
                _ => None,
            }
            .unwrap_or_else(|| Err(unsupported(operator, a, b)))
        }
        _ => number(operator, a, b),
    }
}

/// A sequence, repeated; `None` if the value is none.
fn repeated(value: &Value, times: i128) -> Option<Result<Value>> {
    let times = times.max(0);
    let weight = match value {
        Value::Str(_) | Value::List(_) | Value::Tuple(_) | Value::Bytes(_) => value.weight(),
        _ => return None,
    };
    let bytes = (weight as i128).saturating_mul(times);
    if let Err(error) = check_size(usize::try_from(bytes).unwrap_or(usize::MAX)) {
        return Some(Err(error));
    }
    let times = if weight == 0 { 0 } else { times as usize };
    Some(Ok(match value {
        Value::Str(text) => Value::marked(text.text.repeat(times), text.safe),
        Value::List(items) => Value::list(copies(items, times)),
        Value::Tuple(items) => Value::tuple(copies(items, times)),
        Value::Bytes(bytes) => Value::Bytes(Rc::from(bytes.repeat(times))),
        _ => return None,
    }))
}

fn copies(items: &[Value], times: usize) -> Vec<Value> {
    std::iter::repeat_n(items, times).flatten().cloned().collect()
}

fn number(operator: Operator, a: &Value, b: &Value) -> Result<Value> {
    if let (Some(x), Some(y)) = (a.as_int(), b.as_int()) {
        return integer(operator, x, y);
    }
    let (Some(x), Some(y)) = (a.as_float(), b.as_float()) else {
        return Err(unsupported(operator, a, b));
    };
    Ok(Value::Float(match operator {
        Operator::Add => x + y,
        Operator::Subtract => x - y,
        Operator::Multiply => x * y,
        Operator::Divide | Operator::FloorDivide | Operator::Modulo if y == 0.0 => {
            return Err(Error::new(ErrorKind::Arithmetic, "float division by zero"));
        }
        Operator::Divide => x / y,
        Operator::FloorDivide => divided(x, y).0,
        Operator::Modulo => divided(x, y).1,
        Operator::Power => power(x, y)?,
    }))
}

/// The quotient and the remainder of Python's `divmod`.
fn divided(x: f64, y: f64) -> (f64, f64) {
    let rest = x % y;
    let quotient = (x - rest) / y;
    let (quotient, rest) = if rest == 0.0 {
        (quotient, 0.0_f64.copysign(y))
    } else if (rest < 0.0) == (y < 0.0) {
        (quotient, rest)
    } else {
        (quotient - 1.0, rest + y)
    };
    if quotient == 0.0 {
        return (0.0_f64.copysign(x / y), rest);
    }
    let floor = quotient.floor();
    (if quotient - floor > 0.5 { floor + 1.0 } else { floor }, rest)
}

/// Python's `x ** y`.
fn power(x: f64, y: f64) -> Result<f64> {
    let arithmetic = |reason: &str| Err(Error::new(ErrorKind::Arithmetic, reason));
    if x == 0.0 && y < 0.0 {
        return arithmetic("zero to a negative power");
    }
    if x < 0.0 && x.is_finite() && y.is_finite() && y.fract() != 0.0 {
        let reason = "a root of a negative number, which is a complex number";
        return Err(Error::new(ErrorKind::Unsupported, reason));
    }
    let value = x.powf(y);
    if value.is_infinite() && x.is_finite() && y.is_finite() {
        return arithmetic("the result of ** is out of range for a float");
    }
    Ok(value)
}

/// The quotient of integers, rounded once.
fn quotient(x: i128, y: i128) -> f64 {
    const EXACT: u128 = 1 << 53;
    let (mut rest, divisor) = (x.unsigned_abs(), y.unsigned_abs());
    if rest <= EXACT && divisor <= EXACT {
        return x as f64 / y as f64;
    }
    let (mut whole, mut exponent) = (rest / divisor, 0);
    rest %= divisor;
    // Two more bits than a float has; the last one is set if the remainder is not zero.
    while whole < EXACT << 2 && exponent > -200 {
        rest <<= 1;
        whole = (whole << 1) | u128::from(rest >= divisor);
        rest -= if rest >= divisor { divisor } else { 0 };
        exponent -= 1;
    }
    let value = (whole | u128::from(rest != 0)) as f64 * 2.0_f64.powi(exponent);
    if (x < 0) == (y < 0) { value } else { -value }
}

fn integer(operator: Operator, x: i128, y: i128) -> Result<Value> {
    let zero = || Err(Error::new(ErrorKind::Arithmetic, "division by zero"));
    let value = match operator {
        Operator::Add => x.checked_add(y),
        Operator::Subtract => x.checked_sub(y),
        Operator::Multiply => x.checked_mul(y),
        Operator::Divide | Operator::FloorDivide | Operator::Modulo if y == 0 => return zero(),
        Operator::Divide => return Ok(Value::Float(quotient(x, y))),
        Operator::FloorDivide => {
            x.checked_div(y).map(|quotient| quotient - i128::from(x % y != 0 && (x < 0) != (y < 0)))
        }
        Operator::Modulo => x
            .checked_rem(y)
            .map(|rest| if rest != 0 && (rest < 0) != (y < 0) { rest + y } else { rest }),
        Operator::Power if y < 0 => return power(x as f64, y as f64).map(Value::Float),
        Operator::Power => match x {
            0 | 1 => Some(if y == 0 { 1 } else { x }),
            -1 => Some(if y % 2 == 0 { 1 } else { -1 }),
            _ => u32::try_from(y).ok().and_then(|y| x.checked_pow(y)),
        },
    };
    value.map(Value::Int).ok_or_else(too_large)
}

fn unsupported(operator: Operator, a: &Value, b: &Value) -> Error {
    let (x, y) = (a.type_name(), b.type_name());
    Error::of_type(match (operator, a) {
        (Operator::Add, Value::Str(_) | Value::List(_) | Value::Tuple(_)) => {
            format!("can only concatenate {x} (not \"{y}\") to {x}")
        }
        _ => format!("unsupported operand type(s) for {}: '{x}' and '{y}'", operator.symbol()),
    })
}

/// The sign operators.
pub(crate) fn signed(value: &Value, negative: bool) -> Result<Value> {
    match value {
        Value::Undefined(missing) => Err(missing.error()),
        Value::Float(number) => Ok(Value::Float(if negative { -number } else { *number })),
        _ => match value.as_int() {
            Some(number) if negative => number.checked_neg().map(Value::Int).ok_or_else(too_large),
            Some(number) => Ok(Value::Int(number)),
            None => Err(Error::of_type(format!(
                "bad operand type for unary {}: '{}'",
                if negative { '-' } else { '+' },
                value.type_name()
            ))),
        },
    }
}

/// The operator `~`: the texts of all values.
pub(crate) fn concatenated(values: &[Value], autoescape: bool) -> Result<Value> {
    let safe = autoescape && values.iter().any(|v| matches!(v, Value::Str(text) if text.safe));
    let mut out = String::new();
    for value in values {
        let text = repr::to_text(value);
        if safe {
            out.push_str(&escaped(&text));
        } else {
            out.push_str(text.as_str());
        }
        check_size(out.len())?;
    }
    Ok(Value::marked(out, safe))
}

/// Whether a value is a group, which is a tuple with names.
pub(crate) fn is_group(value: &Value) -> bool {
    matches!(value, Value::Object(object) if matches!(**object, Object::Group(..)))
}

#[cfg(test)]
mod tests {
    use super::apply;
    use crate::ast::Operator;
    use crate::value::{Value, repr};

    fn of(operator: Operator, a: &Value, b: &Value) -> String {
        apply(operator, a, b).map_or_else(|error| error.to_string(), |value| repr::repr(&value))
    }

    #[test]
    fn integers_divide_as_in_python() {
        let int = Value::Int;
        assert_eq!(of(Operator::Modulo, &int(-7), &int(3)), "2");
        assert_eq!(of(Operator::FloorDivide, &int(-7), &int(2)), "-4");
        assert_eq!(of(Operator::Divide, &int(7), &int(2)), "3.5");
        assert_eq!(of(Operator::Power, &int(2), &int(-1)), "0.5");
        assert_eq!(of(Operator::Modulo, &Value::Float(-7.5), &int(2)), "0.5");
        assert!(of(Operator::Power, &int(10), &int(99)).contains("127 bits"));
        assert!(of(Operator::Divide, &int(1), &int(0)).contains("zero"));
        assert_eq!(of(Operator::Power, &int(-1), &int(i128::MAX)), "-1");
        assert_eq!(of(Operator::Divide, &int((1 << 60) + 1), &int(3)), "3.843071682022823e+17");
        assert_eq!(of(Operator::Divide, &int(-1), &int(i128::MAX)), "-5.877471754111438e-39");
    }

    #[test]
    fn floats_divide_and_take_powers_as_in_python() {
        let float = Value::Float;
        assert_eq!(of(Operator::FloorDivide, &float(1.0), &float(0.1)), "9.0");
        assert_eq!(of(Operator::FloorDivide, &float(-1.0), &float(0.1)), "-10.0");
        assert_eq!(of(Operator::FloorDivide, &float(-0.0), &float(2.0)), "-0.0");
        assert_eq!(of(Operator::Power, &float(-8.0), &float(3.0)), "-512.0");
        assert!(of(Operator::Power, &float(0.0), &Value::Int(-1)).contains("zero"));
        assert!(of(Operator::Power, &float(10.0), &Value::Int(400)).contains("out of range"));
        assert!(of(Operator::Power, &float(-8.0), &float(0.5)).contains("complex"));
    }

    #[test]
    fn sequences_repeat_within_limits() {
        assert_eq!(of(Operator::Multiply, &Value::str("ab"), &Value::Int(2)), "'abab'");
        assert_eq!(of(Operator::Multiply, &Value::Bool(true), &Value::str("a")), "'a'");
        assert!(of(Operator::Multiply, &Value::str("a"), &Value::Int(1 << 60)).contains("bytes"));
        assert!(of(Operator::Add, &Value::str("a"), &Value::Int(1)).contains("concatenate"));
        assert!(of(Operator::Subtract, &Value::str("a"), &Value::str("b")).contains("unsupported"));
    }
}

//! Equality, order and membership.

use std::cmp::Ordering;
use std::rc::Rc;
use std::sync::Arc;

use super::object::View;
use super::{Object, Value};
use crate::budget;
use crate::error::{Error, Result};

/// Number of bytes that are compared in the time of two numbers.
const BYTES: usize = 64;

/// Python's `==`. Costs a unit for each pair of values that is compared.
pub(crate) fn equal(a: &Value, b: &Value) -> bool {
    if !budget::spend(1) {
        return false;
    }
    let all =
        |a: &[Value], b: &[Value]| a.len() == b.len() && a.iter().zip(b).all(|(a, b)| equal(a, b));
    match (a, b) {
        (Value::Undefined(_), Value::Undefined(_)) | (Value::None, Value::None) => true,
        (Value::Str(a), Value::Str(b)) => {
            a.text.len() == b.text.len() && budget::spend(a.text.len() / BYTES) && a.text == b.text
        }
        (Value::Bytes(a), Value::Bytes(b)) => {
            a.len() == b.len() && budget::spend(a.len() / BYTES) && a == b
        }
        (Value::List(a), Value::List(b)) | (Value::Tuple(a), Value::Tuple(b)) => all(a, b),
        (Value::Dict(a), Value::Dict(b)) => {
            a.len() == b.len()
                && a.iter().all(|(key, value)| b.get(key).is_some_and(|other| equal(value, other)))
        }
        (Value::Object(a), Value::Object(b)) => equal_objects(a, b),
        (Value::Object(group), Value::Tuple(items))
        | (Value::Tuple(items), Value::Object(group)) => match &**group {
            Object::Group(key, list) => all(&[key.clone(), list.clone()], items),
            _ => false,
        },
        _ => numeric(a, b) == Some(Ordering::Equal),
    }
}

fn equal_objects(a: &Rc<Object>, b: &Rc<Object>) -> bool {
    if Rc::ptr_eq(a, b) {
        return true;
    }
    match (&**a, &**b) {
        (Object::Range(a), Object::Range(b)) => {
            let len = a.len();
            len == b.len() && (len == 0 || a.start == b.start) && (len < 2 || a.step == b.step)
        }
        (Object::Group(a, x), Object::Group(b, y)) => equal(a, b) && equal(x, y),
        (Object::Function(a), Object::Function(b)) => a == b,
        (Object::View(a, View::Keys), Object::View(b, View::Keys)) => {
            a.len() == b.len() && a.keys().all(|key| b.get(key).is_some())
        }
        (Object::View(a, View::Items), Object::View(b, View::Items)) => {
            equal(&Value::Dict(Rc::clone(a)), &Value::Dict(Rc::clone(b)))
        }
        _ => false,
    }
}

/// Compares numbers; booleans are 0 and 1. `None` if one is not a number, or not comparable.
fn numeric(a: &Value, b: &Value) -> Option<Ordering> {
    match (a.as_int(), b.as_int()) {
        (Some(a), Some(b)) => Some(a.cmp(&b)),
        (Some(a), None) => mixed(a, b.as_float()?),
        (None, Some(b)) => mixed(b, a.as_float()?).map(Ordering::reverse),
        (None, None) => a.as_float()?.partial_cmp(&b.as_float()?),
    }
}

/// Compares an integer with a float, without rounding the integer.
fn mixed(a: i128, b: f64) -> Option<Ordering> {
    /// 2 to the power of 127, the first float above all integers.
    const ABOVE: f64 = 1.701_411_834_604_692_3e38;
    if b.is_nan() {
        None
    } else if b >= ABOVE {
        Some(Ordering::Less)
    } else if b < -ABOVE {
        Some(Ordering::Greater)
    } else {
        Some(a.cmp(&(b.trunc() as i128)).then(0.0_f64.partial_cmp(&b.fract())?))
    }
}

/// Python's order. `None` if a value is not a number, so that no comparison holds.
pub(crate) fn order(a: &Value, b: &Value, symbol: &str) -> Result<Option<Ordering>> {
    budget::spend(1);
    match (a, b) {
        (Value::Undefined(missing), _) | (_, Value::Undefined(missing)) => Err(missing.error()),
        // The bytes of UTF-8 have the order of the characters.
        (Value::Str(a), Value::Str(b)) => {
            budget::spend(a.text.len().min(b.text.len()) / BYTES);
            Ok(Some(a.text.cmp(&b.text)))
        }
        (Value::Bytes(a), Value::Bytes(b)) => {
            budget::spend(a.len().min(b.len()) / BYTES);
            Ok(Some(a.cmp(b)))
        }
        (Value::List(a), Value::List(b)) | (Value::Tuple(a), Value::Tuple(b)) => {
            for (a, b) in a.iter().zip(b.iter()) {
                if !equal(a, b) {
                    return order(a, b, symbol);
                }
            }
            Ok(Some(a.len().cmp(&b.len())))
        }
        _ if a.as_float().is_some() && b.as_float().is_some() => Ok(numeric(a, b)),
        _ => Err(Error::of_type(format!(
            "'{symbol}' not supported between instances of '{}' and '{}'",
            a.type_name(),
            b.type_name()
        ))),
    }
}

/// Python's `is`, where small values of one type are the same object.
pub(crate) fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::None, Value::None) => true,
        (Value::Bool(a), Value::Bool(b)) => a == b,
        (Value::Int(a), Value::Int(b)) => a == b,
        (Value::Float(a), Value::Float(b)) => a.to_bits() == b.to_bits(),
        (Value::Str(a), Value::Str(b)) => Arc::ptr_eq(&a.text, &b.text) || a.text == b.text,
        (Value::List(a), Value::List(b)) => Rc::ptr_eq(a, b),
        (Value::Tuple(a), Value::Tuple(b)) => Rc::ptr_eq(a, b) || (a.is_empty() && b.is_empty()),
        (Value::Dict(a), Value::Dict(b)) => Rc::ptr_eq(a, b),
        (Value::Object(a), Value::Object(b)) => Rc::ptr_eq(a, b),
        (Value::Undefined(a), Value::Undefined(b)) => Rc::ptr_eq(a, b),
        _ => false,
    }
}

/// Sorts by keys with Python's `<`. Equal items keep their order, also in reverse.
pub(crate) fn sorted<T>(mut items: Vec<(Value, T)>, reverse: bool) -> Result<Vec<(Value, T)>> {
    // The sort of the standard library can panic if an order is not total, such as that of NaN.
    if items.len() < 2 {
        return Ok(items);
    }
    let right = sorted(items.split_off(items.len() / 2), reverse)?;
    let left = sorted(items, reverse)?;
    let mut merged = Vec::with_capacity(left.len() + right.len());
    let (mut left, mut right) = (left.into_iter().peekable(), right.into_iter().peekable());
    while let (Some((a, _)), Some((b, _))) = (left.peek(), right.peek()) {
        let (first, second) = if reverse { (a, b) } else { (b, a) };
        let right_first = order(first, second, "<")? == Some(Ordering::Less);
        merged.extend(if right_first { right.next() } else { left.next() });
    }
    merged.extend(left);
    merged.extend(right);
    Ok(merged)
}

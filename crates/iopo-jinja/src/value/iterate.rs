//! Iteration, membership and slices.

use std::collections::VecDeque;

use super::object::{Object, View};
use super::{Value, compare};
use crate::budget;
use crate::error::{Error, Result};

/// The items of a value, as Python's `iter` yields them. A generator is read to its end. The memory of the items is charged
/// before they are created.
pub(crate) fn items(value: &Value) -> Result<Vec<Value>> {
    // An item takes 32 bytes. A character is a string of its own, and a pair is a tuple.
    budget::charge(match value {
        Value::Str(text) => text.text.chars().count(),
        Value::Object(object) => match &**object {
            Object::View(dict, View::Items) => 2 * dict.len(),
            Object::Iter(generator) => generator.items.borrow().len() / 2,
            object => object.len().unwrap_or(0) / 2,
        },
        _ => value.len().unwrap_or(0) / 2,
    })?;
    Ok(match value {
        Value::Undefined(_) => Vec::new(),
        Value::Str(text) => text.text.chars().map(character).collect(),
        Value::Bytes(bytes) => bytes.iter().map(|byte| Value::Int(i128::from(*byte))).collect(),
        Value::List(items) | Value::Tuple(items) => items.to_vec(),
        Value::Dict(dict) => dict.keys().cloned().collect(),
        Value::Object(object) => match &**object {
            Object::View(dict, View::Keys) => dict.keys().cloned().collect(),
            Object::View(dict, View::Values) => {
                dict.iter().map(|(_, value)| value.clone()).collect()
            }
            Object::View(dict, View::Items) => dict.iter().map(pair).collect(),
            Object::Range(range) => {
                (0..range.len()).map(|index| Value::Int(range.get(index))).collect()
            }
            Object::Iter(generator) => generator.items.take().into(),
            Object::Group(key, list) => vec![key.clone(), list.clone()],
            _ => return Err(not_iterable(value)),
        },
        Value::None | Value::Bool(_) | Value::Int(_) | Value::Float(_) => {
            return Err(not_iterable(value));
        }
    })
}

fn pair((key, value): (&Value, &Value)) -> Value {
    Value::tuple(vec![key.clone(), value.clone()])
}

fn not_iterable(value: &Value) -> Error {
    Error::of_type(format!("'{}' object is not iterable", value.type_name()))
}

/// Whether `iter` accepts a value.
pub(crate) fn iterable(value: &Value) -> bool {
    match value {
        Value::None | Value::Bool(_) | Value::Int(_) | Value::Float(_) => false,
        Value::Object(object) => matches!(
            &**object,
            Object::View(..)
                | Object::Range(_)
                | Object::Iter(_)
                | Object::Group(..)
                | Object::Loop(_)
        ),
        _ => true,
    }
}

fn character(c: char) -> Value {
    Value::str(c.encode_utf8(&mut [0; 4]))
}

/// The first item, without reading the others.
pub(crate) fn first(value: &Value) -> Result<Option<Value>> {
    match value {
        Value::Str(text) => Ok(text.text.chars().next().map(character)),
        Value::List(items) | Value::Tuple(items) => Ok(items.first().cloned()),
        Value::Object(object) => match &**object {
            Object::Iter(generator) => Ok(generator.items.borrow_mut().pop_front()),
            _ => Ok(items(value)?.into_iter().next()),
        },
        _ => Ok(items(value)?.into_iter().next()),
    }
}

/// The last item, which Python reads with `reversed`.
pub(crate) fn last(value: &Value) -> Result<Option<Value>> {
    match value {
        Value::Str(text) => Ok(text.text.chars().next_back().map(character)),
        Value::List(items) | Value::Tuple(items) => Ok(items.last().cloned()),
        _ => {
            let Some(mut items) = reversed(value)? else {
                let of = value.type_name();
                return Err(Error::of_type(format!("'{of}' object is not reversible")));
            };
            Ok(items.pop_front())
        }
    }
}

/// The items in reverse, as Python's `reversed` yields them; `None` if it rejects the value.
pub(crate) fn reversed(value: &Value) -> Result<Option<VecDeque<Value>>> {
    let sequence = match value {
        Value::Object(object) => {
            matches!(&**object, Object::View(..) | Object::Range(_) | Object::Group(..))
        }
        Value::None | Value::Bool(_) | Value::Int(_) | Value::Float(_) => false,
        _ => true,
    };
    if !sequence {
        return Ok(None);
    }
    Ok(Some(items(value)?.into_iter().rev().collect()))
}

/// Python's `in`.
pub(crate) fn contains(container: &Value, item: &Value) -> Result<bool> {
    match container {
        Value::Str(text) => match item {
            Value::Str(part) => {
                budget::charge((text.text.len() + part.text.len()) / 1024)?;
                Ok(text.text.contains(part.as_str()))
            }
            Value::Undefined(missing) => Err(missing.error()),
            _ => Err(Error::of_type(format!(
                "'in <string>' requires string as left operand, not {}",
                item.type_name()
            ))),
        },
        Value::Dict(dict) => {
            hashable(item)?;
            Ok(dict.get(item).is_some())
        }
        Value::None | Value::Bool(_) | Value::Int(_) | Value::Float(_) => {
            let name = container.type_name();
            Err(Error::of_type(format!("argument of type '{name}' is not iterable")))
        }
        Value::List(items) | Value::Tuple(items) => {
            Ok(items.iter().any(|own| compare::equal(own, item)))
        }
        _ => Ok(items(container)?.iter().any(|own| compare::equal(own, item))),
    }
}

/// Refuses a value that cannot be the key of a dictionary.
pub(crate) fn hashable(key: &Value) -> Result<()> {
    budget::work(1)?;
    match key {
        Value::List(_) | Value::Dict(_) => {
            Err(Error::of_type(format!("unhashable type: '{}'", key.type_name())))
        }
        Value::Tuple(items) => items.iter().try_for_each(hashable),
        _ => Ok(()),
    }
}

/// The start, the end (exclusive) and the step of a slice, for a sequence of `len` items.
pub(crate) fn slice_bounds(
    len: usize,
    [start, stop, step]: [Option<i128>; 3],
) -> Result<(i128, i128, i128)> {
    let len = len as i128;
    let step = step.unwrap_or(1);
    if step == 0 {
        return Err(Error::value("slice step cannot be zero"));
    }
    let (low, high) = if step > 0 { (0, len) } else { (-1, len - 1) };
    let bound = |value: Option<i128>, default: i128| match value {
        None => default,
        Some(value) => {
            let value = if value < 0 { value.saturating_add(len) } else { value };
            value.clamp(low, high)
        }
    };
    let (first, last) = if step > 0 { (0, len) } else { (len - 1, -1) };
    Ok((bound(start, first), bound(stop, last), step))
}

/// The indices that a slice selects from a sequence of `len` items.
pub(crate) fn slice_indices(len: usize, limits: [Option<i128>; 3]) -> Result<Vec<usize>> {
    let (mut at, stop, step) = slice_bounds(len, limits)?;
    // An index takes 8 bytes.
    let span = if step > 0 { stop.saturating_sub(at) } else { at.saturating_sub(stop) };
    let count = span.max(0) / step.saturating_abs();
    budget::charge(usize::try_from(count).unwrap_or(usize::MAX) / 8)?;
    let mut indices = Vec::new();
    while (step > 0 && at < stop) || (step < 0 && at > stop) {
        indices.push(at as usize);
        at = at.saturating_add(step);
    }
    Ok(indices)
}

/// The text between two character positions, which can count from the end.
pub(crate) fn position(value: Option<&Value>, len: usize, default: usize) -> Result<usize> {
    let Some(value) = value.filter(|value| !matches!(value, Value::None)) else {
        return Ok(default);
    };
    let at = value.index()?;
    let at = if at < 0 { at.saturating_add(len as i128) } else { at };
    Ok(usize::try_from(at.max(0)).unwrap_or(usize::MAX))
}

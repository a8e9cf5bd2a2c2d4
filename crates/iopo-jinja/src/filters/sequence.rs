//! Filters on sequences.

use std::rc::Rc;

use super::path;
use crate::args::{Args, given, int_or, required};
use crate::ast::Operator;
use crate::budget::{self, weighed};
use crate::error::{Error, Result};
use crate::machine::Machine;
use crate::operators::{apply as operate, check_size};
use crate::value::iterate::{first, items, last, reversed};
use crate::value::object::View;
use crate::value::{Object, Value, repr};

pub(super) fn apply(machine: &Machine<'_>, name: &str, value: &Value, args: Args) -> Result<Value> {
    match name {
        "batch" => batch(value, args),
        "slice" => slice(value, args),
        "join" => join(machine, value, args),
        "sum" => sum(machine, value, args),
        "items" => {
            args.none(name)?;
            pairs(value)
        }
        "list" => {
            args.none(name)?;
            Ok(Value::list(items(value)?))
        }
        "first" => {
            args.none(name)?;
            let empty = || Value::undefined("No first item, sequence was empty.");
            Ok(first(value)?.unwrap_or_else(empty))
        }
        "last" => {
            args.none(name)?;
            let empty = || Value::undefined("No last item, sequence was empty.");
            Ok(last(value)?.unwrap_or_else(empty))
        }
        "random" => {
            args.none(name)?;
            // The first item, so that a text does not change between renderings.
            if value.len().is_none() {
                let of = value.type_name();
                return Err(Error::of_type(format!("object of type '{of}' has no len()")));
            }
            let empty = || Value::undefined("No random item, sequence was empty.");
            Ok(first(value)?.unwrap_or_else(empty))
        }
        _ => {
            args.none(name)?;
            reverse(value)
        }
    }
}

fn pairs(value: &Value) -> Result<Value> {
    match value {
        Value::Undefined(_) => Ok(Value::generator([])),
        Value::Dict(dict) => {
            let view = Value::object(Object::View(Rc::clone(dict), View::Items));
            Ok(Value::generator(items(&view)?))
        }
        _ => Err(Error::of_type("can only get item pairs from a mapping")),
    }
}

fn reverse(value: &Value) -> Result<Value> {
    if let Value::Str(text) = value {
        return Ok(Value::marked(text.text.chars().rev().collect::<String>(), text.safe));
    }
    if let Some(items) = reversed(value)? {
        return Ok(Value::generator(items));
    }
    let mut items = items(value)?;
    items.reverse();
    Ok(Value::list(items))
}

fn join(machine: &Machine<'_>, value: &Value, args: Args) -> Result<Value> {
    let [separator, attribute] = args.bind("join", ["d", "attribute"])?;
    let separator = separator.as_ref().map(repr::to_str).unwrap_or_default();
    let attribute = given(attribute);
    let mut out = String::new();
    for (index, item) in items(value)?.iter().enumerate() {
        if index > 0 {
            out.push_str(&separator);
        }
        budget::spend(1 + separator.len() / 4);
        out.push_str(&repr::to_str(&path(machine, item, attribute.as_ref())?));
        check_size(out.len())?;
    }
    Ok(Value::str(out))
}

fn sum(machine: &Machine<'_>, value: &Value, args: Args) -> Result<Value> {
    let [attribute, start] = args.bind("sum", ["attribute", "start"])?;
    let attribute = given(attribute);
    let mut total = start.unwrap_or(Value::Int(0));
    if total.as_text().is_some() {
        return Err(Error::of_type("sum() can't sum strings"));
    }
    for item in items(value)? {
        let item = path(machine, &item, attribute.as_ref())?;
        total = weighed(operate(Operator::Add, &total, &item)?)?;
    }
    Ok(total)
}

/// A count of items; a negative one is 0.
fn count(value: Option<Value>, of: &str, name: &str) -> Result<usize> {
    let count = required(value, of, name)?.index()?;
    check_size(usize::try_from(count.max(0)).unwrap_or(usize::MAX).saturating_mul(32))?;
    Ok(count.max(0) as usize)
}

fn batch(value: &Value, args: Args) -> Result<Value> {
    let [linecount, fill] = args.bind("batch", ["linecount", "fill_with"])?;
    let size = count(linecount, "batch", "linecount")?;
    let fill = given(fill);
    let mut rows: Vec<Vec<Value>> = Vec::new();
    let mut row = Vec::new();
    for item in items(value)? {
        if row.len() == size {
            rows.push(std::mem::take(&mut row));
        }
        row.push(item);
    }
    if !row.is_empty() {
        if let Some(fill) = fill
            && row.len() < size
        {
            budget::charge(size / 2)?;
            row.resize(size, fill);
        }
        rows.push(row);
    }
    Ok(Value::generator(rows.into_iter().map(Value::list)))
}

fn slice(value: &Value, args: Args) -> Result<Value> {
    let [slices, fill] = args.bind("slice", ["slices", "fill_with"])?;
    let slices = required(slices, "slice", "slices")?;
    if int_or(Some(&slices), 0)? == 0 {
        return Err(Error::new(
            crate::error::ErrorKind::Arithmetic,
            "integer division or modulo by zero",
        ));
    }
    let slices = count(Some(slices), "slice", "slices")?;
    let fill = given(fill);
    let items = items(value)?;
    budget::charge(slices)?;
    let (size, extra) = (items.len() / slices.max(1), items.len() % slices.max(1));
    let mut rest = items.into_iter();
    let mut rows = Vec::new();
    for index in 0..slices {
        let own = size + usize::from(index < extra);
        let mut row: Vec<Value> = rest.by_ref().take(own).collect();
        if let Some(fill) = &fill
            && index >= extra
        {
            row.push(fill.clone());
        }
        rows.push(Value::list(row));
    }
    Ok(Value::generator(rows))
}

//! The filters `map`, `select`, `reject`, `selectattr` and `rejectattr`.

use super::{parts, path};
use crate::args::{Args, given};
use crate::budget;
use crate::error::{Error, Result};
use crate::machine::Machine;
use crate::predicates;
use crate::value::Value;
use crate::value::iterate::items;

pub(super) fn apply(machine: &Machine<'_>, name: &str, value: &Value, args: Args) -> Result<Value> {
    if !value.truthy() {
        return Ok(Value::generator([]));
    }
    if name == "map" {
        return map(machine, value, args);
    }
    let keeps = name.starts_with("select");
    let mut args = args;
    let attribute = if name.ends_with("attr") {
        if args.positional.is_empty() {
            return Err(Error::of_type("missing parameter for attribute name"));
        }
        Some(args.positional.remove(0))
    } else {
        None
    };
    let test = if args.positional.is_empty() { None } else { Some(args.positional.remove(0)) };
    let test = test.as_ref().map(|test| test.text(name)).transpose()?;
    let mut kept = Vec::new();
    let arguments = args.positional.len() / 2 + args.weight() / 256;
    for item in items(value)? {
        budget::charge(1 + arguments)?;
        let subject = path(machine, &item, attribute.as_ref())?;
        let holds = match test {
            Some(test) => predicates::test(test, &subject, args.clone())?,
            None => subject.truthy(),
        };
        if holds == keeps {
            kept.push(item);
        }
    }
    Ok(Value::generator(kept))
}

fn map(machine: &Machine<'_>, value: &Value, mut args: Args) -> Result<Value> {
    let items = items(value)?;
    if args.positional.is_empty()
        && let Some(attribute) = args.take("attribute")
    {
        let default = given(args.take("default"));
        args.none("map")?;
        let parts = parts(Some(&attribute));
        let mapped = items.into_iter().map(|item| {
            budget::charge(1 + parts.len())?;
            parts.iter().try_fold(item, |item, part| {
                let found = machine.item(&item, part)?;
                Ok::<_, Error>(match &default {
                    Some(default) if found.is_undefined() => default.clone(),
                    _ => found,
                })
            })
        });
        return Ok(Value::generator(mapped.collect::<Result<Vec<_>>>()?));
    }
    if args.positional.is_empty() {
        return Err(Error::of_type("map requires a filter argument"));
    }
    let filter = args.positional.remove(0);
    let filter = filter.text("map")?;
    let mapped = items.iter().map(|item| {
        budget::charge(args.positional.len() / 2 + args.named.len())?;
        machine.filter(filter, item, args.clone())
    });
    Ok(Value::generator(mapped.collect::<Result<Vec<_>>>()?))
}

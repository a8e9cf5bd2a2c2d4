//! Filters that sort and compare: `sort`, `unique`, `min`, `max`, `groupby`, `dictsort`.

use std::cmp::Ordering;

use super::{ignoring_case, parts, path};
use crate::args::{Args, flag, given, required};
use crate::budget;
use crate::error::{Error, Result};
use crate::machine::Machine;
use crate::value::compare::{equal, order, sorted};
use crate::value::iterate::{hashable, items};
use crate::value::{Object, Value};

pub(super) fn apply(machine: &Machine<'_>, name: &str, value: &Value, args: Args) -> Result<Value> {
    match name {
        "sort" => sort(machine, value, args),
        "unique" => unique(machine, value, args),
        "groupby" => groupby(machine, value, args),
        "dictsort" => dictsort(value, args),
        _ => extreme(machine, name, value, args),
    }
}

fn sort(machine: &Machine<'_>, value: &Value, args: Args) -> Result<Value> {
    let [reverse, case, attribute] =
        args.bind("sort", ["reverse", "case_sensitive", "attribute"])?;
    let case = flag(case.as_ref());
    // Several attributes are separated by commas.
    let attributes: Vec<Option<Value>> = match given(attribute) {
        Some(Value::Str(text)) => text.text.split(',').map(|part| Some(Value::str(part))).collect(),
        other => vec![other],
    };
    let mut keyed = Vec::new();
    for item in items(value)? {
        budget::charge(4)?;
        let keys = attributes.iter().map(|attribute| {
            Ok::<_, Error>(ignoring_case(path(machine, &item, attribute.as_ref())?, case))
        });
        keyed.push((Value::list(keys.collect::<Result<_>>()?), item));
    }
    let sorted = sorted(keyed, flag(reverse.as_ref()))?;
    Ok(Value::list(sorted.into_iter().map(|(_, item)| item).collect()))
}

fn unique(machine: &Machine<'_>, value: &Value, args: Args) -> Result<Value> {
    let [case, attribute] = args.bind("unique", ["case_sensitive", "attribute"])?;
    let case = flag(case.as_ref());
    let (mut seen, mut kept): (Vec<Value>, Vec<Value>) = (Vec::new(), Vec::new());
    for item in items(value)? {
        budget::charge(1)?;
        let key = ignoring_case(path(machine, &item, attribute.as_ref())?, case);
        hashable(&key)?;
        if !seen.iter().any(|own| equal(own, &key)) {
            seen.push(key);
            kept.push(item);
        }
    }
    Ok(Value::generator(kept))
}

fn extreme(machine: &Machine<'_>, name: &str, value: &Value, args: Args) -> Result<Value> {
    let [case, attribute] = args.bind(name, ["case_sensitive", "attribute"])?;
    let case = flag(case.as_ref());
    let (symbol, wanted) =
        if name == "min" { ("<", Ordering::Less) } else { (">", Ordering::Greater) };
    let mut best: Option<(Value, Value)> = None;
    for item in items(value)? {
        let key = ignoring_case(path(machine, &item, attribute.as_ref())?, case);
        let better = match &best {
            None => true,
            Some((own, _)) => order(&key, own, symbol)? == Some(wanted),
        };
        if better {
            best = Some((key, item));
        }
    }
    Ok(best.map_or_else(
        || Value::undefined("No aggregated item, sequence was empty."),
        |(_, item)| item,
    ))
}

fn groupby(machine: &Machine<'_>, value: &Value, args: Args) -> Result<Value> {
    let [attribute, default, case] =
        args.bind("groupby", ["attribute", "default", "case_sensitive"])?;
    let attribute = required(attribute, "groupby", "attribute")?;
    let (default, case) = (given(default), flag(case.as_ref()));
    let parts = parts(Some(&attribute));
    let mut keyed = Vec::new();
    for item in items(value)? {
        budget::charge(3 + parts.len())?;
        let own = parts.iter().try_fold(item.clone(), |item, part| {
            let found = machine.item(&item, part)?;
            Ok::<_, Error>(match &default {
                Some(default) if found.is_undefined() => default.clone(),
                _ => found,
            })
        })?;
        keyed.push((ignoring_case(own.clone(), case), (own, item)));
    }
    let mut groups: Vec<(Value, Value, Vec<Value>)> = Vec::new();
    for (key, (own, item)) in sorted(keyed, false)? {
        match groups.last_mut() {
            Some((last, _, items)) if equal(last, &key) => items.push(item),
            // The group is named by its first item, in the case that it has.
            _ => groups.push((key, own, vec![item])),
        }
    }
    let groups = groups
        .into_iter()
        .map(|(_, own, items)| Value::object(Object::Group(own, Value::list(items))));
    Ok(Value::list(groups.collect()))
}

fn dictsort(value: &Value, args: Args) -> Result<Value> {
    let [case, by, reverse] = args.bind("dictsort", ["case_sensitive", "by", "reverse"])?;
    let case = flag(case.as_ref());
    let by_value = match by.as_ref().map(|by| by.text("dictsort")).transpose()? {
        None | Some("key") => false,
        Some("value") => true,
        Some(_) => return Err(Error::value("you can only sort by either \"key\" or \"value\"")),
    };
    let Value::Dict(dict) = value else {
        if let Value::Undefined(missing) = value {
            return Err(missing.error());
        }
        let of = value.type_name();
        return Err(Error::of_type(format!("'{of}' object has no attribute 'items'")));
    };
    let keyed = dict.iter().map(|(key, value)| {
        let by = if by_value { value } else { key };
        (ignoring_case(by.clone(), case), Value::tuple(vec![key.clone(), value.clone()]))
    });
    let sorted = sorted(keyed.collect(), flag(reverse.as_ref()))?;
    Ok(Value::list(sorted.into_iter().map(|(_, pair)| pair).collect()))
}

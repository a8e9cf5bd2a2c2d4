//! Methods of lists, tuples, ranges and dictionaries.

use std::rc::Rc;

use super::unknown;
use crate::args::{Args, required};
use crate::date::Date;
use crate::error::{Error, Result};
use crate::globals::Function;
use crate::value::object::View;
use crate::value::{Object, Value, compare, iterate, repr};

pub(super) fn call(of: &Value, name: &str, args: Args) -> Result<Value> {
    if let Value::Dict(dict) = of {
        let view = |view| Ok(Value::object(Object::View(Rc::clone(dict), view)));
        return match name {
            "get" => {
                let [key, default] = args.bind("get", ["key", "default"])?;
                let key = required(key, "get", "key")?;
                iterate::hashable(&key)?;
                Ok(dict.get(&key).cloned().or(default).unwrap_or(Value::None))
            }
            "items" => args.none("items").and_then(|()| view(View::Items)),
            "keys" => args.none("keys").and_then(|()| view(View::Keys)),
            "values" => args.none("values").and_then(|()| view(View::Values)),
            "copy" => args.none("copy").map(|()| Value::dict((**dict).clone())),
            "fromkeys" => Function::FromKeys.call(args, &Date::default()),
            _ => Err(unknown(of, name)),
        };
    }
    let items = iterate::items(of)?;
    match name {
        "copy" => args.none("copy").map(|()| Value::list(items)),
        "count" => {
            let [value] = args.bind("count", ["value"])?;
            let value = required(value, "count", "value")?;
            let count = items.iter().filter(|item| compare::equal(item, &value)).count();
            Ok(Value::Int(count as i128))
        }
        "index" => {
            let [value, start, stop] = args.bind("index", ["value", "start", "stop"])?;
            let value = required(value, "index", "value")?;
            let start = iterate::position(start.as_ref(), items.len(), 0)?;
            let stop = iterate::position(stop.as_ref(), items.len(), items.len())?;
            let found = items
                .iter()
                .enumerate()
                .skip(start)
                .take(stop.saturating_sub(start))
                .find(|(_, item)| compare::equal(item, &value));
            let missing =
                || Error::value(format!("{} is not in {}", repr::repr(&value), of.type_name()));
            found.map(|(index, _)| Value::Int(index as i128)).ok_or_else(missing)
        }
        _ => Err(unknown(of, name)),
    }
}

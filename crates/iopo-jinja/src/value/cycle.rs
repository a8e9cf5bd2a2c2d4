//! Values that can change: cycles are refused, and long chains are dropped without recursion.

use std::cell::RefCell;
use std::collections::HashSet;
use std::rc::Rc;

use super::Value;
use super::object::Object;
use crate::budget;
use crate::error::{Error, ErrorKind, Result};

/// Refuses to put a value into a namespace or a loop that the value contains.
pub(crate) fn refuse_cycle(into: &Object, value: &Value) -> Result<()> {
    let mut seen: HashSet<*const ()> = HashSet::new();
    let mut open = vec![value.clone()];
    while let Some(value) = open.pop() {
        if !value.shape().open || !budget::spend(1) {
            continue;
        }
        let (at, inner): (*const (), Vec<Value>) = match &value {
            Value::List(items) | Value::Tuple(items) => (Rc::as_ptr(items).cast(), items.to_vec()),
            Value::Dict(dict) => (Rc::as_ptr(dict).cast(), dict.parts().cloned().collect()),
            Value::Object(object) if std::ptr::eq(Rc::as_ptr(object), into) => {
                let reason = "found a namespace or a loop that would hold itself";
                return Err(Error::new(ErrorKind::Unsupported, reason));
            }
            Value::Object(object) => (Rc::as_ptr(object).cast(), held(object)),
            _ => continue,
        };
        if seen.insert(at) && budget::spend(inner.len()) {
            open.extend(inner);
        }
    }
    budget::check()
}

/// The values in an object that can contain other values.
fn held(object: &Object) -> Vec<Value> {
    match object {
        Object::View(dict, _) => vec![Value::Dict(Rc::clone(dict))],
        Object::Iter(generator) => generator.items.borrow().iter().cloned().collect(),
        Object::Group(key, list) => vec![key.clone(), list.clone()],
        Object::Namespace(namespace) => namespace.attributes.borrow().parts().cloned().collect(),
        Object::Cycler { items, .. } => items.to_vec(),
        Object::Joiner { separator, .. } => vec![separator.clone()],
        Object::Method { of, .. } => vec![of.clone()],
        Object::Loop(one) => {
            let state = one.state.borrow();
            let single = [&state.current, &state.before, &state.changed].into_iter().flatten();
            state.pending.iter().chain(&state.ahead).chain(single).cloned().collect()
        }
        Object::Range(_)
        | Object::Macro(_)
        | Object::Function(_)
        | Object::Blocks
        | Object::Block(_) => Vec::new(),
    }
}

thread_local! {
    /// Values to drop after the one that is being dropped; `None` if none is being dropped.
    static BURIED: RefCell<Option<Vec<Value>>> = const { RefCell::new(None) };
}

/// Drops the values of a namespace or a loop. Nested namespaces and loops are dropped iteratively, because a template can chain
/// any number of them.
pub(crate) fn bury(values: impl Iterator<Item = Value>) {
    let values: Vec<Value> = values.filter(|value| value.shape().open).collect();
    if values.is_empty() {
        return;
    }
    let mut next = BURIED.with_borrow_mut(|buried| {
        if let Some(buried) = buried {
            buried.extend(values);
            return None;
        }
        *buried = Some(Vec::new());
        Some(values)
    });
    while let Some(values) = next {
        drop(values);
        next = BURIED.with_borrow_mut(|buried| match buried {
            Some(more) if !more.is_empty() => Some(std::mem::take(more)),
            _ => {
                *buried = None;
                None
            }
        });
    }
}

//! Attributes and items, in the order in which Jinja looks for them.

use std::sync::Arc;

use super::Machine;
use super::evaluate::no_attribute;
use crate::budget;
use crate::error::Result;
use crate::globals::Function;
use crate::methods;
use crate::value::{Object, Value};

impl Machine<'_> {
    /// The value of `value.name`: an attribute of the type, then an item.
    pub(crate) fn attribute(&self, value: &Value, name: &str) -> Result<Value> {
        if let Value::Undefined(missing) = value {
            return Err(missing.error());
        }
        if let Some(found) = self.own_attribute(value, name)? {
            return Ok(found);
        }
        if let Value::Dict(dict) = value
            && let Some(found) = dict.get_text(name)
        {
            return Ok(found.clone());
        }
        Ok(no_attribute(value, &Value::str(name)))
    }

    /// The value of `value[key]`: an item, then an attribute of the type.
    pub(crate) fn item(&self, value: &Value, key: &Value) -> Result<Value> {
        if let Value::Undefined(missing) = value {
            return Err(missing.error());
        }
        if let Some(found) = element(value, key)? {
            return Ok(found);
        }
        if let Some(name) = key.as_text()
            && let Some(found) = self.own_attribute(value, name)?
        {
            return Ok(found);
        }
        Ok(no_attribute(value, key))
    }

    /// An attribute of the value's type: a method or a property.
    pub(crate) fn own_attribute(&self, value: &Value, name: &str) -> Result<Option<Value>> {
        if name.starts_with('_') {
            return Ok(None);
        }
        let method = || {
            let (of, name) = (value.clone(), Arc::from(name));
            Ok(Some(Value::object(Object::Method { of, name })))
        };
        if methods::changes(value, name) {
            return Ok(Some(Value::unsafe_attribute(value, name)));
        }
        if methods::names(value).contains(&name) {
            return method();
        }
        let Value::Object(object) = value else {
            return Ok(number_property(value, name));
        };
        Ok(match &**object {
            Object::Namespace(namespace) => namespace.attributes.borrow().get_text(name).cloned(),
            Object::Group(key, list) => match name {
                "grouper" => Some(key.clone()),
                "list" => Some(list.clone()),
                _ => None,
            },
            Object::Range(range) => match name {
                "start" => Some(Value::Int(range.start)),
                "stop" => Some(Value::Int(range.stop)),
                "step" => Some(Value::Int(range.step)),
                _ => None,
            },
            Object::Cycler { items, at } if name == "current" => items.get(at.get()).cloned(),
            Object::Loop(one) => self.loop_attribute(one, name)?,
            Object::Macro(closure) => match name {
                "name" => Some(closure.code.name.as_deref().map_or(Value::None, Value::str)),
                "arguments" => Some(Value::tuple(
                    closure.code.parameters.iter().map(|(name, _)| Value::str(&**name)).collect(),
                )),
                "catch_kwargs" => Some(Value::Bool(closure.code.uses.kwargs)),
                "catch_varargs" => Some(Value::Bool(closure.code.uses.varargs)),
                "caller" => Some(Value::Bool(closure.code.uses.caller)),
                _ => None,
            },
            Object::Function(Function::Dict) if name == "fromkeys" => {
                Some(Value::object(Object::Function(Function::FromKeys)))
            }
            Object::Blocks => {
                budget::charge(self.template.blocks.len() / 64)?;
                let block = self.template.blocks.iter().find(|block| &*block.name == name);
                block.map(|block| Value::object(Object::Block(Arc::clone(block))))
            }
            _ => None,
        })
    }
}

/// An item by its key or its index.
fn element(value: &Value, key: &Value) -> Result<Option<Value>> {
    match value {
        Value::Dict(dict) => Ok(dict.get(key).cloned()),
        Value::Str(text) => {
            budget::charge(text.text.len() / 1024)?;
            Ok(at_index(value, key))
        }
        _ => Ok(at_index(value, key)),
    }
}

fn at_index(value: &Value, key: &Value) -> Option<Value> {
    let index = key.as_int()?;
    let at = |len: usize| {
        let index = if index < 0 { index.checked_add(len as i128)? } else { index };
        usize::try_from(index).ok().filter(|index| *index < len)
    };
    match value {
        Value::Str(text) => {
            let c = text.text.chars().nth(at(value.len()?)?)?;
            Some(Value::marked(c.encode_utf8(&mut [0; 4]), text.safe))
        }
        Value::Bytes(bytes) => Some(Value::Int(i128::from(bytes[at(bytes.len())?]))),
        Value::List(items) | Value::Tuple(items) => items.get(at(items.len())?).cloned(),
        Value::Object(object) => match &**object {
            Object::Range(range) => Some(Value::Int(range.get(at(range.len())?))),
            Object::Group(key, list) => Some(if at(2)? == 0 { key.clone() } else { list.clone() }),
            _ => None,
        },
        _ => None,
    }
}

fn number_property(value: &Value, name: &str) -> Option<Value> {
    match (value, name) {
        (Value::Float(_), "real") => Some(value.clone()),
        (Value::Float(_), "imag") => Some(Value::Float(0.0)),
        (Value::Int(_) | Value::Bool(_), "real" | "numerator") => value.as_int().map(Value::Int),
        (Value::Int(_) | Value::Bool(_), "imag") => Some(Value::Int(0)),
        (Value::Int(_) | Value::Bool(_), "denominator") => Some(Value::Int(1)),
        _ => None,
    }
}

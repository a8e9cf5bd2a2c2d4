//! Values of a template, with the behavior of Python's types.

pub(crate) mod compare;
pub(crate) mod cycle;
pub(crate) mod dict;
mod items;
pub(crate) mod iterate;
pub(crate) mod number;
pub(crate) mod object;
pub(crate) mod repr;
pub(crate) mod shape;

use std::rc::Rc;
use std::sync::Arc;

use serde_json::Value as Json;

use crate::ast::Literal;
use crate::budget;
use crate::error::{Error, ErrorKind, Result};
pub(crate) use dict::Dict;
pub(crate) use items::Items;
use object::Generator;
pub(crate) use object::Object;
use shape::{MAX_DEPTH, Shape};

/// A value.
#[derive(Debug, Clone)]
pub(crate) enum Value {
    Undefined(Rc<Missing>),
    None,
    Bool(bool),
    Int(i128),
    Float(f64),
    Str(Text),
    Bytes(Rc<[u8]>),
    List(Rc<Items>),
    Tuple(Rc<Items>),
    Dict(Rc<Dict>),
    Object(Rc<Object>),
}

/// A string, which can be marked as safe HTML.
#[derive(Debug, Clone)]
pub(crate) struct Text {
    pub(crate) text: Arc<str>,
    pub(crate) safe: bool,
}

impl Text {
    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }
}

/// The reason why a value is undefined.
#[derive(Debug)]
pub(crate) struct Missing {
    pub(crate) reason: String,
    /// Whether the sandbox hides the attribute.
    pub(crate) unsafe_attribute: bool,
}

impl Missing {
    /// Returns the error of using the value.
    pub(crate) fn error(&self) -> Error {
        let kind = if self.unsafe_attribute { ErrorKind::Security } else { ErrorKind::Undefined };
        Error::new(kind, self.reason.clone())
    }
}

/// A name for an error message, cut after 64 characters.
pub(crate) fn short(name: &str) -> &str {
    name.char_indices().nth(64).map_or(name, |(end, _)| &name[..end])
}

impl Value {
    /// An undefined value. Names in the reason can come from data: see [`short`].
    pub(crate) fn undefined(reason: impl Into<String>) -> Self {
        Self::Undefined(Rc::new(Missing { reason: reason.into(), unsafe_attribute: false }))
    }

    pub(crate) fn unsafe_attribute(value: &Self, name: &str) -> Self {
        let name = short(name);
        let reason =
            format!("access to attribute '{name}' of '{}' object is unsafe", value.type_name());
        Self::Undefined(Rc::new(Missing { reason, unsafe_attribute: true }))
    }

    pub(crate) fn str(text: impl AsRef<str>) -> Self {
        Self::marked(text, false)
    }

    /// A string that is safe HTML if `safe` is set.
    pub(crate) fn marked(text: impl AsRef<str>, safe: bool) -> Self {
        Self::Str(Text { text: Arc::from(text.as_ref()), safe })
    }

    pub(crate) fn list(items: Vec<Self>) -> Self {
        Self::List(Rc::new(Items::new(items)))
    }

    pub(crate) fn tuple(items: Vec<Self>) -> Self {
        Self::Tuple(Rc::new(Items::new(items)))
    }

    pub(crate) fn dict(dict: Dict) -> Self {
        Self::Dict(Rc::new(dict))
    }

    /// An object. If it is nested too deeply, it is replaced by none, and the statement fails.
    pub(crate) fn object(object: Object) -> Self {
        if !object.shape().allowed() {
            return Self::None;
        }
        Self::Object(Rc::new(object))
    }

    /// A generator over items that are already computed.
    pub(crate) fn generator(items: impl IntoIterator<Item = Self>) -> Self {
        Self::object(Object::Iter(Generator::new(items.into_iter().collect())))
    }

    /// Converts JSON. The order of keys is kept. A value that is nested too deeply is replaced by none, and the
    /// rendering fails.
    pub(crate) fn from_json(json: &Json) -> Self {
        Self::from_json_in(json, 0)
    }

    fn from_json_in(json: &Json, depth: u16) -> Self {
        if depth >= MAX_DEPTH {
            budget::refuse(shape::too_deep());
            return Self::None;
        }
        let inner = |json: &Json| Self::from_json_in(json, depth + 1);
        match json {
            Json::Null => Self::None,
            Json::Bool(value) => Self::Bool(*value),
            Json::Number(number) => match (number.as_i64(), number.as_u64()) {
                (Some(value), _) => Self::Int(i128::from(value)),
                (None, Some(value)) => Self::Int(i128::from(value)),
                (None, None) => Self::Float(number.as_f64().unwrap_or(f64::NAN)),
            },
            Json::String(text) => Self::str(text),
            Json::Array(items) => Self::list(items.iter().map(inner).collect()),
            Json::Object(map) => {
                Self::dict(map.iter().map(|(key, value)| (Self::str(key), inner(value))).collect())
            }
        }
    }

    pub(crate) fn from_literal(literal: &Literal) -> Self {
        match literal {
            Literal::None => Self::None,
            Literal::Bool(value) => Self::Bool(*value),
            Literal::Int(value) => Self::Int(*value),
            Literal::Float(value) => Self::Float(*value),
            Literal::Str(text) => Self::Str(Text { text: Arc::clone(text), safe: false }),
        }
    }

    /// The name of Python's type.
    pub(crate) fn type_name(&self) -> &'static str {
        match self {
            Self::Undefined(_) => "Undefined",
            Self::None => "NoneType",
            Self::Bool(_) => "bool",
            Self::Int(_) => "int",
            Self::Float(_) => "float",
            Self::Str(text) => {
                if text.safe {
                    "Markup"
                } else {
                    "str"
                }
            }
            Self::Bytes(_) => "bytes",
            Self::List(_) => "list",
            Self::Tuple(_) => "tuple",
            Self::Dict(_) => "dict",
            Self::Object(object) => object.type_name(),
        }
    }

    /// Python's truth value.
    pub(crate) fn truthy(&self) -> bool {
        match self {
            Self::Undefined(_) | Self::None => false,
            Self::Bool(value) => *value,
            Self::Int(value) => *value != 0,
            Self::Float(value) => *value != 0.0,
            Self::Str(text) => !text.text.is_empty(),
            Self::Bytes(bytes) => !bytes.is_empty(),
            Self::List(items) | Self::Tuple(items) => !items.is_empty(),
            Self::Dict(dict) => !dict.is_empty(),
            Self::Object(object) => object.len().is_none_or(|len| len != 0),
        }
    }

    pub(crate) fn is_undefined(&self) -> bool {
        matches!(self, Self::Undefined(_))
    }

    pub(crate) fn as_text(&self) -> Option<&str> {
        match self {
            Self::Str(text) => Some(text.as_str()),
            _ => None,
        }
    }

    /// The value as an integer; booleans count as 0 and 1.
    pub(crate) fn as_int(&self) -> Option<i128> {
        match self {
            Self::Bool(value) => Some(i128::from(*value)),
            Self::Int(value) => Some(*value),
            _ => None,
        }
    }

    /// The value as a float, if it is a number.
    pub(crate) fn as_float(&self) -> Option<f64> {
        match self {
            Self::Float(value) => Some(*value),
            _ => self.as_int().map(|value| value as f64),
        }
    }

    /// The integer, or the error of Python's `__index__`.
    pub(crate) fn index(&self) -> Result<i128> {
        if let Self::Undefined(missing) = self {
            return Err(missing.error());
        }
        self.as_int().ok_or_else(|| {
            let name = self.type_name();
            Error::of_type(format!("'{name}' object cannot be interpreted as an integer"))
        })
    }

    /// The string, or the error of a method that expects one.
    pub(crate) fn text(&self, of: &str) -> Result<&str> {
        if let Self::Undefined(missing) = self {
            return Err(missing.error());
        }
        self.as_text().ok_or_else(|| {
            Error::of_type(format!("{of}: expected a str, found '{}'", self.type_name()))
        })
    }

    /// The number of items as Python's `len` counts them.
    pub(crate) fn len(&self) -> Option<usize> {
        Some(match self {
            Self::Undefined(_) => 0,
            Self::Str(text) => text.text.chars().count(),
            Self::Bytes(bytes) => bytes.len(),
            Self::List(items) | Self::Tuple(items) => items.len(),
            Self::Dict(dict) => dict.len(),
            Self::Object(object) => return object.len(),
            Self::None | Self::Bool(_) | Self::Int(_) | Self::Float(_) => return None,
        })
    }

    /// How deeply the value is nested, and whether it can change.
    pub(crate) fn shape(&self) -> Shape {
        match self {
            Self::List(items) | Self::Tuple(items) => items.shape(),
            Self::Dict(dict) => dict.shape(),
            Self::Object(object) => object.shape(),
            Self::Undefined(_)
            | Self::None
            | Self::Bool(_)
            | Self::Int(_)
            | Self::Float(_)
            | Self::Str(_)
            | Self::Bytes(_) => Shape::default(),
        }
    }

    /// A measure of the memory that a value takes, in bytes. Its parts do not count.
    pub(crate) fn weight(&self) -> usize {
        match self {
            Self::Str(text) => text.text.len(),
            Self::Bytes(bytes) => bytes.len(),
            Self::List(items) | Self::Tuple(items) => 32 * items.len(),
            Self::Dict(dict) => 64 * dict.len(),
            Self::Object(object) => object.weight(),
            _ => 0,
        }
    }
}

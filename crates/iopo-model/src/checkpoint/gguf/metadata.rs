//! The key-value part of a GGUF file.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::reader::Reader;
use crate::error::ModelError;

/// Largest key in bytes.
const MAX_KEY: u64 = 65_535;
/// Largest string in bytes; chat templates are the longest.
const MAX_STRING: u64 = 16 << 20;

/// A value. Arrays other than of strings and 32-bit integers are skipped.
#[derive(Debug, Clone, PartialEq)]
enum Value {
    Integer(i128),
    Float(f64),
    Bool(bool),
    Text(String),
    Texts(Vec<String>),
    Integers(Vec<i64>),
    /// An array that is not needed.
    Skipped,
}

impl Value {
    fn kind(&self) -> &'static str {
        match self {
            Self::Integer(_) => "an integer",
            Self::Float(_) => "a float",
            Self::Bool(_) => "a boolean",
            Self::Text(_) => "a string",
            Self::Texts(_) => "an array of strings",
            Self::Integers(_) => "an array of integers",
            Self::Skipped => "an array of another type",
        }
    }
}

/// The metadata of a GGUF file.
#[derive(Debug, Clone)]
pub(crate) struct Metadata {
    path: PathBuf,
    values: BTreeMap<String, Value>,
}

impl Metadata {
    pub(super) fn read(reader: &mut Reader, path: &Path, count: u64) -> Result<Self, ModelError> {
        // The smallest entry: key length, type, one byte.
        reader.expect("the metadata count", count, 8 + 4 + 1)?;
        let mut values = BTreeMap::new();
        for _ in 0..count {
            let key = reader.string("a metadata key", MAX_KEY)?;
            let tag = reader.u32("a metadata type")?;
            let value = read_value(reader, &key, tag)?;
            if values.insert(key.clone(), value).is_some() {
                return Err(reader.bad(format!("metadata key `{key}` is listed twice")));
            }
        }
        Ok(Self { path: path.to_owned(), values })
    }

    /// The file, for errors.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    fn typed<'a, T>(
        &'a self,
        key: &str,
        expected: &str,
        convert: impl FnOnce(&'a Value) -> Option<T>,
    ) -> Result<Option<T>, ModelError> {
        let Some(value) = self.values.get(key) else { return Ok(None) };
        match convert(value) {
            Some(converted) => Ok(Some(converted)),
            None => Err(ModelError::config(&self.path, key, expected, value.kind())),
        }
    }

    pub(crate) fn text(&self, key: &str) -> Result<Option<&str>, ModelError> {
        self.typed(key, "a string", |value| match value {
            Value::Text(text) => Some(text.as_str()),
            _ => None,
        })
    }

    pub(crate) fn texts(&self, key: &str) -> Result<Option<&[String]>, ModelError> {
        self.typed(key, "an array of strings", |value| match value {
            Value::Texts(texts) => Some(texts.as_slice()),
            _ => None,
        })
    }

    pub(crate) fn integers(&self, key: &str) -> Result<Option<&[i64]>, ModelError> {
        self.typed(key, "an array of 32-bit integers", |value| match value {
            Value::Integers(integers) => Some(integers.as_slice()),
            _ => None,
        })
    }

    pub(crate) fn id(&self, key: &str) -> Result<Option<u32>, ModelError> {
        self.typed(key, "a token id", |value| match value {
            Value::Integer(id) => u32::try_from(*id).ok(),
            _ => None,
        })
    }

    /// Returns a float; f32 values keep their decimal form (1e-5, not 9.99999974e-6).
    pub(crate) fn float(&self, key: &str) -> Result<Option<f64>, ModelError> {
        self.typed(key, "a number", |value| match value {
            Value::Float(float) => Some(*float),
            Value::Integer(integer) => Some(*integer as f64),
            _ => None,
        })
    }

    /// Returns a whole number up to `limit`; `None` if the key is absent.
    pub(crate) fn size(&self, key: &str, limit: usize) -> Result<Option<usize>, ModelError> {
        let expected = format!("a whole number from 0 to {limit}");
        self.typed(key, &expected, |value| match value {
            Value::Integer(size) => usize::try_from(*size).ok().filter(|size| *size <= limit),
            _ => None,
        })
    }

    /// Returns a positive whole number up to `limit`, or an error if the key is absent.
    pub(crate) fn required(&self, key: &str, limit: usize) -> Result<usize, ModelError> {
        let size = self.size(key, limit)?;
        size.filter(|size| *size > 0).ok_or_else(|| {
            let found = if size.is_some() { "0" } else { "nothing" };
            ModelError::config(&self.path, key, format!("a whole number from 1 to {limit}"), found)
        })
    }
}

fn read_value(reader: &mut Reader, key: &str, tag: u32) -> Result<Value, ModelError> {
    let what = format!("the value of `{key}`");
    Ok(match tag {
        0 => Value::Integer(reader.array::<1>(&what)?[0].into()),
        1 => Value::Integer(i8::from_le_bytes(reader.array(&what)?).into()),
        2 => Value::Integer(u16::from_le_bytes(reader.array(&what)?).into()),
        3 => Value::Integer(i16::from_le_bytes(reader.array(&what)?).into()),
        4 => Value::Integer(reader.u32(&what)?.into()),
        5 => Value::Integer(i32::from_le_bytes(reader.array(&what)?).into()),
        6 => {
            let float = f32::from_le_bytes(reader.array(&what)?);
            // The shortest decimal form of the f32 is the value that the author wrote.
            Value::Float(float.to_string().parse().unwrap_or(f64::from(float)))
        }
        7 => match reader.array::<1>(&what)?[0] {
            0 => Value::Bool(false),
            1 => Value::Bool(true),
            other => {
                return Err(
                    reader.bad(format!("{what} is a boolean: found {other}, expected 0 or 1"))
                );
            }
        },
        8 => Value::Text(reader.string(&what, MAX_STRING)?),
        9 => read_array(reader, &what)?,
        10 => Value::Integer(reader.u64(&what)?.into()),
        11 => Value::Integer(i64::from_le_bytes(reader.array(&what)?).into()),
        12 => Value::Float(f64::from_le_bytes(reader.array(&what)?)),
        other => return Err(reader.bad(format!("{what} has the unknown type {other}"))),
    })
}

fn read_array(reader: &mut Reader, what: &str) -> Result<Value, ModelError> {
    let tag = reader.u32(what)?;
    let count = reader.u64(what)?;
    let size = match tag {
        0 | 1 | 7 => 1,
        2 | 3 => 2,
        4..=6 => 4,
        8 | 10..=12 => 8,
        9 => {
            return Err(reader.bad(format!("{what} is an array of arrays, which is not supported")));
        }
        other => return Err(reader.bad(format!("{what} is an array of the unknown type {other}"))),
    };
    reader.expect(what, count, size)?;
    match tag {
        4 | 5 => {
            let mut integers = Vec::with_capacity(count as usize);
            for _ in 0..count {
                let bytes = reader.array(what)?;
                integers.push(match tag {
                    4 => u32::from_le_bytes(bytes).into(),
                    _ => i32::from_le_bytes(bytes).into(),
                });
            }
            Ok(Value::Integers(integers))
        }
        8 => {
            let mut texts = Vec::new();
            for _ in 0..count {
                texts.push(reader.string(what, MAX_STRING)?);
            }
            Ok(Value::Texts(texts))
        }
        _ => {
            reader.skip(what, count * size)?;
            Ok(Value::Skipped)
        }
    }
}

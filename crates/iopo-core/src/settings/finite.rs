//! Finds a number that is not finite, which JSON cannot represent: `serde_json` writes it as null, like a missing value.

use std::fmt;

use serde::ser::{self, Serialize, Serializer};

use super::SettingError;

/// Refuses a value that contains a number that is not finite.
pub(super) fn check(value: &impl Serialize) -> Result<(), SettingError> {
    match value.serialize(Finite { key: String::new() }) {
        Err(Stop::NotFinite { key }) => Err(error(key)),
        // Another error is one of the conversion to JSON, which reports it.
        Ok(()) | Err(Stop::Other) => Ok(()),
    }
}

/// Returns the error about a number that is not finite.
pub(super) fn error(key: String) -> SettingError {
    SettingError::new(key, "a number that is not finite", "a finite number")
}

/// Why the search ended early.
#[derive(Debug)]
enum Stop {
    NotFinite { key: String },
    Other,
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFinite { key } => write!(f, "`{key}` is not finite"),
            Self::Other => f.write_str("the value cannot be serialized"),
        }
    }
}

impl std::error::Error for Stop {}

impl ser::Error for Stop {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self::Other
    }
}

/// Serializes into nothing and stops at the first number that is not finite.
struct Finite {
    /// The key of the value.
    key: String,
}

impl Finite {
    fn number(self, number: f64) -> Result<(), Stop> {
        if number.is_finite() { Ok(()) } else { Err(Stop::NotFinite { key: self.key }) }
    }

    fn fields(self) -> Fields {
        Fields { key: self.key, entry: String::new(), index: 0 }
    }
}

macro_rules! always_finite {
    ($($method:ident($type:ty))*) => {
        $(fn $method(self, _: $type) -> Result<(), Stop> {
            Ok(())
        })*
    };
}

impl Serializer for Finite {
    type Ok = ();
    type Error = Stop;
    type SerializeSeq = Fields;
    type SerializeTuple = Fields;
    type SerializeTupleStruct = Fields;
    type SerializeTupleVariant = Fields;
    type SerializeMap = Fields;
    type SerializeStruct = Fields;
    type SerializeStructVariant = Fields;

    always_finite! {
        serialize_bool(bool)
        serialize_i8(i8) serialize_i16(i16) serialize_i32(i32) serialize_i64(i64) serialize_i128(i128)
        serialize_u8(u8) serialize_u16(u16) serialize_u32(u32) serialize_u64(u64) serialize_u128(u128)
        serialize_char(char) serialize_str(&str) serialize_bytes(&[u8]) serialize_unit_struct(&'static str)
    }

    fn serialize_f32(self, number: f32) -> Result<(), Stop> {
        self.number(f64::from(number))
    }

    fn serialize_f64(self, number: f64) -> Result<(), Stop> {
        self.number(number)
    }

    fn serialize_none(self) -> Result<(), Stop> {
        Ok(())
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Stop> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), Stop> {
        Ok(())
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, _: &'static str) -> Result<(), Stop> {
        Ok(())
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), Stop> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), Stop> {
        value.serialize(Self { key: inside(&self.key, variant) })
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Fields, Stop> {
        Ok(self.fields())
    }

    fn serialize_tuple(self, _: usize) -> Result<Fields, Stop> {
        Ok(self.fields())
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Fields, Stop> {
        Ok(self.fields())
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Fields, Stop> {
        Ok(Self { key: inside(&self.key, variant) }.fields())
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Fields, Stop> {
        Ok(self.fields())
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Fields, Stop> {
        Ok(self.fields())
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Fields, Stop> {
        Ok(Self { key: inside(&self.key, variant) }.fields())
    }
}

/// The fields, entries or elements of a value.
struct Fields {
    /// The key of the value.
    key: String,
    /// The key of the map's current entry.
    entry: String,
    /// The index of the next element.
    index: usize,
}

impl Fields {
    fn field<T: Serialize + ?Sized>(&self, name: &str, value: &T) -> Result<(), Stop> {
        value.serialize(Finite { key: inside(&self.key, name) })
    }

    fn element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Stop> {
        let key = format!("{}[{}]", self.key, self.index);
        self.index += 1;
        value.serialize(Finite { key })
    }
}

/// Returns the key of `name` inside of `key`.
fn inside(key: &str, name: &str) -> String {
    if key.is_empty() { name.to_owned() } else { format!("{key}.{name}") }
}

macro_rules! elements {
    ($($trait:ident::$method:ident)*) => {
        $(impl ser::$trait for Fields {
            type Ok = ();
            type Error = Stop;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Stop> {
                self.element(value)
            }

            fn end(self) -> Result<(), Stop> {
                Ok(())
            }
        })*
    };
}

elements! {
    SerializeSeq::serialize_element
    SerializeTuple::serialize_element
    SerializeTupleStruct::serialize_field
    SerializeTupleVariant::serialize_field
}

macro_rules! fields {
    ($($trait:ident)*) => {
        $(impl ser::$trait for Fields {
            type Ok = ();
            type Error = Stop;

            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                name: &'static str,
                value: &T,
            ) -> Result<(), Stop> {
                self.field(name, value)
            }

            fn end(self) -> Result<(), Stop> {
                Ok(())
            }
        })*
    };
}

fields! { SerializeStruct SerializeStructVariant }

impl ser::SerializeMap for Fields {
    type Ok = ();
    type Error = Stop;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Stop> {
        self.entry = match serde_json::to_value(key) {
            Ok(serde_json::Value::String(name)) => name,
            Ok(other) => other.to_string(),
            Err(_) => return Err(Stop::Other),
        };
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Stop> {
        self.field(&self.entry, value)
    }

    fn end(self) -> Result<(), Stop> {
        Ok(())
    }
}

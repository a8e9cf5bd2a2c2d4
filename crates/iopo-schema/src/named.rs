//! Enums that are stored and displayed as names.

use std::fmt;
use std::str::FromStr;

use arrow_array::ArrayRef;
use arrow_array::StringArray;
use arrow_schema::{ArrowError, DataType};

use crate::SchemaError;
use crate::value::{downcast, encode_texts};

/// The error for a name that an enum does not have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("found `{got}`, expected {expected}")]
pub struct UnknownName {
    /// The known names.
    pub expected: String,
    /// The unknown name.
    pub got: String,
}

/// Declares an enum by its variants and their stored names.
///
/// Parquet, JSON, `Display` and `FromStr` all use this name.
macro_rules! names {
    (
        $(#[$meta:meta])*
        pub enum $type:ident {
            $($(#[$variant_meta:meta])* $variant:ident = $name:literal),+ $(,)?
        }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $type { $($(#[$variant_meta])* $variant),+ }

        impl $type {
            /// All values in declaration order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// Returns the stored name.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $name),+
                }
            }
        }

        impl std::fmt::Display for $type {
            fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.pad(self.as_str())
            }
        }

        impl std::str::FromStr for $type {
            type Err = $crate::UnknownName;

            fn from_str(name: &str) -> Result<Self, Self::Err> {
                let found = Self::ALL.iter().copied().find(|value| value.as_str() == name);
                found.ok_or_else(|| {
                    let names: Vec<String> =
                        Self::ALL.iter().map(|value| format!("`{value}`")).collect();
                    let expected = format!("one of {}", names.join(", "));
                    $crate::UnknownName { expected, got: name.to_owned() }
                })
            }
        }

        impl From<$type> for String {
            fn from(value: $type) -> Self {
                value.as_str().to_owned()
            }
        }

        $crate::named::stored_as_text!($type);
    };
}

/// Stores a type with `Display` and `FromStr` as text in Parquet and JSON.
macro_rules! stored_as_text {
    ($type:ident) => {
        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let name = <String as serde::Deserialize>::deserialize(deserializer)?;
                name.parse().map_err(serde::de::Error::custom)
            }
        }

        impl $crate::value::Value for $type {
            fn data_type() -> arrow_schema::DataType {
                arrow_schema::DataType::Utf8
            }

            fn encode(
                values: &[Option<&Self>],
            ) -> Result<arrow_array::ArrayRef, arrow_schema::ArrowError> {
                $crate::named::encode(values)
            }

            fn decode(
                array: &arrow_array::ArrayRef,
                column: &str,
            ) -> Result<Vec<Option<Self>>, $crate::SchemaError> {
                $crate::named::decode(array, column)
            }
        }
    };
}

pub(crate) use {names, stored_as_text};

/// Encodes values as a column of text.
pub(crate) fn encode<T: fmt::Display>(values: &[Option<&T>]) -> Result<ArrayRef, ArrowError> {
    let texts: Vec<Option<String>> =
        values.iter().map(|value| value.map(ToString::to_string)).collect();
    encode_texts(texts.iter().map(Option::as_deref))
}

/// Parses the values of a text column.
pub(crate) fn decode<T: FromStr<Err = UnknownName>>(
    array: &ArrayRef,
    column: &str,
) -> Result<Vec<Option<T>>, SchemaError> {
    let texts = downcast::<StringArray>(array, column, &DataType::Utf8)?;
    let parse = |(entry, text): (usize, Option<&str>)| {
        text.map(str::parse::<T>).transpose().map_err(|UnknownName { expected, got }| {
            SchemaError::value(column, expected, format!("`{got}`"), entry)
        })
    };
    texts.iter().enumerate().map(parse).collect()
}

#[cfg(test)]
mod tests {
    use crate::{GroupKind, Operation, Split};

    #[test]
    fn json_display_and_parsing_agree() {
        for operation in Operation::ALL {
            assert_eq!(operation.to_string().parse(), Ok(*operation));
            let json = serde_json::to_string(operation).unwrap_or_default();
            assert_eq!(json, format!("\"{operation}\""));
            assert_eq!(serde_json::from_str::<Operation>(&json).ok(), Some(*operation));
        }
        assert_eq!(format!("{:>6}", Split::Dev), "   dev");
    }

    #[test]
    fn an_unknown_name_lists_the_known_ones() {
        let error = "half".parse::<GroupKind>().unwrap_err();
        assert_eq!(error.to_string(), "found `half`, expected one of `full`, `sided`, `pair`");
    }
}

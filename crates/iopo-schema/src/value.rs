//! Leaf values as Arrow columns.

use arrow_array::builder::StringBuilder;
use arrow_array::{
    Array, ArrayRef, BooleanArray, Float64Array, StringArray, UInt32Array, UInt64Array,
};
use arrow_schema::ArrowError;
use arrow_schema::DataType;
use std::sync::Arc;

use crate::SchemaError;

/// A type that is stored as one Arrow column, nested or not.
///
/// `None` is null in both directions. The caller decides whether a null is allowed, because only the caller knows
/// whether the parent is null.
pub(crate) trait Value: Sized {
    const NULLABLE: bool = false;
    /// Returns the value of every row if the file lacks this nullable column.
    fn absent() -> Option<Self> {
        None
    }
    fn data_type() -> DataType;
    fn encode(values: &[Option<&Self>]) -> Result<ArrayRef, ArrowError>;
    fn decode(array: &ArrayRef, column: &str) -> Result<Vec<Option<Self>>, SchemaError>;
}

pub(crate) fn downcast<'a, A: Array + 'static>(
    array: &'a ArrayRef,
    column: &str,
    expected: &DataType,
) -> Result<&'a A, SchemaError> {
    array.as_any().downcast_ref::<A>().ok_or_else(|| {
        SchemaError::column_type(column, describe(expected), describe(array.data_type()))
    })
}

/// Describes a type in a few words. Nested types are not spelled out, since errors name the nested column.
pub(crate) fn describe(data_type: &DataType) -> String {
    match data_type {
        DataType::Utf8 => "text (utf8)".to_owned(),
        DataType::List(_) => "a list".to_owned(),
        DataType::Struct(_) => "a struct".to_owned(),
        other => other.to_string(),
    }
}

macro_rules! primitive {
    ($type:ty, $array:ty, $data_type:expr) => {
        impl Value for $type {
            fn data_type() -> DataType {
                $data_type
            }

            fn encode(values: &[Option<&Self>]) -> Result<ArrayRef, ArrowError> {
                Ok(Arc::new(values.iter().map(|value| value.copied()).collect::<$array>()))
            }

            fn decode(array: &ArrayRef, column: &str) -> Result<Vec<Option<Self>>, SchemaError> {
                Ok(downcast::<$array>(array, column, &$data_type)?.iter().collect())
            }
        }
    };
}

primitive!(bool, BooleanArray, DataType::Boolean);
primitive!(u32, UInt32Array, DataType::UInt32);
primitive!(u64, UInt64Array, DataType::UInt64);
primitive!(f64, Float64Array, DataType::Float64);

/// Encodes text with 32-bit offsets. More than 2 GiB in one batch is an error; the builder would panic.
pub(crate) fn encode_texts<'a>(
    texts: impl Iterator<Item = Option<&'a str>> + Clone,
) -> Result<ArrayRef, ArrowError> {
    let bytes: usize = texts.clone().map(|text| text.map_or(0, str::len)).sum();
    if bytes > i32::MAX as usize {
        return Err(ArrowError::InvalidArgumentError(format!(
            "a batch has {bytes} bytes of text, the limit is {}",
            i32::MAX
        )));
    }
    let mut builder = StringBuilder::with_capacity(texts.clone().count(), bytes);
    texts.for_each(|text| builder.append_option(text));
    Ok(Arc::new(builder.finish()))
}

impl Value for String {
    fn data_type() -> DataType {
        DataType::Utf8
    }

    fn encode(values: &[Option<&Self>]) -> Result<ArrayRef, ArrowError> {
        encode_texts(values.iter().map(|value| value.map(String::as_str)))
    }

    fn decode(array: &ArrayRef, column: &str) -> Result<Vec<Option<Self>>, SchemaError> {
        let array = downcast::<StringArray>(array, column, &DataType::Utf8)?;
        Ok(array.iter().map(|text| text.map(str::to_owned)).collect())
    }
}

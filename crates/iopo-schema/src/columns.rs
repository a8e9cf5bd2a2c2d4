//! Nested values as Arrow columns: options, lists, structs.

use std::sync::Arc;

use arrow_array::{Array, ArrayRef, ListArray};
use arrow_buffer::{NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow_schema::ArrowError;
use arrow_schema::{DataType, Field, FieldRef};

use crate::SchemaError;
use crate::value::{Value, downcast};

/// Returns the decoded values of a column that allows no null, or an error about the first null.
pub(crate) fn required<T>(values: Vec<Option<T>>, column: &str) -> Result<Vec<T>, SchemaError> {
    let present =
        |(entry, value): (usize, Option<T>)| value.ok_or_else(|| SchemaError::null(column, entry));
    values.into_iter().enumerate().map(present).collect()
}

/// A nullable column. The outer option is `None` where the parent is null, the inner one where this value is.
impl<T: Value> Value for Option<T> {
    const NULLABLE: bool = true;

    fn absent() -> Option<Self> {
        Some(None)
    }

    fn data_type() -> DataType {
        T::data_type()
    }

    fn encode(values: &[Option<&Self>]) -> Result<ArrayRef, ArrowError> {
        let flat: Vec<Option<&T>> =
            values.iter().map(|value| value.and_then(Option::as_ref)).collect();
        T::encode(&flat)
    }

    fn decode(array: &ArrayRef, column: &str) -> Result<Vec<Option<Self>>, SchemaError> {
        Ok(T::decode(array, column)?.into_iter().map(Some).collect())
    }
}

/// Returns the field of a list's elements, with the name that the Parquet specification gives it.
fn element<T: Value>() -> FieldRef {
    Arc::new(Field::new("element", T::data_type(), T::NULLABLE))
}

fn encode_list<T: Value>(values: &[Option<&[T]>]) -> Result<ArrayRef, ArrowError> {
    let mut offsets = Vec::with_capacity(values.len() + 1);
    let mut flat = Vec::new();
    offsets.push(0);
    for value in values {
        flat.extend(value.unwrap_or_default().iter().map(Some));
        let end = i32::try_from(flat.len()).map_err(|_| {
            ArrowError::InvalidArgumentError("a batch has 2^31 list elements or more".into())
        })?;
        offsets.push(end);
    }
    let nulls: NullBuffer = values.iter().map(Option::is_some).collect();
    let offsets = OffsetBuffer::new(ScalarBuffer::from(offsets));
    Ok(Arc::new(ListArray::try_new(element::<T>(), offsets, T::encode(&flat)?, Some(nulls))?))
}

impl<T: Value> Value for Vec<T> {
    fn data_type() -> DataType {
        DataType::List(element::<T>())
    }

    fn encode(values: &[Option<&Self>]) -> Result<ArrayRef, ArrowError> {
        let slices: Vec<Option<&[T]>> =
            values.iter().map(|value| value.map(Vec::as_slice)).collect();
        encode_list(&slices)
    }

    fn decode(array: &ArrayRef, column: &str) -> Result<Vec<Option<Self>>, SchemaError> {
        let lists = downcast::<ListArray>(array, column, &Self::data_type())?;
        let column = format!("{column}[]");
        // A sliced array also holds elements outside its offsets; skip those.
        let offsets = lists.value_offsets();
        let first = offsets.first().map_or(0, |offset| *offset as usize);
        let last = offsets.last().map_or(0, |offset| *offset as usize);
        let elements = lists.values().slice(first, last - first);
        let mut elements = T::decode(&elements, &column)?.into_iter();
        let mut decoded = Vec::with_capacity(lists.len());
        for row in 0..lists.len() {
            let list = elements.by_ref().take(lists.value_length(row) as usize).collect();
            decoded.push(if lists.is_null(row) { None } else { Some(required(list, &column)?) });
        }
        Ok(decoded)
    }
}

/// Implements [`Value`] for a struct from the list of its fields.
macro_rules! struct_value {
    ($type:ty { $($field:ident: $value:ty),+ $(,)? }) => {
        impl $crate::value::Value for $type {
            fn data_type() -> arrow_schema::DataType {
                arrow_schema::DataType::Struct(arrow_schema::Fields::from(vec![$(
                    arrow_schema::Field::new(
                        stringify!($field),
                        <$value as $crate::value::Value>::data_type(),
                        <$value as $crate::value::Value>::NULLABLE,
                    ),
                )+]))
            }

            fn encode(
                values: &[Option<&Self>],
            ) -> Result<arrow_array::ArrayRef, arrow_schema::ArrowError> {
                let arrow_schema::DataType::Struct(fields) = Self::data_type() else {
                    unreachable!("data_type above is a struct")
                };
                let nulls: arrow_buffer::NullBuffer = values.iter().map(Option::is_some).collect();
                let columns = vec![$({
                    let column: Vec<Option<&$value>> =
                        values.iter().map(|value| value.map(|value| &value.$field)).collect();
                    <$value as $crate::value::Value>::encode(&column)?
                },)+];
                let nulls = (nulls.null_count() > 0).then_some(nulls);
                Ok(std::sync::Arc::new(arrow_array::StructArray::try_new(fields, columns, nulls)?))
            }

            fn decode(
                array: &arrow_array::ArrayRef,
                column: &str,
            ) -> Result<Vec<Option<Self>>, $crate::SchemaError> {
                use arrow_array::Array as _;
                let rows = $crate::value::downcast::<arrow_array::StructArray>(
                    array,
                    column,
                    &Self::data_type(),
                )?;
                let path = |field: &str| {
                    if column.is_empty() { field.to_owned() } else { format!("{column}.{field}") }
                };
                $(
                    let name = stringify!($field);
                    // Files of earlier releases lack nullable columns that were added later.
                    let absent = || {
                        let absent = |_| <$value as $crate::value::Value>::absent();
                        (0..rows.len()).map(absent).collect::<Vec<_>>()
                    };
                    let values = match rows.column_by_name(name) {
                        Some(values) => {
                            <$value as $crate::value::Value>::decode(values, &path(name))?
                        }
                        None if <$value as $crate::value::Value>::NULLABLE => absent(),
                        None => {
                            return Err($crate::SchemaError::missing_column(
                                &path(name),
                                $crate::value::describe(
                                    &<$value as $crate::value::Value>::data_type(),
                                ),
                                rows.column_names().join(", "),
                            ));
                        }
                    };
                    let mut $field = values.into_iter();
                )+
                let mut decoded = Vec::with_capacity(rows.len());
                for row in 0..rows.len() {
                    // Advance every column in every row, even if the struct is null.
                    $(let $field = $field.next().flatten();)+
                    decoded.push(if rows.is_null(row) {
                        None
                    } else {
                        Some(Self {$(
                            $field: $field
                                .ok_or_else(|| $crate::SchemaError::null(&path(stringify!($field)), row))?,
                        )+})
                    });
                }
                Ok(decoded)
            }
        }
    };
}

pub(crate) use struct_value;

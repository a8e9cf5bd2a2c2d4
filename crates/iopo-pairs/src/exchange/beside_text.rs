//! Columns with something else than text, which is not imported: rows in which they have content are skipped.

use arrow_array::Array;
use arrow_array::cast::AsArray;
use arrow_schema::DataType;
use serde_json::Value;

/// The columns. Both formats read them.
pub(super) const BESIDE_TEXT: [&str; 7] =
    ["image", "images", "video", "videos", "audio", "audios", "tools"];

/// Returns whether a field has content: a list or an object has some if an entry has.
pub(super) fn has_content(field: &Value) -> bool {
    match field {
        Value::Null => false,
        Value::Bool(value) => *value,
        Value::String(text) => is_text(text),
        Value::Array(entries) => entries.iter().any(has_content),
        Value::Object(fields) => fields.values().any(has_content),
        Value::Number(_) => true,
    }
}

/// Returns whether a cell of a table has content, whatever its type.
pub(super) fn cell_has_content(array: &dyn Array, row: usize) -> bool {
    if array.is_null(row) {
        return false;
    }
    match array.data_type() {
        DataType::Null => false,
        DataType::Boolean => array.as_boolean().value(row),
        DataType::Utf8View => is_text(array.as_string_view().value(row)),
        DataType::BinaryView => !array.as_binary_view().value(row).is_empty(),
        DataType::List(_) => {
            let list = array.as_list::<i32>().value(row);
            (0..list.len()).any(|index| cell_has_content(list.as_ref(), index))
        }
        DataType::Struct(_) => {
            let columns = array.as_struct().columns().iter();
            columns.into_iter().any(|column| cell_has_content(column.as_ref(), row))
        }
        _ => true,
    }
}

/// Returns whether a text has content. Tools are often the text of a list, and an absent value can be the text of a null.
fn is_text(text: &str) -> bool {
    !matches!(text.trim(), "" | "[]" | "{}" | "null" | "None")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::{llama_factory, trl};
    use super::{BESIDE_TEXT, has_content};

    #[test]
    fn both_formats_read_what_is_beside_texts() {
        for wanted in [trl::WANTED, llama_factory::WANTED] {
            assert!(BESIDE_TEXT.iter().all(|name| wanted.contains(name)), "{wanted:?}");
        }
    }

    #[test]
    fn a_list_or_object_without_content_is_empty() {
        for empty in [
            json!(null),
            json!(false),
            json!(" "),
            json!("[]"),
            json!("{}"),
            json!("None"),
            json!({}),
            json!([null]),
            json!([[]]),
            json!({"bytes": null, "path": ""}),
        ] {
            assert!(!has_content(&empty), "{empty}");
        }
        for full in [json!("a.png"), json!([{"path": "a.png"}]), json!([0]), json!({"name": "f"})] {
            assert!(has_content(&full), "{full}");
        }
    }
}

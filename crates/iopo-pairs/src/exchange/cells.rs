//! The fields of exported rows, as JSON and as Arrow columns.

use std::sync::Arc;

use arrow_array::{ArrayRef, ListArray, RecordBatch, StringArray, StructArray};
use arrow_buffer::OffsetBuffer;
use arrow_schema::ArrowError;
use arrow_schema::{DataType, Field, FieldRef, Fields, Schema, SchemaRef};
use serde_json::Value;

use super::turns::Names;

/// The form of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// Text.
    Text,
    /// One turn.
    Turn,
    /// A list of turns.
    Turns,
}

/// The fields of a format's rows.
#[derive(Debug, Clone, Copy)]
pub(super) struct Layout {
    pub(super) columns: [(&'static str, Shape); 3],
    pub(super) names: Names,
}

/// One field: speakers and texts. The layout decides its form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cell(Vec<(&'static str, String)>);

impl Cell {
    /// Creates a field of one turn.
    pub(super) fn one((who, text): (&'static str, &str)) -> Self {
        Self(vec![(who, text.to_owned())])
    }

    /// Creates a field of several turns.
    pub(super) fn many(turns: &[(&'static str, &str)]) -> Self {
        Self(turns.iter().map(|(who, text)| (*who, (*text).to_owned())).collect())
    }

    /// Returns the size of the texts in bytes.
    pub(super) fn bytes(&self) -> usize {
        self.0.iter().map(|(_, text)| text.len()).sum()
    }

    fn texts(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(_, text)| text.as_str())
    }
}

impl Layout {
    /// Formats a row as a line of JSON, without the line break.
    pub(super) fn json(&self, row: &[Cell; 3]) -> String {
        let turn = |(who, text): &(&'static str, String)| {
            let [who_name, text_name] = self.names.map(Value::from);
            let (who, text) = (Value::from(*who), Value::from(text.as_str()));
            format!("{{{who_name}: {who}, {text_name}: {text}}}")
        };
        let field = |((name, shape), cell): (&(&'static str, Shape), &Cell)| {
            let turns: Vec<String> = match shape {
                Shape::Text => cell.texts().map(|text| Value::from(text).to_string()).collect(),
                Shape::Turn | Shape::Turns => cell.0.iter().map(turn).collect(),
            };
            let turns = turns.join(", ");
            let value = if *shape == Shape::Turns { format!("[{turns}]") } else { turns };
            format!("{}: {value}", Value::from(*name))
        };
        let fields: Vec<String> = self.columns.iter().zip(row).map(field).collect();
        format!("{{{}}}", fields.join(", "))
    }

    /// Returns the Arrow schema.
    pub(super) fn schema(&self) -> SchemaRef {
        let field = |(name, shape): (&'static str, Shape)| {
            let data_type = match shape {
                Shape::Text => DataType::Utf8,
                Shape::Turn => DataType::Struct(self.turn()),
                Shape::Turns => DataType::List(self.element()),
            };
            Field::new(name, data_type, true)
        };
        Arc::new(Schema::new(self.columns.map(field).to_vec()))
    }

    /// Encodes rows as columns.
    pub(super) fn batch(&self, rows: &[[Cell; 3]]) -> Result<RecordBatch, ArrowError> {
        let column = |(index, (_, shape)): (usize, &(&'static str, Shape))| {
            let cells: Vec<&Cell> = rows.iter().map(|row| &row[index]).collect();
            self.column(*shape, &cells)
        };
        let columns = self.columns.iter().enumerate().map(column).collect::<Result<_, _>>()?;
        RecordBatch::try_new(self.schema(), columns)
    }

    fn column(&self, shape: Shape, cells: &[&Cell]) -> Result<ArrayRef, ArrowError> {
        let turns: Vec<&(_, String)> = cells.iter().flat_map(|cell| &cell.0).collect();
        let texts = StringArray::from_iter_values(turns.iter().map(|(_, text)| text));
        if shape == Shape::Text {
            return Ok(Arc::new(texts));
        }
        let who = StringArray::from_iter_values(turns.iter().map(|(who, _)| who));
        let columns: Vec<ArrayRef> = vec![Arc::new(who), Arc::new(texts)];
        let turns = Arc::new(StructArray::try_new(self.turn(), columns, None)?);
        if shape == Shape::Turn {
            return Ok(turns);
        }
        let offsets = OffsetBuffer::from_lengths(cells.iter().map(|cell| cell.0.len()));
        Ok(Arc::new(ListArray::try_new(self.element(), offsets, turns, None)?))
    }

    fn turn(&self) -> Fields {
        self.names.iter().map(|name| Field::new(*name, DataType::Utf8, true)).collect()
    }

    fn element(&self) -> FieldRef {
        Arc::new(Field::new("element", DataType::Struct(self.turn()), true))
    }
}

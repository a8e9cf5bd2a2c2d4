//! Rows of the IOPO authors' LLaMA-Factory fork: two instructions, two responses.

use iopo_schema::PreferenceRow;
use serde_json::{Map, Value};

use super::SkipReason;
use super::cells::{Cell, Layout, Shape};
use super::export::is_full;
use super::row::Texts;
use super::turns::{Fault, Names, Turn, field, turn, turns};

/// The fields that are read.
pub(super) const WANTED: &[&str] = &["conversations", "chosen", "rejected", "system"];
const NAMES: Names = ["from", "value"];

/// The three columns.
pub(super) const LAYOUT: Layout = Layout {
    columns: [("conversations", Shape::Turns), ("chosen", Shape::Turn), ("rejected", Shape::Turn)],
    names: NAMES,
};

/// Converts a full group to one row. `chosen` is y1 and `rejected` is y2, but neither is better than the other.
pub(super) fn rows(group: &PreferenceRow) -> Result<Vec<[Cell; 3]>, SkipReason> {
    if !is_full(group) {
        return Err(SkipReason::Sided);
    }
    let instructions = Cell::many(&[("human", group.x1.as_str()), ("human", group.x2.as_str())]);
    Ok(vec![[
        instructions,
        Cell::one(("gpt", group.y1.as_str())),
        Cell::one(("gpt", group.y2.as_str())),
    ]])
}

/// Reads a row.
pub(super) fn read(fields: &Map<String, Value>) -> Result<Texts, Fault> {
    let conversation = turns(field(fields, "conversations")?, "conversations", NAMES)?;
    let (y1, y2) = (response(fields, "chosen")?, response(fields, "rejected")?);
    if fields.get("system").and_then(Value::as_str).is_some_and(|system| !system.is_empty()) {
        return Err(SkipReason::OtherTurns.into());
    }
    let (x1, x2) = match *conversation.as_slice() {
        [Turn { who: "human", text: x1 }, Turn { who: "human", text: x2 }] => (x1, x2),
        [Turn { who: "human", .. }] => return Err(SkipReason::OneInstruction.into()),
        _ => return Err(SkipReason::OtherTurns.into()),
    };
    let [x1, y1, x2, y2] = [x1, y1, x2, y2].map(str::to_owned);
    Ok(Texts { x1, y1, x2, y2 })
}

fn response<'a>(fields: &'a Map<String, Value>, name: &str) -> Result<&'a str, Fault> {
    let Turn { who, text } = turn(field(fields, name)?, name, NAMES)?;
    if who == "gpt" {
        return Ok(text);
    }
    Err(Fault::Bad(format!("found a turn from {who:?} in `{name}`, expected one from \"gpt\"")))
}

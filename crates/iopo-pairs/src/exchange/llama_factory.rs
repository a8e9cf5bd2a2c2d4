//! Rows of the IOPO authors' LLaMA-Factory fork: two instructions, two responses.

use iopo_schema::PreferenceRow;
use serde_json::{Map, Value};

use super::LeftOut;
use super::cells::{Cell, Layout, Shape};
use super::export::is_full;
use super::taken::Texts;
use super::turns::{Fault, Names, Turn, field, turn, turns};

/// The fields that matter.
pub(super) const WANTED: &[&str] = &["conversations", "chosen", "rejected", "system"];
const NAMES: Names = ["from", "value"];

/// Its three columns.
pub(super) const LAYOUT: Layout = Layout {
    columns: [("conversations", Shape::Turns), ("chosen", Shape::Turn), ("rejected", Shape::Turn)],
    names: NAMES,
};

/// A full group as one row; `chosen` is y1 and `rejected` y2, though neither is worse than the other.
pub(super) fn rows(group: &PreferenceRow) -> Result<Vec<[Cell; 3]>, LeftOut> {
    if !is_full(group) {
        return Err(LeftOut::Sided);
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
        return Err(LeftOut::OtherTurns.into());
    }
    let (x1, x2) = match *conversation.as_slice() {
        [Turn { who: "human", text: x1 }, Turn { who: "human", text: x2 }] => (x1, x2),
        [Turn { who: "human", .. }] => return Err(LeftOut::OneInstruction.into()),
        _ => return Err(LeftOut::OtherTurns.into()),
    };
    let [x1, y1, x2, y2] = [x1, y1, x2, y2].map(str::to_owned);
    Ok(Texts { x1, y1, x2, y2 })
}

fn response<'a>(fields: &'a Map<String, Value>, name: &str) -> Result<&'a str, Fault> {
    let Turn { who, text } = turn(field(fields, name)?, name, NAMES)?;
    if who == "gpt" {
        return Ok(text);
    }
    Err(Fault::Bad(format!("expected `{name}` to be a turn from \"gpt\", found one from {who:?}")))
}

//! Rows of LLaMA-Factory: a conversation with a chosen and a rejected response. In the IOPO authors' fork, the conversation is
//! two instructions.

use iopo_schema::{PreferenceRow, TurnRole, TurnRow};
use serde_json::Value;

use super::SkipReason;
use super::cells::{Cell, Layout, Shape};
use super::export::is_full;
use super::records::Record;
use super::row::Texts;
use super::turns::{Fault, Names, Prompt, Turn, field, turn, turns};

/// The fields that are read.
pub(super) const WANTED: &[&str] = &[
    "conversations",
    "chosen",
    "rejected",
    "system",
    "image",
    "images",
    "video",
    "videos",
    "audio",
    "audios",
    "tools",
];
const NAMES: Names = ["from", "value"];

/// The three columns.
pub(super) const LAYOUT: Layout = Layout {
    columns: [("conversations", Shape::Turns), ("chosen", Shape::Turn), ("rejected", Shape::Turn)],
    names: NAMES,
};

/// Converts a full group to one row. `chosen` is y1 and `rejected` is y2, but neither is better than the other.
pub(super) fn rows(group: &PreferenceRow) -> Result<Vec<[Cell; 3]>, SkipReason> {
    let Some(x2) = &group.x2 else { return Err(SkipReason::OneInstruction) };
    if !is_full(group) {
        return Err(SkipReason::Sided);
    }
    if !group.context.is_empty() {
        return Err(SkipReason::Context);
    }
    let instructions = Cell::many(&[("human", group.x1.as_str()), ("human", x2.as_str())]);
    Ok(vec![[
        instructions,
        Cell::one(("gpt", group.y1.as_str())),
        Cell::one(("gpt", group.y2.as_str())),
    ]])
}

/// Reads a row: a group if the conversation is two instructions, else a pair.
pub(super) fn read(record: &Record) -> Result<Texts, Fault> {
    let conversation = turns(field(record, "conversations")?, "conversations", NAMES)?;
    let [y1, y2] = [response(record, "chosen")?, response(record, "rejected")?].map(str::to_owned);
    let system = record.fields.get("system").and_then(Value::as_str);
    let system = system.filter(|system| !system.is_empty());
    if let [Turn { who: "human", text: x1 }, Turn { who: "human", text: x2 }] =
        conversation.as_slice()
    {
        let context =
            system.map(|system| TurnRow { role: TurnRole::System, content: system.to_owned() });
        let [x1, x2] = [x1, x2].map(|text| (*text).to_owned());
        return Ok(Texts { context: context.into_iter().collect(), x1, y1, x2: Some(x2), y2 });
    }
    let system = system.map(|text| Turn { who: "system", text });
    let all: Vec<Turn<'_>> = system.into_iter().chain(conversation).collect();
    let Prompt { context, text } = Prompt::read(&all, role)?;
    Ok(Texts { context, x1: text, y1, x2: None, y2 })
}

fn role(who: &str) -> Option<TurnRole> {
    match who {
        "system" => Some(TurnRole::System),
        "human" => Some(TurnRole::User),
        "gpt" => Some(TurnRole::Assistant),
        _ => None,
    }
}

fn response<'a>(record: &'a Record, name: &str) -> Result<&'a str, Fault> {
    let Turn { who, text } = turn(field(record, name)?, name, NAMES)?;
    if who == "gpt" {
        return Ok(text);
    }
    Err(Fault::Bad(format!("found a turn from {who:?} in `{name}`, expected one from \"gpt\"")))
}

//! Rows of TRL: one prompt, a chosen and a rejected response.

use iopo_schema::{PreferenceRow, TurnRow};
use serde_json::Value;

use super::SkipReason;
use super::cells::{Cell, Layout, Shape};
use super::records::Record;
use super::turns::{Fault, Names, Prompt, Turn, field, kind, missing, turns};

/// The fields that are read.
pub(super) const WANTED: &[&str] = &[
    "prompt", "chosen", "rejected", "image", "images", "video", "videos", "audio", "audios",
    "tools",
];
const NAMES: Names = ["role", "content"];

/// Text without roles.
pub(super) const PLAIN: Layout = Layout {
    columns: [("prompt", Shape::Text), ("chosen", Shape::Text), ("rejected", Shape::Text)],
    names: NAMES,
};

/// Lists of turns.
pub(super) const CONVERSATIONAL: Layout = Layout {
    columns: [("prompt", Shape::Turns), ("chosen", Shape::Turns), ("rejected", Shape::Turns)],
    names: NAMES,
};

/// A prompt with a chosen and a rejected response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pair {
    pub(super) prompt: Prompt,
    pub(super) chosen: String,
    pub(super) rejected: String,
}

/// Converts a group or a pair to rows, one per strict output pair.
pub(super) fn rows(
    group: &PreferenceRow,
    conversational: bool,
) -> Result<Vec<[Cell; 3]>, SkipReason> {
    if !conversational && !group.context.is_empty() {
        return Err(SkipReason::Context);
    }
    let follows = group.truth_table();
    let row = |prompt: &str, chosen: &str, rejected: &str| {
        let mut turns: Vec<(&'static str, &str)> = Vec::new();
        for TurnRow { role, content } in &group.context {
            turns.push((role.as_str(), content));
        }
        turns.push(("user", prompt));
        [Cell::many(&turns), Cell::one(("assistant", chosen)), Cell::one(("assistant", rejected))]
    };
    let first = (follows.x1y1 && !follows.x1y2).then(|| row(&group.x1, &group.y1, &group.y2));
    let mirrored = group.x2.as_ref().filter(|_| follows.x2y2 && !follows.x2y1);
    let second = mirrored.map(|x2| row(x2, &group.y2, &group.y1));
    let rows: Vec<[Cell; 3]> = first.into_iter().chain(second).collect();
    if rows.is_empty() { Err(SkipReason::NoPreference) } else { Ok(rows) }
}

/// A response, with the prompt before it if the row repeats the prompt there.
struct Response {
    prompt: Option<Prompt>,
    text: String,
}

/// Reads a plain or conversational row. The prompt is a separate field or precedes the responses.
pub(super) fn read(record: &Record) -> Result<Pair, Fault> {
    let (chosen, rejected) = (response(record, "chosen")?, response(record, "rejected")?);
    let (stated, is_text) = match record.fields.get("prompt") {
        None | Some(Value::Null) => (None, false),
        Some(Value::String(text)) => (Some(Prompt::plain(text)), true),
        Some(value) => (Some(prompt(&turns(value, "prompt", NAMES)?)?), false),
    };
    let own = match (chosen.prompt, rejected.prompt) {
        (Some(first), Some(second)) if first != second => {
            return Err(SkipReason::DifferentPrompts.into());
        }
        (first, second) => first.or(second),
    };
    let prompt = match (stated, own) {
        // A plain text holds the user's turn only; earlier turns are part of the responses.
        (Some(stated), Some(own)) if own == stated || (is_text && own.text == stated.text) => own,
        (Some(_), Some(_)) => return Err(SkipReason::DifferentPrompts.into()),
        (Some(prompt), None) | (None, Some(prompt)) => prompt,
        (None, None) if record.fields.contains_key("prompt") => {
            return Err(SkipReason::NoText.into());
        }
        (None, None) => return Err(missing(record, "prompt")),
    };
    Ok(Pair { prompt, chosen: chosen.text, rejected: rejected.text })
}

fn prompt(turns: &[Turn<'_>]) -> Result<Prompt, SkipReason> {
    Prompt::read(turns, |who| who.parse().ok())
}

fn response(record: &Record, name: &str) -> Result<Response, Fault> {
    match field(record, name)? {
        Value::String(text) => Ok(Response { prompt: None, text: text.clone() }),
        value @ Value::Array(_) => match turns(value, name, NAMES)?.as_slice() {
            [Turn { who: "assistant", text }] => {
                Ok(Response { prompt: None, text: (*text).to_owned() })
            }
            [before @ .., Turn { who: "assistant", text }] => {
                Ok(Response { prompt: Some(prompt(before)?), text: (*text).to_owned() })
            }
            _ => Err(SkipReason::OtherTurns.into()),
        },
        other => {
            let found = kind(other);
            Err(Fault::Bad(format!("found {found} in `{name}`, expected text or turns")))
        }
    }
}

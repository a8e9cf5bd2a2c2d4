//! Rows of TRL: one prompt, a chosen and a rejected response.

use iopo_schema::PreferenceRow;
use serde_json::{Map, Value};

use super::SkipReason;
use super::cells::{Cell, Layout, Shape};
use super::turns::{Fault, Names, Turn, field, kind, missing, turns};

/// The fields that are read.
pub(super) const WANTED: &[&str] = &["prompt", "chosen", "rejected"];
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
    pub(super) prompt: String,
    pub(super) chosen: String,
    pub(super) rejected: String,
}

/// Converts a group to rows, one per strict output pair.
pub(super) fn rows(group: &PreferenceRow) -> Result<Vec<[Cell; 3]>, SkipReason> {
    let follows = group.truth_table();
    let row = |prompt: &str, chosen: &str, rejected: &str| {
        [("user", prompt), ("assistant", chosen), ("assistant", rejected)].map(Cell::one)
    };
    let first = (follows.x1y1 && !follows.x1y2).then(|| row(&group.x1, &group.y1, &group.y2));
    let second = (follows.x2y2 && !follows.x2y1).then(|| row(&group.x2, &group.y2, &group.y1));
    let rows: Vec<[Cell; 3]> = first.into_iter().chain(second).collect();
    if rows.is_empty() { Err(SkipReason::NoPreference) } else { Ok(rows) }
}

/// A response, with the prompt before it if the row repeats the prompt there.
struct Response<'a> {
    prompt: Option<&'a str>,
    text: &'a str,
}

/// Reads a plain or conversational row. The prompt is a separate field or precedes the responses.
pub(super) fn read(fields: &Map<String, Value>) -> Result<Pair, Fault> {
    let (chosen, rejected) = (response(fields, "chosen")?, response(fields, "rejected")?);
    let prompt = match fields.get("prompt") {
        None | Some(Value::Null) => chosen.prompt.ok_or_else(|| missing(fields, "prompt"))?,
        Some(Value::String(text)) => text.as_str(),
        Some(value) => match *turns(value, "prompt", NAMES)?.as_slice() {
            [Turn { who: "user", text }] => text,
            _ => return Err(SkipReason::OtherTurns.into()),
        },
    };
    if [&chosen, &rejected].into_iter().any(|own| own.prompt.is_some_and(|own| own != prompt)) {
        return Err(SkipReason::OtherTurns.into());
    }
    let [prompt, chosen, rejected] = [prompt, chosen.text, rejected.text].map(str::to_owned);
    Ok(Pair { prompt, chosen, rejected })
}

fn response<'a>(fields: &'a Map<String, Value>, name: &str) -> Result<Response<'a>, Fault> {
    match field(fields, name)? {
        Value::String(text) => Ok(Response { prompt: None, text }),
        value @ Value::Array(_) => match *turns(value, name, NAMES)?.as_slice() {
            [Turn { who: "assistant", text }] => Ok(Response { prompt: None, text }),
            [Turn { who: "user", text: prompt }, Turn { who: "assistant", text }] => {
                Ok(Response { prompt: Some(prompt), text })
            }
            _ => Err(SkipReason::OtherTurns.into()),
        },
        other => {
            let found = kind(other);
            Err(Fault::Bad(format!("found {found} in `{name}`, expected text or turns")))
        }
    }
}

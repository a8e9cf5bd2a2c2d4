//! Turns of a conversation, with the field names of TRL and LLaMA-Factory.

use iopo_schema::{TurnRole, TurnRow};
use serde_json::Value;

use super::SkipReason;
use super::records::Record;

/// The names of the fields for the speaker and the text.
pub(super) type Names = [&'static str; 2];

/// Speakers of turns that call a tool or hold its result, in either format.
const TOOLS: [&str; 5] = ["tool", "function", "function_call", "observation", "ipython"];
/// Fields of a turn that calls a tool.
const CALLS: [&str; 2] = ["tool_calls", "function_call"];

/// The reason why a row gives no group and no pair.
#[derive(Debug)]
pub(super) enum Fault {
    /// The row is not of the format. States what was expected and found.
    Bad(String),
    /// The row is skipped.
    Skip(SkipReason),
}

impl From<SkipReason> for Fault {
    fn from(reason: SkipReason) -> Self {
        Self::Skip(reason)
    }
}

/// One turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Turn<'a> {
    pub(super) who: &'a str,
    pub(super) text: &'a str,
}

/// A prompt: the user's last turn, and the turns before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Prompt {
    pub(super) context: Vec<TurnRow>,
    pub(super) text: String,
}

impl Prompt {
    /// Creates a prompt without turns before it.
    pub(super) fn plain(text: &str) -> Self {
        Self { context: Vec::new(), text: text.to_owned() }
    }

    /// Reads a prompt from turns: at most one system turn, then turns of the user and the model in alternation, the user's
    /// last. `role` maps speakers.
    pub(super) fn read(
        turns: &[Turn<'_>],
        role: impl Fn(&str) -> Option<TurnRole>,
    ) -> Result<Self, SkipReason> {
        let mut context = Vec::with_capacity(turns.len());
        for Turn { who, text } in turns {
            let role = role(who).ok_or(SkipReason::OtherTurns)?;
            let before = context.last().map(|turn: &TurnRow| turn.role);
            let fits = match role {
                TurnRole::System => before.is_none(),
                TurnRole::User => before != Some(TurnRole::User),
                TurnRole::Assistant => before == Some(TurnRole::User),
            };
            if !fits {
                return Err(SkipReason::OtherTurns);
            }
            context.push(TurnRow { role, content: (*text).to_owned() });
        }
        match context.pop() {
            Some(TurnRow { role: TurnRole::User, content }) => Ok(Self { context, text: content }),
            _ => Err(SkipReason::OtherTurns),
        }
    }
}

/// Returns a required field. A row whose field is null is skipped.
pub(super) fn field<'a>(record: &'a Record, name: &str) -> Result<&'a Value, Fault> {
    match record.fields.get(name) {
        None => Err(missing(record, name)),
        Some(Value::Null) => Err(SkipReason::NoText.into()),
        Some(value) => Ok(value),
    }
}

/// Creates the fault of a missing field.
pub(super) fn missing(record: &Record, name: &str) -> Fault {
    let there = record.fields.iter().filter(|(_, value)| !value.is_null()).map(|(name, _)| name);
    let mut there: Vec<String> =
        there.chain(&record.unread).map(|name| format!("`{name}`")).collect();
    there.sort_unstable();
    there.truncate(12);
    let there = if there.is_empty() { "no field".to_owned() } else { there.join(", ") };
    Fault::Bad(format!("found {there}, expected a field `{name}`"))
}

/// Reads a turn. `place` is used in errors.
pub(super) fn turn<'a>(value: &'a Value, place: &str, names: Names) -> Result<Turn<'a>, Fault> {
    let [who, text] = names.map(|name| value.get(name));
    let Some(who) = who.and_then(Value::as_str) else {
        return Err(Fault::Bad(format!(
            "found {} in `{place}`, expected a turn with the strings `{}` and `{}`",
            kind(value),
            names[0],
            names[1]
        )));
    };
    let calls = |name: &&str| match value.get(*name) {
        None | Some(Value::Null) => false,
        Some(Value::Array(calls)) => !calls.is_empty(),
        Some(_) => true,
    };
    if TOOLS.contains(&who) || CALLS.iter().any(calls) {
        return Err(SkipReason::ToolTurn.into());
    }
    match text {
        Some(Value::String(text)) => Ok(Turn { who, text }),
        None | Some(Value::Null) => Err(SkipReason::NoText.into()),
        Some(Value::Array(_) | Value::Object(_)) => Err(SkipReason::ContentParts.into()),
        Some(other @ (Value::Bool(_) | Value::Number(_))) => Err(Fault::Bad(format!(
            "found {} in `{place}.{}`, expected text",
            kind(other),
            names[1]
        ))),
    }
}

/// Reads a list of turns.
pub(super) fn turns<'a>(
    value: &'a Value,
    place: &str,
    names: Names,
) -> Result<Vec<Turn<'a>>, Fault> {
    let Value::Array(list) = value else {
        let found = kind(value);
        return Err(Fault::Bad(format!("found {found} in `{place}`, expected a list of turns")));
    };
    let named = list.iter().enumerate();
    named.map(|(index, value)| turn(value, &format!("{place}[{index}]"), names)).collect()
}

/// Describes a value in words.
pub(super) fn kind(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(_) => "true or false".to_owned(),
        Value::Number(_) => "a number".to_owned(),
        Value::String(_) => "text".to_owned(),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(fields) => {
            let mut names: Vec<String> = fields.keys().map(|name| format!("`{name}`")).collect();
            names.sort_unstable();
            names.truncate(8);
            format!("an object with {}", names.join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use iopo_schema::TurnRole;
    use serde_json::json;

    use super::{Fault, Prompt, Turn, turn};
    use crate::exchange::SkipReason;

    fn read(speakers: &[&str]) -> Result<usize, SkipReason> {
        let turns: Vec<Turn<'_>> = speakers.iter().map(|who| Turn { who, text: "t" }).collect();
        let prompt = Prompt::read(&turns, |who| who.parse::<TurnRole>().ok());
        prompt.map(|prompt| prompt.context.len())
    }

    #[test]
    fn a_prompt_ends_with_the_user_and_its_turns_alternate() {
        for (speakers, before) in [
            (&["user"][..], 0),
            (&["system", "user"], 1),
            (&["system", "user", "assistant", "user"], 3),
        ] {
            assert_eq!(read(speakers), Ok(before), "{speakers:?}");
        }
        for speakers in [
            &[][..],
            &["system"],
            &["user", "assistant"],
            &["user", "user"],
            &["user", "system", "user"],
            &["assistant", "user"],
            &["critic", "user"],
        ] {
            assert_eq!(read(speakers), Err(SkipReason::OtherTurns), "{speakers:?}");
        }
    }

    #[test]
    fn turns_that_no_text_can_replace_are_skipped_by_reason() {
        let reason = |value: &serde_json::Value| match turn(value, "chosen[0]", ["role", "content"])
        {
            Ok(_) => None,
            Err(Fault::Skip(reason)) => Some(reason),
            Err(Fault::Bad(text)) => panic!("{text}"),
        };
        let call = json!([{"name": "look_up"}]);
        for (value, expected) in [
            (json!({"role": "assistant", "content": "a"}), None),
            (json!({"role": "assistant", "content": "a", "tool_calls": null}), None),
            (json!({"role": "assistant", "content": "a", "tool_calls": []}), None),
            (
                json!({"role": "assistant", "content": "a", "tool_calls": call}),
                Some(SkipReason::ToolTurn),
            ),
            (json!({"role": "assistant", "tool_calls": call}), Some(SkipReason::ToolTurn)),
            (json!({"role": "tool", "content": "a"}), Some(SkipReason::ToolTurn)),
            (json!({"role": "assistant", "content": null}), Some(SkipReason::NoText)),
            (json!({"role": "assistant"}), Some(SkipReason::NoText)),
            (
                json!({"role": "user", "content": [{"type": "text"}]}),
                Some(SkipReason::ContentParts),
            ),
        ] {
            assert_eq!(reason(&value), expected, "{value}");
        }
        for value in [json!("a"), json!({"content": "a"}), json!({"role": "user", "content": 7})] {
            let fault = turn(&value, "chosen[0]", ["role", "content"]).expect_err("refused");
            assert!(matches!(&fault, Fault::Bad(text) if text.contains("chosen[0]")), "{fault:?}");
        }
    }
}

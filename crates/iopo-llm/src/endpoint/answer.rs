//! Reading the body of a successful response.

use serde_json::Value;

use super::record::{About, Stored};
use super::wire::{Choice, Reply, ReplyUsage};
use super::{Scrubber, Usage};
use crate::{Failure, FailureClass, FinishReason, split_reasoning};

/// A parsed body.
pub(super) enum Read<T> {
    /// The result. It may be a permanent failure that the server charges for.
    Result { result: T, usage: Usage, about: Box<About> },
    /// An error object, as in a response with an error status.
    Error(Value),
    /// No valid body, for the reason given.
    Invalid(String),
    /// An answer that the server broke off, for the reason given.
    Broken(String),
}

/// Finish reasons of whole answers, in lower case. A missing one counts as whole, too: some servers send none.
const WHOLE: [&str; 9] = [
    "stop",
    "eos",
    "eos_token",
    "end_turn",
    "stop_sequence",
    "complete",
    "completed",
    "finished",
    "",
];
/// Finish reasons of answers that reached their token limit.
const LENGTH: [&str; 5] =
    ["length", "model_length", "max_length", "max_tokens", "max_output_tokens"];
/// Finish reasons of answers that the server broke off.
const BROKEN: [&str; 6] =
    ["error", "abort", "aborted", "cancelled", "canceled", "insufficient_system_resource"];

/// Parses a body. Blank lines may precede it, which servers send to keep the connection alive.
pub(super) fn parse<T>(body: &[u8], scrubber: &Scrubber) -> Result<Reply, Read<T>> {
    let mut reply: Reply = serde_json::from_slice(body).map_err(|error| {
        let what = if body.trim_ascii().is_empty() { "an empty body" } else { "no valid JSON" };
        Read::Invalid(format!("found {what}: {}", scrubber.scrub(&error.to_string())))
    })?;
    match reply.error.take().filter(|error| !is_empty(error)) {
        Some(error) => Err(Read::Error(error)),
        None => Ok(reply),
    }
}

/// Returns whether an error says nothing. Some servers send `"error": ""` or `{}` with every answer.
fn is_empty(error: &Value) -> bool {
    match error {
        Value::Null => true,
        Value::Bool(failed) => !failed,
        Value::Number(code) => code.as_f64() == Some(0.0),
        Value::String(text) => text.trim().is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.values().all(is_empty),
    }
}

/// Reads the answer of a chat.
pub(super) fn read(body: &[u8], scrubber: &Scrubber) -> Read<Stored> {
    let reply = match parse(body, scrubber) {
        Ok(reply) => reply,
        Err(other) => return other,
    };
    let Some(choice) = reply.choices.and_then(|choices| choices.into_iter().next()) else {
        return Read::Invalid("found no choices in the body".to_owned());
    };
    let choice: Choice = match serde_json::from_value(choice) {
        Ok(choice) => choice,
        Err(error) => {
            let reason = format!("found no valid choice in the body: {error}");
            return Read::Invalid(scrubber.scrub(&reason));
        }
    };
    let finish = choice.finish_reason.as_deref().unwrap_or_default().trim().to_lowercase();
    if BROKEN.contains(&finish.as_str()) {
        return Read::Broken(format!("the server broke off the answer (finish reason: {finish})"));
    }
    let usage = usage(reply.usage);
    let text = |value: Option<Value>| {
        value.and_then(|value| value.as_str().map(|text| scrubber.scrub(text)))
    };
    let mut about = About {
        model: text(reply.model),
        fingerprint: text(reply.system_fingerprint),
        id: text(reply.id),
        finish_reason: choice.finish_reason.as_deref().map(|text| scrubber.scrub(text)),
        charged: true,
        ..About::default()
    };
    let result = match result(choice, &finish, &usage, scrubber, &mut about) {
        Ok(answer) => answer,
        Err((class, reason)) => Stored::Failure(Failure::new(class, reason)),
    };
    Read::Result { result, usage, about: Box::new(about) }
}

pub(super) fn usage(usage: Option<ReplyUsage>) -> Usage {
    let Some(usage) = usage else { return Usage::default() };
    // Some servers send zeros if they do not count. No chat has an empty prompt.
    let known = usage.prompt_tokens.is_some_and(|tokens| tokens > 0);
    Usage {
        prompt: usage.prompt_tokens.filter(|_| known),
        completion: usage.completion_tokens.filter(|_| known),
        cached: usage.prompt_tokens_details.and_then(|details| details.cached_tokens),
        reasoning: usage.completion_tokens_details.and_then(|details| details.reasoning_tokens),
    }
}

fn result(
    choice: Choice,
    finish: &str,
    usage: &Usage,
    scrubber: &Scrubber,
    about: &mut About,
) -> Result<Stored, (FailureClass, String)> {
    let message = choice.message.unwrap_or_default();
    if let Some(refusal) = message.refusal.filter(|text| !text.trim().is_empty()) {
        return Err((FailureClass::Refused, scrubber.scrub(&refusal)));
    }
    if finish == "content_filter" {
        return Err((FailureClass::Filtered, "the answer was blocked by a filter".to_owned()));
    }
    let beside = message.reasoning_content.or(message.reasoning).unwrap_or_default();
    let content = message.content.map(super::wire::Content::text).unwrap_or_default();
    let (reasoning, text) = split_reasoning(&content);
    about.reasoning_chars = (beside.chars().count() + reasoning.chars().count()) as u64;
    if !text.trim().is_empty() {
        let finish_reason = match finish {
            finish if LENGTH.contains(&finish) => FinishReason::Length,
            finish if WHOLE.contains(&finish) => FinishReason::Stop,
            _ => FinishReason::Other,
        };
        let (text, keys_removed) = scrubber.answer(text);
        about.keys_removed = keys_removed;
        return Ok(Stored::Answer { text, finish_reason });
    }
    if LENGTH.contains(&finish) {
        let reasoned =
            about.reasoning_chars > 0 || usage.reasoning.is_some_and(|tokens| tokens > 0);
        let by = if reasoned { "by reasoning, " } else { "" };
        let reason = format!("the token limit was reached {by}before the answer began");
        return Err((FailureClass::Cut, reason));
    }
    let reason = if message.tool_calls.is_some_and(|calls| !calls.is_empty()) {
        "found tool calls instead of text".to_owned()
    } else {
        let finish = about.finish_reason.as_deref().unwrap_or("no reason");
        format!("found no text (finish reason: {finish})")
    };
    Err((FailureClass::Empty, reason))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Read, Scrubber, Stored, read};
    use crate::{FailureClass, FinishReason};

    fn one(choice: &Value, usage: &Value) -> Result<(String, FinishReason), FailureClass> {
        let body = json!({ "choices": [choice], "usage": usage }).to_string();
        match read(body.as_bytes(), &Scrubber::new(None)) {
            Read::Result { result: Stored::Answer { text, finish_reason }, .. } => {
                Ok((text, finish_reason))
            }
            Read::Result { result: Stored::Failure(failure), .. } => Err(failure.class),
            _ => panic!("{body}"),
        }
    }

    fn says(content: &Value, finish: &str) -> Result<(String, FinishReason), FailureClass> {
        one(&json!({ "message": { "content": content }, "finish_reason": finish }), &Value::Null)
    }

    #[test]
    fn answers_have_text_without_reasoning() {
        let answer = |text: &str| Ok((text.to_owned(), FinishReason::Stop));
        assert_eq!(says(&json!("hi"), "stop"), answer("hi"));
        assert_eq!(says(&json!("hi"), "eos"), answer("hi"));
        assert_eq!(says(&json!([{ "type": "text", "text": "hi" }]), "stop"), answer("hi"));
        assert_eq!(says(&json!("<think>so</think>\n\nhi"), "stop"), answer("hi"));
        assert_eq!(says(&json!("so</think>hi"), "stop"), answer("hi"));
        assert_eq!(
            says(&json!("use <think> and </think>"), "stop"),
            answer("use <think> and </think>")
        );
    }

    #[test]
    fn an_answer_is_whole_only_if_its_server_says_so() {
        let end = |finish: &str| says(&json!("hi"), finish).expect("an answer").1;
        for whole in ["stop", "STOP", "eos_token", "end_turn", ""] {
            assert_eq!(end(whole), FinishReason::Stop, "{whole}");
        }
        for cut in ["length", "model_length", "max_tokens", "MAX_TOKENS"] {
            assert_eq!(end(cut), FinishReason::Length, "{cut}");
            assert_eq!(says(&Value::Null, cut), Err(FailureClass::Cut), "{cut}");
        }
        for other in ["tool_calls", "repetition", "safety"] {
            assert_eq!(end(other), FinishReason::Other, "{other}");
        }
        for broken in ["error", "abort", "insufficient_system_resource"] {
            let choice = json!({ "message": { "content": "hi" }, "finish_reason": broken });
            let body = json!({ "choices": [choice] }).to_string();
            let read = read(body.as_bytes(), &Scrubber::new(None));
            assert!(matches!(read, Read::Broken(reason) if reason.contains(broken)));
        }
        // Servers that give no reason answer, too.
        let none = json!({ "message": { "content": "hi" }, "finish_reason": null });
        assert_eq!(one(&none, &Value::Null), Ok(("hi".to_owned(), FinishReason::Stop)));
    }

    #[test]
    fn an_empty_error_beside_an_answer_is_none() {
        let read = |error: Value| {
            let choice = json!({ "message": { "content": "hi" }, "finish_reason": "stop" });
            let body = json!({ "choices": [choice], "error": error }).to_string();
            read(body.as_bytes(), &Scrubber::new(None))
        };
        let empty = [
            json!(""),
            json!({}),
            json!([]),
            json!(false),
            json!(0),
            json!({ "code": null, "message": "" }),
        ];
        for error in empty {
            assert!(matches!(read(error.clone()), Read::Result { .. }), "{error}");
        }
        for error in [json!("x"), json!({ "code": 502 }), json!([{}, "x"]), json!(true)] {
            assert!(matches!(read(error.clone()), Read::Error(_)), "{error}");
        }
    }

    #[test]
    fn each_missing_answer_has_its_class() {
        assert_eq!(says(&Value::Null, "stop"), Err(FailureClass::Empty));
        assert_eq!(says(&json!(" \n"), "stop"), Err(FailureClass::Empty));
        assert_eq!(says(&json!("<think>so"), "length"), Err(FailureClass::Cut));
        assert_eq!(says(&json!("partly"), "content_filter"), Err(FailureClass::Filtered));
        let refusal = json!({ "message": { "refusal": "no" }, "finish_reason": "stop" });
        assert_eq!(one(&refusal, &Value::Null), Err(FailureClass::Refused));
        let calls = json!({ "message": { "tool_calls": [1] }, "finish_reason": "tool_calls" });
        assert_eq!(one(&calls, &Value::Null), Err(FailureClass::Empty));
        assert_eq!(one(&json!({}), &Value::Null), Err(FailureClass::Empty));
    }

    #[test]
    fn unknown_counts_are_not_zero() {
        let body = |usage: Value| {
            let choice = json!({ "message": { "content": "hi" } });
            let body = json!({ "choices": [choice], "usage": usage }).to_string();
            match read(format!("\n\n \n{body}").as_bytes(), &Scrubber::new(None)) {
                Read::Result { usage, .. } => usage,
                _ => panic!("{body}"),
            }
        };
        assert_eq!(body(Value::Null).prompt, None);
        assert_eq!(body(json!({ "prompt_tokens": 0, "completion_tokens": 0 })).completion, None);
        let details = json!({ "cached_tokens": 3 });
        let known =
            json!({ "prompt_tokens": 5, "completion_tokens": 0, "prompt_tokens_details": details });
        let known = body(known);
        assert_eq!((known.prompt, known.completion, known.cached), (Some(5), Some(0), Some(3)));
    }

    #[test]
    fn a_mistyped_optional_field_does_not_make_an_answer_invalid() {
        let read = |body: &Value| match read(body.to_string().as_bytes(), &Scrubber::new(None)) {
            Read::Result { result: Stored::Answer { text, .. }, usage, .. } => (text, usage),
            _ => panic!("{body}"),
        };
        let message = json!({
            "content": "hi", "refusal": false, "reasoning": [1], "reasoning_content": {},
            "tool_calls": "none",
        });
        let usage = json!({ "prompt_tokens": 12.0, "completion_tokens": -1,
            "prompt_tokens_details": 3, "completion_tokens_details": { "reasoning_tokens": "x" } });
        let (text, usage) = read(&json!({
            "choices": [{ "message": message, "finish_reason": 0 }, "another"], "usage": usage,
            "prompt_logprobs": 1, "prompt_token_ids": "x",
        }));
        assert_eq!((text.as_str(), usage.prompt, usage.completion), ("hi", Some(12), None));
        let (text, usage) =
            read(&json!({ "choices": [{ "message": { "content": "hi" } }], "usage": "free" }));
        assert_eq!((text.as_str(), usage.prompt), ("hi", None));
        // Negative control: the content decides.
        let mistyped = json!({ "choices": [{ "message": { "content": 7 } }] }).to_string();
        let read = super::read(mistyped.as_bytes(), &Scrubber::new(None));
        assert!(matches!(read, Read::Invalid(_)));
    }

    #[test]
    fn other_bodies_are_errors_or_invalid() {
        let read = |text: &str| read(text.as_bytes(), &Scrubber::new(None));
        assert!(matches!(read(r#"{"error":{"code":502}}"#), Read::Error(_)));
        for bad in
            ["", "\n\n", "[]", "{}", r#"{"choices":[]}"#, r#"{"choices":[{"mess"#, "<html>", "7"]
        {
            assert!(matches!(read(bad), Read::Invalid(_)), "{bad}");
        }
    }
}

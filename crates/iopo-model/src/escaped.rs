//! Prompts whose messages spell special tokens, which are encoded as plain text.

use iopo_llm::Message;

use crate::{ChatTemplate, ModelError, Tokenizer};

/// Encodes a chat up to the start of the assistant's turn. Special tokens of the template keep their meaning; those that a
/// message spells are encoded like any other text.
pub(crate) fn encode(
    tokenizer: &Tokenizer,
    template: &ChatTemplate,
    messages: &[Message],
) -> Result<Vec<u32>, ModelError> {
    let [open, close] = unused(messages);
    let guarded: Vec<Message> = messages
        .iter()
        .map(|message| Message {
            role: message.role,
            content: guard(tokenizer, &message.content, open, close),
        })
        .collect();
    let text = template.render(&guarded, true)?;
    let mut ids = Vec::new();
    let mut rest = text.as_str();
    while let Some((before, after)) = rest.split_once(open) {
        let Some((plain, tail)) = after.split_once(close) else {
            let reason = "it cuts a message inside a special token".to_owned();
            return Err(ModelError::Template { reason });
        };
        ids.extend(tokenizer.encode(before)?);
        ids.extend(tokenizer.encode_content(plain)?);
        rest = tail;
    }
    ids.extend(tokenizer.encode(rest)?);
    Ok(ids)
}

/// Two characters of the private use area that no message contains.
fn unused(messages: &[Message]) -> [char; 2] {
    let free = |c: &char| !messages.iter().any(|message| message.content.contains(*c));
    let mut free = ('\u{e000}'..='\u{f8ff}').filter(free);
    let first = free.next().unwrap_or('\u{e000}');
    [first, free.next().unwrap_or('\u{e001}')]
}

/// Puts marks around the special tokens that a text spells.
fn guard(tokenizer: &Tokenizer, text: &str, open: char, close: char) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(token) = tokenizer.special_in(rest) {
        let Some((before, after)) = rest.split_once(token) else { break };
        // Other tokens can come before this one.
        out.push_str(&guard(tokenizer, before, open, close));
        out.push(open);
        out.push_str(token);
        out.push(close);
        rest = after;
    }
    out + rest
}

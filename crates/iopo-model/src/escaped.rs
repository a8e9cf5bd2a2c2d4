//! Prompts whose messages spell special tokens, which are encoded as plain text.

use iopo_llm::Message;

use crate::{ChatTemplate, ModelError, Tokenizer};

/// Encodes a chat up to the start of the assistant's turn. Special tokens of the template keep their meaning; those that a
/// message spells are encoded like any other text.
///
/// Marks around such a token show where the template writes it. A template that cuts or changes the marks is refused.
pub(crate) fn encode(
    tokenizer: &Tokenizer,
    template: &ChatTemplate,
    messages: &[Message],
) -> Result<Vec<u32>, ModelError> {
    let marks = unused(template, messages);
    let render = |keep: bool| {
        let content = |text: &str| guard(tokenizer, text, marks, keep);
        let guarded = messages
            .iter()
            .map(|message| Message { role: message.role, content: content(&message.content) });
        template.render(&guarded.collect::<Vec<_>>(), true)
    };
    let parts = parts(&render(true)?, marks)?;
    if parts.concat() != template.render(messages, true)? {
        return Err(ModelError::EscapedPrompt { found: "measures or escapes a message" });
    }
    // If the template removes the marks, the prompt has more special tokens than without those of the messages.
    let own = parts.iter().step_by(2).map(|part| specials(tokenizer, part)).sum::<usize>();
    if own != specials(tokenizer, &render(false)?) {
        return Err(ModelError::EscapedPrompt { found: "drops characters of a message" });
    }
    let mut ids = Vec::new();
    for (index, part) in parts.iter().enumerate() {
        ids.extend(if index.is_multiple_of(2) {
            tokenizer.encode(part)?
        } else {
            tokenizer.encode_content(part)?
        });
    }
    Ok(ids)
}

/// Splits a text at its marks. Every second part was between marks.
fn parts(text: &str, [open, close]: [char; 2]) -> Result<Vec<String>, ModelError> {
    let mut parts = Vec::new();
    let mut rest = text;
    loop {
        let expected = if parts.len().is_multiple_of(2) { open } else { close };
        let Some(at) = rest.find([open, close]) else { break };
        if !rest[at..].starts_with(expected) {
            return Err(ModelError::EscapedPrompt { found: "cuts a message" });
        }
        parts.push(rest[..at].to_owned());
        rest = &rest[at + expected.len_utf8()..];
    }
    parts.push(rest.to_owned());
    if parts.len().is_multiple_of(2) {
        return Err(ModelError::EscapedPrompt { found: "cuts a message" });
    }
    Ok(parts)
}

/// Two characters of the private use area that neither a message nor the template contains.
fn unused(template: &ChatTemplate, messages: &[Message]) -> [char; 2] {
    let used = |c: char| {
        template.source().contains(c) || messages.iter().any(|message| message.content.contains(c))
    };
    let mut free = ('\u{e000}'..='\u{f8ff}').filter(|c| !used(*c));
    let first = free.next().unwrap_or('\u{e000}');
    [first, free.next().unwrap_or('\u{e001}')]
}

/// The number of special tokens in a text.
fn specials(tokenizer: &Tokenizer, text: &str) -> usize {
    let (mut count, mut rest) = (0, text);
    while let Some((before, after)) =
        tokenizer.special_in(rest).and_then(|token| rest.split_once(token))
    {
        // Other tokens can come before this one.
        count += specials(tokenizer, before) + 1;
        rest = after;
    }
    count
}

/// Puts marks around the special tokens in a text. Without `keep`, only the marks remain.
fn guard(tokenizer: &Tokenizer, text: &str, marks: [char; 2], keep: bool) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(token) = tokenizer.special_in(rest) {
        let Some((before, after)) = rest.split_once(token) else { break };
        // Other tokens can come before this one.
        out.push_str(&guard(tokenizer, before, marks, keep));
        out.push(marks[0]);
        out.push_str(if keep { token } else { "" });
        out.push(marks[1]);
        rest = after;
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_split_a_text_in_pairs() {
        let of = |text: &str| parts(text, ['(', ')']).map_err(|error| error.to_string());
        assert_eq!(of("a(b)c").as_deref(), Ok(&["a", "b", "c"].map(String::from)[..]));
        assert_eq!(of("").as_deref(), Ok(&[String::new()][..]));
        for broken in ["a(b", "a)b", "a(b(c))", "(", ")("] {
            let error = of(broken).expect_err(broken);
            assert!(
                error.contains("eval.escape_special_tokens") && error.contains("cuts"),
                "{error}"
            );
        }
    }
}

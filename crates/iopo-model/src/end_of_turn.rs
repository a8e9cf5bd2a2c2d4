//! The token that ends an answer.
//!
//! It is the token that the chat template writes after the content of an assistant's turn, which can differ from the
//! tokenizer's `eos_token`: Llama 3 ends a turn with `<|eot_id|>`, ChatML with `<|im_end|>`. Training, generation and
//! scoring use the same one.

use std::fmt;

use iopo_core::SettingError;
use iopo_llm::Message;

use crate::{ChatTemplate, ModelError, Tokenizer};

/// Content of the turns that are rendered to find the token after an answer.
const QUESTION: &str = "iopoquestion";
const ANSWER: &str = "iopoanswer";

/// The source of the token that ends an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndSource {
    /// The chat template writes it after an answer.
    Template,
    /// The setting `eos_token` names it.
    Setting,
    /// The tokenizer's `eos_token`, because the template writes no token after an answer.
    Tokenizer,
}

/// The token that ends an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndOfTurn {
    id: u32,
    token: String,
    source: EndSource,
}

impl EndOfTurn {
    /// Finds the token that ends an answer; `None` if the template writes none and the tokenizer has no `eos_token`.
    ///
    /// # Errors
    /// Returns [`ModelError::Setting`] if the setting `eos_token` is not a token.
    pub fn find(
        tokenizer: &Tokenizer,
        template: &ChatTemplate,
    ) -> Result<Option<Self>, ModelError> {
        if let Some(token) = &template.settings().eos_token {
            let Some(id) = tokenizer.token_to_id(token) else {
                let expected = "a token of the model's tokenizer";
                return Err(SettingError::new("eos_token", format!("`{token}`"), expected).into());
            };
            return Ok(Some(Self { id, token: token.clone(), source: EndSource::Setting }));
        }
        if let Some((id, token)) = written(tokenizer, template) {
            return Ok(Some(Self { id, token, source: EndSource::Template }));
        }
        let eos = tokenizer.eos_id().zip(tokenizer.eos_token());
        Ok(eos.map(|(id, token)| Self {
            id,
            token: token.to_owned(),
            source: EndSource::Tokenizer,
        }))
    }

    /// Returns the token's id.
    pub fn id(&self) -> u32 {
        self.id
    }

    /// Returns the token's text.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// Returns where the token comes from.
    pub fn source(&self) -> EndSource {
        self.source
    }
}

impl fmt::Display for EndOfTurn {
    /// Writes the token and its source, for instance `<|im_end|> (written by the chat template)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let source = match self.source {
            EndSource::Template => "written by the chat template",
            EndSource::Setting => "set by `eos_token`",
            EndSource::Tokenizer => {
                "the tokenizer's eos_token; the chat template writes no token after an answer"
            }
        };
        write!(f, "{} ({source})", self.token)
    }
}

/// The token that the template writes right after an answer.
fn written(tokenizer: &Tokenizer, template: &ChatTemplate) -> Option<(u32, String)> {
    let (question, answer) = (Message::user(QUESTION), Message::assistant(ANSWER));
    let plain = [question.clone(), answer.clone()];
    // Some templates require a system turn.
    let instructed = [Message::system("Be brief."), question.clone(), answer.clone()];
    let ended = after_answer(tokenizer, template, &plain);
    if let Some(found) = ended.or_else(|| after_answer(tokenizer, template, &instructed)) {
        return Some(found);
    }
    // Some templates end only answers before another question, whose start must not be taken for that end.
    let opening = template.render(std::slice::from_ref(&question), false).unwrap_or_default();
    let opening = opening.split(QUESTION).next().unwrap_or_default();
    let followed = after_answer(tokenizer, template, &[question.clone(), answer, question]);
    followed.filter(|(_, token)| !opening.contains(token.as_str()))
}

/// The added token with which the text after the answer of a chat begins.
///
/// A template that rejects a chat says so when that chat is needed, and a token without a row of the embedding ends nothing.
fn after_answer(
    tokenizer: &Tokenizer,
    template: &ChatTemplate,
    chat: &[Message],
) -> Option<(u32, String)> {
    let text = template.render(chat, false).ok()?;
    let after = text[text.rfind(ANSWER)? + ANSWER.len()..].trim_start();
    let id = *tokenizer.encode(after).ok()?.first()?;
    let token = tokenizer.added_token(id).filter(|token| after.starts_with(token))?;
    Some((id, token.to_owned()))
}

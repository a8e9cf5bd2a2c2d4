//! Prompt templates of judges: text files with slots.

mod builtin;
mod fill;

use std::fmt;

use iopo_core::ContentHasher;

pub use builtin::{Language, Prompt};
pub use fill::fence;

use crate::error::TemplateError;

/// The role of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Instructions for the whole chat.
    System,
    /// A question to the judge.
    User,
}

impl Role {
    /// The name in API requests.
    pub const fn id(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::User => "user",
        }
    }
}

/// A message to a judge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The role of the author.
    pub role: Role,
    /// The text.
    pub content: String,
}

/// A piece of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    Slot(&'static str),
}

/// The prompts of a set of templates. Each names the slots that its template must contain.
pub trait Slots: Copy {
    /// Returns the slots of the prompt. A template must contain each of them at least once.
    fn slots(self) -> &'static [&'static str];
}

/// A prompt template. `P` is the set of prompts, by default the [judges' prompts](Prompt).
///
/// A line `=== system` or `=== user` starts a message. Lines before the first message are comments. `{{name}}` is a slot.
/// Text that fills a slot is never searched for slots, and untrusted text is enclosed in fences that it cannot close.
///
/// ```
/// use iopo_judge::{Language, Prompt, Template};
///
/// let built_in = Template::built_in(Prompt::Trace, Language::English);
/// let text = Prompt::Trace.text(Language::English).replace("strict", "very strict");
/// let changed = Template::parse(Prompt::Trace, "mine", &text)?;
/// assert_ne!(built_in.hash(), changed.hash());
/// # Ok::<(), iopo_judge::TemplateError>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Template<P = Prompt> {
    prompt: P,
    name: String,
    hash: String,
    messages: Vec<(Role, Vec<Piece>)>,
}

impl<P: Slots> Template<P> {
    /// Parses a template file for one prompt.
    ///
    /// # Errors
    /// Returns an error if a section has another role than `system` or `user`, or a slot is unknown or missing.
    pub fn parse(prompt: P, name: &str, text: &str) -> Result<Self, TemplateError> {
        let text = text.replace("\r\n", "\n");
        let mut sections: Vec<(Role, String)> = Vec::new();
        for (at, line) in text.lines().enumerate() {
            if let Some(role) = line.strip_prefix("=== ") {
                let role = match role.trim() {
                    "system" => Role::System,
                    "user" => Role::User,
                    found => {
                        let (name, found) = (name.to_owned(), found.to_owned());
                        return Err(TemplateError::Role { name, line: at + 1, found });
                    }
                };
                sections.push((role, String::new()));
            } else if let Some((_, content)) = sections.last_mut() {
                content.push_str(line);
                content.push('\n');
            }
        }
        if !sections.iter().any(|(role, _)| *role == Role::User) {
            return Err(TemplateError::Empty { name: name.to_owned() });
        }
        let slots = prompt.slots();
        let messages: Vec<(Role, Vec<Piece>)> = sections
            .into_iter()
            .map(|(role, content)| Ok((role, pieces(name, content.trim(), slots)?)))
            .collect::<Result<_, TemplateError>>()?;
        for &slot in slots {
            let has = |(_, pieces): &(Role, Vec<Piece>)| pieces.contains(&Piece::Slot(slot));
            if !messages.iter().any(has) {
                return Err(TemplateError::MissingSlot { name: name.to_owned(), slot });
            }
        }
        let hash = ContentHasher::new().bytes(text.as_bytes()).hex();
        Ok(Self { prompt, name: name.to_owned(), hash, messages })
    }

    /// The prompt that the template is for.
    pub fn prompt(&self) -> P {
        self.prompt
    }

    /// The name of the template.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The BLAKE3 hash of the file in hexadecimal digits, with LF line ends. Record it with your scores.
    pub fn hash(&self) -> &str {
        &self.hash
    }
}

impl Template {
    /// Returns the template that the crate embeds.
    pub fn built_in(prompt: Prompt, language: Language) -> Self {
        builtin::template(prompt, language)
    }
}

impl<P: fmt::Debug> fmt::Debug for Template<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Template({:?}, {}, {})", self.prompt, self.name, self.hash)
    }
}

/// Splits a text at its slots.
fn pieces(name: &str, text: &str, slots: &[&'static str]) -> Result<Vec<Piece>, TemplateError> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{") {
        let Some((found, tail)) = after.split_once("}}") else { break };
        let Some(&slot) = slots.iter().find(|&&slot| slot == found.trim()) else {
            return Err(TemplateError::UnknownSlot {
                name: name.to_owned(),
                found: found.chars().take(40).collect(),
                expected: slots.join(", "),
            });
        };
        pieces.push(Piece::Text(before.to_owned()));
        pieces.push(Piece::Slot(slot));
        rest = tail;
    }
    pieces.push(Piece::Text(rest.to_owned()));
    Ok(pieces)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Template, TemplateError> {
        Template::parse(Prompt::ComplexBenchJudge, "test", text)
    }

    #[test]
    fn built_in_templates_have_all_their_slots() {
        for prompt in Prompt::ALL {
            for language in [Language::English, Language::Chinese] {
                let name = format!("{prompt:?}");
                let parsed = Template::parse(prompt, &name, prompt.text(language));
                assert_eq!(
                    parsed.map(|template| template.hash),
                    Ok(Template::built_in(prompt, language).hash)
                );
            }
        }
    }

    #[test]
    fn problems_of_a_file_are_named() {
        let good = "comment\n=== system\nHi\n=== user\n{{instruction}} {{ response }} {{question}}";
        assert_eq!(parse(good).map(|template| template.messages.len()), Ok(2));
        let cases = [
            ("{{question}}", "has no section"),
            ("=== assistant\n", "found role `assistant`"),
            ("=== user\n{{instruction}} {{response}}", "lacks the slot `question`"),
            ("=== user\n{{reply}}", "found slot `reply`, expected one of instruction, "),
        ];
        for (text, message) in cases {
            let error = parse(text).expect_err("an invalid template").to_string();
            assert!(error.contains(message), "{error}");
        }
    }
}

//! Chat templates in the Hugging Face dialect of Jinja.
//!
//! Templates see the environment of `transformers`: `messages`, `add_generation_prompt`, `bos_token`, `eos_token`, `tools`
//! and `documents` (both none), `raise_exception`, Python's string and dict methods, `tojson` without HTML escapes, trimmed
//! blocks and loop controls. Two features are left out on purpose: `strftime_now`, because a prompt must not depend on the
//! date (templates test whether it is defined), and the `{% generation %}` tag.
//!
//! A template comes with the model and can be hostile. Fuel limits its time and memory.

mod json;

use std::path::Path;
use std::sync::Arc;

use iopo_core::ContentHasher;
use iopo_llm::{Message, Role};
use minijinja::syntax::SyntaxConfig;
use minijinja::value::Value;
use minijinja::{Environment, Error, ErrorKind, context};

use crate::checkpoint::gguf::Metadata;
use crate::config::{read_json, read_text};
use crate::error::ModelError;
use crate::tokenizer::Tokenizer;

/// Largest template source in bytes.
const MAX_SOURCE: usize = 1 << 20;
/// Fuel of one rendering: about one unit per instruction and per 64 bytes of output, so that a template uses at most
/// 64 MiB.
const FUEL: u64 = 1 << 20;
/// Largest rendered chat in bytes.
const MAX_OUTPUT: usize = 16 << 20;

const NAME: &str = "chat template";

/// A compiled chat template.
#[derive(Debug, Clone)]
pub struct ChatTemplate {
    environment: Arc<Environment<'static>>,
    source: String,
    bos: Option<String>,
    eos: Option<String>,
}

impl ChatTemplate {
    /// Compiles a template; `bos` and `eos` are the texts of the special tokens.
    ///
    /// # Errors
    /// Returns [`ModelError::Template`] if the source exceeds 1 MiB or does not compile.
    pub fn new(source: &str, bos: Option<&str>, eos: Option<&str>) -> Result<Self, ModelError> {
        if source.len() > MAX_SOURCE {
            let reason =
                format!("found a source of {} bytes, expected at most {MAX_SOURCE}", source.len());
            return Err(ModelError::Template { reason });
        }
        let mut environment = Environment::new();
        let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build();
        environment.set_syntax(syntax.map_err(|error| failed(&error))?);
        environment.set_fuel(Some(FUEL));
        environment
            .set_unknown_method_callback(minijinja_contrib::pycompat::unknown_method_callback);
        environment.add_function("raise_exception", raise_exception);
        environment.add_filter("tojson", json::to_json);
        environment.add_template_owned(NAME, source.to_owned()).map_err(|error| failed(&error))?;
        Ok(Self {
            environment: Arc::new(environment),
            source: source.to_owned(),
            bos: bos.map(str::to_owned),
            eos: eos.map(str::to_owned),
        })
    }

    /// Reads `chat_template.jinja` or the `chat_template` of `tokenizer_config.json`.
    ///
    /// # Errors
    /// Returns [`ModelError::TemplateMissing`] if there is neither, and another error if a file cannot be read or the template
    /// does not compile.
    pub fn from_dir(dir: &Path, tokenizer: &Tokenizer) -> Result<Self, ModelError> {
        let (bos, eos) = (tokenizer.bos_token(), tokenizer.eos_token());
        let file = dir.join("chat_template.jinja");
        if file.is_file() {
            return Self::new(&read_text(&file, MAX_SOURCE as u64)?, bos, eos);
        }
        let path = dir.join("tokenizer_config.json");
        if path.is_file() {
            let json = read_json(&path)?;
            if let Some(source) = pick(json.get("chat_template"), &path)? {
                return Self::new(source, bos, eos);
            }
        }
        Err(ModelError::TemplateMissing {
            path: dir.to_owned(),
            expected: "chat_template.jinja, or `chat_template` in tokenizer_config.json",
        })
    }

    /// Reads `tokenizer.chat_template` of a GGUF file.
    pub(crate) fn from_gguf(
        metadata: &Metadata,
        tokenizer: &Tokenizer,
    ) -> Result<Self, ModelError> {
        let source = metadata.text("tokenizer.chat_template")?.ok_or_else(|| {
            ModelError::TemplateMissing {
                path: metadata.path().to_owned(),
                expected: "`tokenizer.chat_template` in the metadata",
            }
        })?;
        Self::new(source, tokenizer.bos_token(), tokenizer.eos_token())
    }

    /// Renders a chat. With `add_generation_prompt` the text ends at the start of the assistant's turn.
    ///
    /// # Errors
    /// Returns [`ModelError::Template`] if the template rejects the chat, runs too long or renders more than 16 MiB.
    pub fn render(
        &self,
        messages: &[Message],
        add_generation_prompt: bool,
    ) -> Result<String, ModelError> {
        let template = self.environment.get_template(NAME).map_err(|error| failed(&error))?;
        let messages: Vec<Value> = messages.iter().map(turn).collect();
        let chat = context! {
            messages => messages,
            add_generation_prompt => add_generation_prompt,
            tools => (),
            documents => (),
            ..self.tokens()
        };
        let text = template.render(chat).map_err(|error| failed(&error))?;
        if text.len() > MAX_OUTPUT {
            let reason =
                format!("found {} rendered bytes, expected at most {MAX_OUTPUT}", text.len());
            return Err(ModelError::Template { reason });
        }
        Ok(text)
    }

    /// Returns the model's special tokens. Others stay undefined, as in `transformers`.
    fn tokens(&self) -> Value {
        let named = [("bos_token", &self.bos), ("eos_token", &self.eos)];
        let known = named.into_iter().filter_map(|(name, token)| Some((name, token.as_deref()?)));
        Value::from_pairs(known)
    }

    /// Returns the template's source.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Returns the BLAKE3 hash of the source and the special tokens, in hexadecimal.
    pub fn hash(&self) -> String {
        let mut hasher = ContentHasher::new();
        for part in [Some(&self.source), self.bos.as_ref(), self.eos.as_ref()] {
            hasher.part(part.map_or("", String::as_str));
        }
        hasher.hex()
    }
}

/// Converts a message to a template value.
fn turn(message: &Message) -> Value {
    let role = match message.role {
        Role::System => "system",
        Role::User => "user",
        Role::Assistant => "assistant",
    };
    Value::from_pairs([("role", role), ("content", message.content.as_str())])
}

/// Picks the template from a string, or from a list of named templates: `default`, or the only one.
fn pick<'a>(
    value: Option<&'a serde_json::Value>,
    path: &Path,
) -> Result<Option<&'a str>, ModelError> {
    use serde_json::Value as Json;

    match value {
        None | Some(Json::Null) => Ok(None),
        Some(Json::String(source)) => Ok(Some(source)),
        Some(Json::Array(list)) => {
            let default = list
                .iter()
                .find(|entry| entry.get("name").and_then(Json::as_str) == Some("default"))
                .or(if list.len() == 1 { list.first() } else { None });
            let source = default.and_then(|entry| entry.get("template")?.as_str());
            source.map(Some).ok_or_else(|| {
                let expected = "a list with a template named default";
                ModelError::config(path, "chat_template", expected, "a list without one")
            })
        }
        Some(_) => {
            let expected = "a string or a list of named templates";
            Err(ModelError::config(path, "chat_template", expected, "another type"))
        }
    }
}

fn raise_exception(message: String) -> Result<Value, Error> {
    Err(Error::new(ErrorKind::InvalidOperation, message))
}

/// Returns the innermost cause, with its line.
fn failed(error: &Error) -> ModelError {
    let mut reason = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(inner) = source {
        reason = format!("{reason}: {inner}");
        source = inner.source();
    }
    if error.kind() == ErrorKind::OutOfFuel {
        reason = format!("more than {FUEL} steps: {reason}");
    }
    ModelError::Template { reason }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn render(source: &str, messages: &[Message]) -> Result<String, ModelError> {
        ChatTemplate::new(source, None, Some("<eos>"))?.render(messages, true)
    }

    #[test]
    fn blocks_are_trimmed_and_python_methods_work() {
        let source = "{% for m in messages %}\n    {% if m.role == 'user' %}\n\
                      {{ m['content'].strip().upper() }}{{ eos_token }}\n    {% endif %}\n\
                      {% endfor %}\n{{ messages[0].get('name', 'none') }}{{ bos_token }}";
        let text = render(source, &[Message::user(" hi "), Message::assistant("x")]);
        assert_eq!(text.expect("renders"), "HI<eos>\nnone");
    }

    #[test]
    fn loop_controls_and_slices_work() {
        let source = "{% for m in messages[1:] %}{% if loop.index0 == 1 %}{% break %}{% endif %}\
                      {{ m.content }}{% endfor %}";
        let chat = ["a", "b", "c"].map(Message::user);
        assert_eq!(render(source, &chat).expect("renders"), "b");
    }

    #[test]
    fn a_template_can_reject_a_chat() {
        let error = render("{{ raise_exception('roles must alternate') }}", &[]);
        assert!(error.expect_err("refused").to_string().contains("roles must alternate"));
    }

    #[test]
    fn content_is_not_evaluated_as_a_template() {
        let text = render("{{ messages[0].content }}", &[Message::user("{{ 7 * 7 }}<b>")]);
        assert_eq!(text.expect("renders"), "{{ 7 * 7 }}<b>");
    }

    #[test]
    fn hostile_templates_fail_with_an_error() {
        for source in [
            "{% for a in range(9999) %}{% for b in range(9999) %}x{% endfor %}{% endfor %}",
            "{% set n = namespace(s='x') %}{% for i in range(60) %}\
             {% set n.s = n.s ~ n.s %}{% endfor %}{{ n.s }}",
            "{{ 'x' * 99999999999 }}",
            "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
            "{{ ('a' * 1000000).replace('a', 'b' * 1000000) }}",
            "{% for i in range(999999999) %}{% endfor %}",
        ] {
            assert!(render(source, &[]).is_err(), "{source}");
        }
        assert!(ChatTemplate::new("{% for %}", None, None).is_err());
        assert!(ChatTemplate::new(&"x".repeat(MAX_SOURCE + 1), None, None).is_err());
    }

    #[test]
    fn the_default_of_named_templates_is_used() {
        let path = Path::new("tokenizer_config.json");
        let list = serde_json::json!([
            {"name": "tool_use", "template": "t"}, {"name": "default", "template": "d"},
        ]);
        assert_eq!(pick(Some(&list), path).expect("list"), Some("d"));
        let other = serde_json::json!([{"name": "a", "template": "t"}, {"name": "b"}]);
        assert!(pick(Some(&other), path).is_err());
        assert!(pick(Some(&serde_json::json!(7)), path).is_err());
    }

    #[test]
    fn the_hash_depends_on_the_special_tokens() {
        let hash = |eos| ChatTemplate::new("x", None, Some(eos)).expect("compiles").hash();
        assert_eq!(hash("a"), hash("a"));
        assert_ne!(hash("a"), hash("b"));
    }
}

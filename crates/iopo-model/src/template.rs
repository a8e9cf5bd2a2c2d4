//! Chat templates in the Hugging Face dialect of Jinja.
//!
//! Templates see the environment of `transformers`: `messages`, `add_generation_prompt`, the special tokens, `tools` and
//! `documents` (both none), and everything that [`iopo_jinja`] renders. `strftime_now` writes the date of
//! [`TemplateSettings`], because a prompt must not depend on the day.
//!
//! A template comes with the model and can be hostile. The engine limits its time and memory.

use std::path::Path;
use std::sync::Arc;

use iopo_core::ContentHasher;
use iopo_jinja::Template;
pub use iopo_jinja::{Date, Rendered};
use iopo_llm::{Message, Role};
use serde_json::{Map, Value as Json, json};

use crate::checkpoint::gguf::Metadata;
use crate::config::{read_json, read_text};
use crate::error::ModelError;
use crate::tokenizer::Tokenizer;

/// Largest template source in bytes.
const MAX_SOURCE: u64 = 1 << 20;
/// Special tokens that only templates use.
const TEMPLATE_TOKENS: [&str; 4] = ["unk_token", "sep_token", "cls_token", "mask_token"];

/// Settings of a chat template that are not among the model's files.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TemplateSettings {
    /// Date that the function `strftime_now` writes. Default: 2024-07-26.
    pub date: Date,
    /// Token that ends an answer. If none, it is the token that the template writes after an
    /// answer, or the tokenizer's `eos_token`. Default: none.
    pub eos_token: Option<String>,
}

/// A compiled chat template.
#[derive(Debug, Clone)]
pub struct ChatTemplate {
    compiled: Arc<Template>,
    source: String,
    /// Texts of the special tokens by their names in the template. Others are undefined, as in `transformers`.
    tokens: Vec<(&'static str, String)>,
    settings: TemplateSettings,
}

impl ChatTemplate {
    /// Compiles a template; `bos` and `eos` are the texts of the special tokens.
    ///
    /// # Errors
    /// Returns [`ModelError::Template`] if the source exceeds 1 MiB or does not compile.
    pub fn new(source: &str, bos: Option<&str>, eos: Option<&str>) -> Result<Self, ModelError> {
        let compiled = Template::new(source).map_err(|error| failed(&error))?;
        let named = [("bos_token", bos), ("eos_token", eos)];
        let given = |text: &&str| !text.is_empty();
        let tokens = named
            .into_iter()
            .filter_map(|(name, text)| Some((name, text.filter(given)?.to_owned())))
            .collect();
        let settings = TemplateSettings::default();
        Ok(Self { compiled: Arc::new(compiled), source: source.to_owned(), tokens, settings })
    }

    /// Compiles a template that sees the tokenizer's special tokens.
    fn with_tokenizer(source: &str, tokenizer: &Tokenizer) -> Result<Self, ModelError> {
        let mut template = Self::new(source, tokenizer.bos_token(), tokenizer.eos_token())?;
        let pad = tokenizer.pad_token().filter(|pad| !pad.is_empty());
        template.tokens.extend(pad.map(|pad| ("pad_token", pad.to_owned())));
        Ok(template)
    }

    /// Reads `chat_template.jinja` or the `chat_template` of `tokenizer_config.json`.
    ///
    /// # Errors
    /// Returns [`ModelError::TemplateMissing`] if there is neither, and another error if a file cannot be read or the template
    /// does not compile.
    pub fn from_dir(dir: &Path, tokenizer: &Tokenizer) -> Result<Self, ModelError> {
        let path = dir.join("tokenizer_config.json");
        let json = if path.is_file() { read_json(&path)? } else { Json::Null };
        let file = dir.join("chat_template.jinja");
        let mut template = if file.is_file() {
            Self::with_tokenizer(&read_text(&file, MAX_SOURCE)?, tokenizer)?
        } else if let Some(source) = pick(json.get("chat_template"), &path)? {
            Self::with_tokenizer(source, tokenizer)?
        } else {
            return Err(ModelError::TemplateMissing {
                path: dir.to_owned(),
                expected: "chat_template.jinja, or `chat_template` in tokenizer_config.json",
            });
        };
        let map = dir.join("special_tokens_map.json");
        let map = if map.is_file() { read_json(&map)? } else { Json::Null };
        for name in TEMPLATE_TOKENS {
            let stated = json.get(name).or_else(|| map.get(name));
            let text = stated.and_then(|own| own.as_str().or_else(|| own.get("content")?.as_str()));
            template
                .tokens
                .extend(text.filter(|text| !text.is_empty()).map(|text| (name, text.to_owned())));
        }
        Ok(template)
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
        Self::with_tokenizer(source, tokenizer)
    }

    /// Returns the template with other settings.
    #[must_use]
    pub fn with_settings(self, settings: TemplateSettings) -> Self {
        Self { settings, ..self }
    }

    /// Returns the settings.
    pub fn settings(&self) -> &TemplateSettings {
        &self.settings
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
        Ok(self.rendered(messages, add_generation_prompt)?.text)
    }

    /// Renders a chat, with the ranges that `{% generation %}` blocks wrote.
    ///
    /// # Errors
    /// Returns [`ModelError::Template`] as [`ChatTemplate::render`] does.
    pub fn rendered(
        &self,
        messages: &[Message],
        add_generation_prompt: bool,
    ) -> Result<Rendered, ModelError> {
        let mut variables = Map::new();
        let turns: Vec<Json> = messages.iter().map(turn).collect();
        variables.insert("messages".to_owned(), Json::Array(turns));
        variables.insert("add_generation_prompt".to_owned(), add_generation_prompt.into());
        for absent in ["tools", "documents"] {
            variables.insert(absent.to_owned(), Json::Null);
        }
        for (name, text) in &self.tokens {
            variables.insert((*name).to_owned(), text.as_str().into());
        }
        self.compiled.render(&variables, self.settings.date).map_err(|error| failed(&error))
    }

    /// Returns the template's source.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Returns the BLAKE3 hash of the source, and of the special tokens and settings that matter, in hexadecimal.
    pub fn hash(&self) -> String {
        let mut hasher = ContentHasher::new();
        hasher.part(&self.source);
        // A token that the template does not name changes no prompt; the end of an answer can be the `eos_token`.
        let matters = |name: &str| name == "eos_token" || self.source.contains(name);
        for (name, text) in self.tokens.iter().filter(|(name, _)| matters(name)) {
            hasher.part(name);
            hasher.part(text);
        }
        if let Some(eos) = &self.settings.eos_token {
            hasher.part("end of turn");
            hasher.part(eos);
        }
        if self.source.contains("strftime_now") {
            hasher.part("date");
            hasher.part(self.settings.date.to_string());
        }
        hasher.hex()
    }
}

/// Converts a message to a template value.
fn turn(message: &Message) -> Json {
    let role = match message.role {
        Role::System => "system",
        Role::User => "user",
        Role::Assistant => "assistant",
    };
    json!({"role": role, "content": message.content})
}

/// Picks the template from a string, or from a list of named templates: `default`, or the only one.
fn pick<'a>(value: Option<&'a Json>, path: &Path) -> Result<Option<&'a str>, ModelError> {
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

fn failed(error: &iopo_jinja::Error) -> ModelError {
    ModelError::Template { reason: error.to_string() }
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
        assert!(ChatTemplate::new(&"x".repeat((1 << 20) + 1), None, None).is_err());
    }

    #[test]
    fn the_default_of_named_templates_is_used() {
        let path = Path::new("tokenizer_config.json");
        let list = json!([
            {"name": "tool_use", "template": "t"}, {"name": "default", "template": "d"},
        ]);
        assert_eq!(pick(Some(&list), path).expect("list"), Some("d"));
        let other = json!([{"name": "a", "template": "t"}, {"name": "b"}]);
        assert!(pick(Some(&other), path).is_err());
        assert!(pick(Some(&json!(7)), path).is_err());
    }

    #[test]
    fn the_hash_depends_on_the_special_tokens() {
        let hash = |eos| ChatTemplate::new("x", None, Some(eos)).expect("compiles").hash();
        assert_eq!(hash("a"), hash("a"));
        assert_ne!(hash("a"), hash("b"));
    }

    #[test]
    fn the_date_comes_from_the_settings_and_counts_where_it_is_written() {
        let dated = "{{ strftime_now('%d %B %Y') }}";
        let at = |source, date: &str| {
            let date = date.parse().expect("a date");
            let settings = TemplateSettings { date, ..TemplateSettings::default() };
            ChatTemplate::new(source, None, None).expect("compiles").with_settings(settings)
        };
        let (one, two) = (at(dated, "2025-01-02"), at(dated, "2031-12-24"));
        assert_eq!(one.render(&[], true).expect("renders"), "02 January 2025");
        assert_eq!(two.render(&[], true).expect("renders"), "24 December 2031");
        assert_ne!(one.hash(), two.hash());
        assert_eq!(at("x", "2025-01-02").hash(), at("x", "2031-12-24").hash());
    }

    #[test]
    fn generation_blocks_have_their_ranges() {
        let source = "{% for m in messages %}{% if m.role == 'assistant' %}{% generation %}\
                      {{ m.content }}<eos>{% endgeneration %}{% else %}[{{ m.content }}]{% endif %}\
                      {% endfor %}";
        let template = ChatTemplate::new(source, None, None).expect("compiles");
        let chat = [Message::user("a"), Message::assistant("bc"), Message::user("d")];
        let rendered = template.rendered(&chat, false).expect("renders");
        assert_eq!(rendered.text, "[a]bc<eos>[d]");
        let generated = rendered.generated.expect("outside macros and filters");
        assert_eq!(generated.len(), 1);
        assert_eq!(&rendered.text[generated[0].clone()], "bc<eos>");
    }
}

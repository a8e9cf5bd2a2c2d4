//! Writes tokenizer and chat template in the layout of Hugging Face.

use std::path::Path;

use iopo_core::files;
use serde_json::{Map, Value, json};

use crate::tokenizer::special;
use crate::{ChatTemplate, ModelConfig, ModelError, Tokenizer};

const GENERATION: &str = "generation_config.json";

/// Small files of a Hugging Face directory whose settings a copy of the model keeps.
#[derive(Debug, Clone, Default)]
pub(crate) struct Originals {
    tokenizer_config: Option<Map<String, Value>>,
    special_tokens_map: Option<Map<String, Value>>,
    generation_config: Option<Map<String, Value>>,
}

impl Originals {
    /// Reads the files that exist.
    pub(crate) fn read(dir: &Path) -> Result<Self, ModelError> {
        Ok(Self {
            tokenizer_config: special::object(&dir.join(special::CONFIG))?,
            special_tokens_map: special::object(&dir.join(special::MAP))?,
            generation_config: special::object(&dir.join(GENERATION))?,
        })
    }

    /// Returns the settings of special tokens; `None` if no file has them.
    pub(crate) fn special_tokens(&self) -> Option<Map<String, Value>> {
        special::stated(self.tokenizer_config.as_ref(), self.special_tokens_map.as_ref())
    }
}

/// Writes `tokenizer.json`, `tokenizer_config.json` and `chat_template.jinja`.
///
/// With these, a directory of `config.json` and weights opens as a Hugging Face chat model. A tokenizer from a Hugging Face
/// directory keeps the settings of its `tokenizer_config.json`, and brings its `special_tokens_map.json` and
/// `generation_config.json` along.
///
/// # Errors
/// Returns an error if a file cannot be written.
pub fn write_chat_files(
    dir: &Path,
    tokenizer: &Tokenizer,
    template: &ChatTemplate,
    model: &ModelConfig,
) -> Result<(), ModelError> {
    let write = |name: &str, text: &str| {
        let path = dir.join(name);
        files::write(&path, text.as_bytes()).map_err(|error| ModelError::io("write", &path, error))
    };
    let write_json = |name: &str, value: &Map<String, Value>| {
        // The alternate form of a JSON value is indented.
        write(name, &format!("{:#}\n", Value::Object(value.clone())))
    };
    let originals = tokenizer.originals();
    write("tokenizer.json", &tokenizer.to_json()?)?;
    write_json(special::CONFIG, &tokenizer_config(tokenizer, template, model))?;
    if let Some(map) = &originals.special_tokens_map {
        write_json(special::MAP, map)?;
    }
    if let Some(generation) = &originals.generation_config {
        write_json(GENERATION, generation)?;
    }
    write("chat_template.jinja", template.source())
}

/// Returns the original settings with the template, or the settings of a tokenizer from a GGUF file.
fn tokenizer_config(
    tokenizer: &Tokenizer,
    template: &ChatTemplate,
    model: &ModelConfig,
) -> Map<String, Value> {
    let mut config = tokenizer.originals().tokenizer_config.clone().unwrap_or_else(|| {
        let tokens = [
            ("bos_token", tokenizer.bos_token()),
            ("eos_token", tokenizer.eos_token()),
            ("pad_token", tokenizer.pad_token()),
        ];
        let mut config = Map::new();
        config.insert("tokenizer_class".to_owned(), json!("PreTrainedTokenizerFast"));
        config.extend(tokens.map(|(key, token)| (key.to_owned(), json!(token))));
        // The template writes every special token, so the tokenizer must not add any.
        for key in ["add_bos_token", "add_eos_token", "clean_up_tokenization_spaces"] {
            config.insert(key.to_owned(), json!(false));
        }
        config.insert("model_max_length".to_owned(), json!(model.max_position_embeddings));
        config
    });
    // Directories with several templates list them by name.
    if !config.get("chat_template").is_some_and(Value::is_array) {
        config.insert("chat_template".to_owned(), json!(template.source()));
    }
    config
}

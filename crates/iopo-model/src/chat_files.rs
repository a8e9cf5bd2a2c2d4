//! Writes tokenizer and chat template in the layout of Hugging Face.

use std::path::Path;

use iopo_core::files;
use serde_json::json;

use crate::{ChatTemplate, ModelConfig, ModelError, Tokenizer};

/// Writes `tokenizer.json`, `tokenizer_config.json` and `chat_template.jinja`.
///
/// With these, a directory of `config.json` and weights opens as a Hugging Face chat model.
///
/// # Errors
/// Returns an error if a file cannot be written.
pub fn write_chat_files(
    dir: &Path,
    tokenizer: &Tokenizer,
    template: &ChatTemplate,
    model: &ModelConfig,
) -> Result<(), ModelError> {
    // The template writes every special token, so the tokenizer must not add any.
    let config = json!({
        "tokenizer_class": "PreTrainedTokenizerFast",
        "bos_token": tokenizer.bos_token(),
        "eos_token": tokenizer.eos_token(),
        "pad_token": tokenizer.pad_token(),
        "add_bos_token": false,
        "add_eos_token": false,
        "clean_up_tokenization_spaces": false,
        "model_max_length": model.max_position_embeddings,
        "chat_template": template.source(),
    });
    let write = |name: &str, text: &str| {
        let path = dir.join(name);
        files::write(&path, text.as_bytes()).map_err(|error| ModelError::io("write", &path, error))
    };
    write("tokenizer.json", &tokenizer.to_json()?)?;
    write("tokenizer_config.json", &format!("{config:#}\n"))?;
    write("chat_template.jinja", template.source())
}

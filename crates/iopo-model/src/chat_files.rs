//! What makes a folder of weights a model that chats: tokenizer and chat template, as Hugging Face lays them out.

use std::path::Path;

use serde_json::json;

use crate::{ChatTemplate, ModelConfig, ModelError, Tokenizer, files};

/// Writes `tokenizer.json`, `tokenizer_config.json` and `chat_template.jinja` into a folder with `config.json` and
/// weights, so that it can be opened as a Hugging Face directory.
///
/// # Errors
/// When a file cannot be written.
pub fn write_chat_files(
    dir: &Path,
    tokenizer: &Tokenizer,
    template: &ChatTemplate,
    model: &ModelConfig,
) -> Result<(), ModelError> {
    // The template writes every special token itself: none may be added to what it rendered.
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
    files::write(&dir.join("tokenizer.json"), tokenizer.to_json()?.as_bytes())?;
    files::write(&dir.join("tokenizer_config.json"), format!("{config:#}\n").as_bytes())?;
    files::write(&dir.join("chat_template.jinja"), template.source().as_bytes())
}

//! What makes a folder of weights a model that chats: tokenizer and chat template, as Hugging Face lays them out.

use std::path::Path;

use serde_json::json;

use crate::{Base, TrainError, files};

/// Writes `tokenizer.json`, `tokenizer_config.json` and `chat_template.jinja` of the base into a folder with
/// `config.json` and weights, so that it can be opened as a Hugging Face directory.
///
/// # Errors
/// When a file cannot be written.
pub(crate) fn save(dir: &Path, base: &Base<'_>) -> Result<(), TrainError> {
    let (tokenizer, template) = (base.tokenizer, base.template.source());
    // The template writes every special token itself: none may be added to what it rendered.
    let config = json!({
        "tokenizer_class": "PreTrainedTokenizerFast",
        "bos_token": tokenizer.bos_token(),
        "eos_token": tokenizer.eos_token(),
        "pad_token": tokenizer.pad_token(),
        "add_bos_token": false,
        "add_eos_token": false,
        "clean_up_tokenization_spaces": false,
        "model_max_length": base.decoder.config().max_position_embeddings,
        "chat_template": template,
    });
    files::write(&dir.join("tokenizer.json"), tokenizer.to_json()?.as_bytes())?;
    files::write(&dir.join("tokenizer_config.json"), format!("{config:#}\n").as_bytes())?;
    files::write(&dir.join("chat_template.jinja"), template.as_bytes())
}

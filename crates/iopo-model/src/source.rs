//! A model's files as one thing: weights, tokenizer, chat template.

use std::path::Path;

use crate::checkpoint::{Checkpoint, Kind, kind};
use crate::error::ModelError;
use crate::template::ChatTemplate;
use crate::tokenizer::Tokenizer;

/// Opens a model wherever it lies.
#[derive(Debug, Clone, Copy)]
pub struct ModelFiles;

impl ModelFiles {
    /// Opens a Hugging Face directory or a `.gguf` file: headers, tokenizer and template are read
    /// and checked against each other, weights stay in the file.
    pub fn open(path: &Path) -> Result<(Checkpoint, Tokenizer, ChatTemplate), ModelError> {
        let (checkpoint, tokenizer, template) = match kind(path)? {
            Kind::Directory => {
                let checkpoint = Checkpoint::open_dir(path)?;
                let tokenizer = Tokenizer::from_dir(path, &checkpoint.config)?;
                let template = ChatTemplate::from_dir(path, &tokenizer)?;
                (checkpoint, tokenizer, template)
            }
            Kind::Gguf => {
                let (checkpoint, metadata) = Checkpoint::open_gguf(path)?;
                let tokenizer = Tokenizer::from_gguf(&metadata)?;
                let template = ChatTemplate::from_gguf(&metadata, &tokenizer)?;
                (checkpoint, tokenizer, template)
            }
        };
        let (rows, needed) = (checkpoint.config.vocab_size, tokenizer.rows());
        if needed > rows {
            return Err(ModelError::BadTokenizer {
                path: path.to_owned(),
                reason: format!(
                    "it has token ids up to {}, the model's embedding has {rows} rows: they do \
                     not belong together",
                    needed - 1
                ),
            });
        }
        Ok((checkpoint, tokenizer, template))
    }
}

//! Opens weights, tokenizer and chat template of a model together.

use std::path::Path;

use crate::checkpoint::{Checkpoint, Kind, kind};
use crate::error::ModelError;
use crate::template::ChatTemplate;
use crate::tokenizer::Tokenizer;

/// Opens a model's files.
#[derive(Debug, Clone, Copy)]
pub struct ModelFiles;

impl ModelFiles {
    /// Opens a Hugging Face directory or a `.gguf` file.
    ///
    /// Reads and checks headers, tokenizer and template. Weights stay in the file until they are read.
    ///
    /// # Errors
    /// Returns an error if a file is missing or malformed, or a GGUF file has more tokens than embedding rows.
    pub fn open(path: &Path) -> Result<(Checkpoint, Tokenizer, ChatTemplate), ModelError> {
        match kind(path)? {
            Kind::Directory => {
                let checkpoint = Checkpoint::open_dir(path)?;
                let tokenizer = Tokenizer::from_dir(path, &checkpoint.config)?;
                let template = ChatTemplate::from_dir(path, &tokenizer)?;
                Ok((checkpoint, tokenizer, template))
            }
            Kind::Gguf => {
                let (checkpoint, metadata) = Checkpoint::open_gguf(path)?;
                let rows = checkpoint.config.vocab_size;
                let tokenizer = Tokenizer::from_gguf(&metadata, rows)?;
                let needed = tokenizer.needed_rows();
                if needed > rows {
                    let reason = format!(
                        "it has token ids up to {}, but the model's embedding has only {rows} rows",
                        needed - 1
                    );
                    return Err(ModelError::tokenizer(path, reason));
                }
                let template = ChatTemplate::from_gguf(&metadata, &tokenizer)?;
                Ok((checkpoint, tokenizer, template))
            }
        }
    }
}

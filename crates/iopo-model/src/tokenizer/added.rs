//! Added tokens, and the places of tokens in a text.

use std::ops::Range;

use super::Tokenizer;
use crate::error::ModelError;

impl Tokenizer {
    /// Returns the text of an added token, special or not; `None` if the id belongs to another token.
    pub fn added_token(&self, id: u32) -> Option<&str> {
        let added = self.inner.get_added_vocabulary();
        added.get_added_tokens_decoder().get(&id).map(|token| token.content.as_str())
    }

    /// Encodes a rendered template as [`Tokenizer::encode`] does, with the bytes of the text that each token covers.
    ///
    /// # Errors
    /// Returns the errors of [`Tokenizer::encode`].
    pub fn encode_with_places(&self, text: &str) -> Result<Vec<(u32, Range<usize>)>, ModelError> {
        // Refuses tokens without a row of the embedding.
        self.encode(text)?;
        let encoding = self.inner.encode(text, false).map_err(|error| ModelError::Tokenize {
            action: "encode",
            reason: error.to_string(),
        })?;
        let places = encoding.get_offsets().iter().map(|(start, end)| *start..*end);
        Ok(encoding.get_ids().iter().copied().zip(places).collect())
    }
}

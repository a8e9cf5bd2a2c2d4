//! Which tokens of a chat the assistant writes, by the template's `{% generation %}` blocks.

use iopo_llm::Message;

use crate::{ChatModel, ModelError};

impl ChatModel {
    /// Tokenizes a whole chat. The mask is true for the tokens that `{% generation %}` blocks of the template write, as in
    /// `apply_chat_template(return_assistant_tokens_mask=True)` of `transformers`.
    ///
    /// # Errors
    /// Returns [`ModelError::Template`] if the template rejects the chat or has a block whose place in the text is unknown,
    /// and [`ModelError::Tokenize`] if the tokenizer fails.
    pub fn assistant_mask(
        &self,
        messages: &[Message],
    ) -> Result<(Vec<u32>, Vec<bool>), ModelError> {
        let rendered = self.template().rendered(messages, false)?;
        let generated = rendered.generated.ok_or_else(|| ModelError::Template {
            reason: "a {% generation %} block is inside a macro or a filter, expected it outside"
                .to_owned(),
        })?;
        let tokens = self.tokenizer().encode_with_places(&rendered.text)?;
        let written = |place: &std::ops::Range<usize>| {
            generated.iter().any(|block| place.start < block.end && block.start < place.end)
        };
        Ok(tokens.into_iter().map(|(id, place)| (id, written(&place))).unzip())
    }
}

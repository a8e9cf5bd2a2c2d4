//! A model on this machine that answers chats: decoder, tokenizer and chat template together.

use std::path::Path;
use std::sync::Arc;

use burn::tensor::Device;
use iopo_llm::{Completion, LanguageModel, LlmError, Message, Progress, Request};

use crate::deal::shares;
use crate::generate::Limits;
use crate::source::ModelFiles;
use crate::{ChatTemplate, Decoder, Dtype, ModelError, Prompt, Tokenizer, workers};

/// A decoder with the files that make chats out of tokens. It implements [`LanguageModel`].
#[derive(Debug, Clone)]
pub struct ChatModel {
    name: String,
    decoder: Decoder,
    files: Arc<Files>,
}

#[derive(Debug)]
struct Files {
    weights_hash: String,
    tokenizer: Tokenizer,
    template: ChatTemplate,
    stop: Vec<u32>,
    batch: usize,
}

impl ChatModel {
    /// Loads a Hugging Face directory or a GGUF file onto a device, its matrices in some type; each worker generates at most
    /// `batch` sequences together.
    ///
    /// # Errors
    /// When a file is missing or broken, or the architecture is unknown.
    pub fn load(
        path: &Path,
        name: &str,
        (device, dtype): (&Device, Dtype),
        batch: usize,
    ) -> Result<Self, ModelError> {
        let (mut checkpoint, tokenizer, template) = ModelFiles::open(path)?;
        let weights_hash = checkpoint.weights_hash()?;
        let config = checkpoint.config.clone();
        let decoder = Decoder::from_tensors_in(dtype, &config, device, |name, shape| {
            checkpoint.tensor(name, shape)
        })?;
        let mut stop = config.eos_token_ids.clone();
        stop.extend(tokenizer.eos_id().filter(|id| !config.eos_token_ids.contains(id)));
        let files = Files { weights_hash, tokenizer, template, stop, batch: batch.max(1) };
        Ok(Self { name: name.to_owned(), decoder, files: Arc::new(files) })
    }

    /// The same chat files around another decoder (the base with an adapter), under another name.
    #[must_use]
    pub fn with_decoder(&self, decoder: Decoder, name: &str) -> Self {
        Self { name: name.to_owned(), decoder, files: Arc::clone(&self.files) }
    }

    /// The weights.
    pub fn decoder(&self) -> &Decoder {
        &self.decoder
    }

    /// The tokenizer.
    pub fn tokenizer(&self) -> &Tokenizer {
        &self.files.tokenizer
    }

    /// The chat template.
    pub fn template(&self) -> &ChatTemplate {
        &self.files.template
    }

    /// Ids of the tokens that end an answer.
    pub fn stop(&self) -> &[u32] {
        &self.files.stop
    }

    /// Hash of the base's weight files.
    pub fn weights_hash(&self) -> &str {
        &self.files.weights_hash
    }

    /// A chat up to the point where the assistant speaks, as tokens.
    ///
    /// # Errors
    /// When the template refuses the chat.
    pub fn encode_prompt(&self, messages: &[Message]) -> Result<Vec<u32>, ModelError> {
        self.files.tokenizer.encode(&self.files.template.render(messages, true)?)
    }

    /// A response as tokens, tokenised apart from its prompt, the end of the turn being part of it.
    ///
    /// # Errors
    /// When the tokenizer fails.
    pub fn encode_response(&self, response: &str) -> Result<Vec<u32>, ModelError> {
        let mut tokens = self.files.tokenizer.encode_content(response)?;
        tokens.extend(self.files.tokenizer.eos_id().or(self.files.stop.first().copied()));
        Ok(tokens)
    }

    /// Returns whether a chat and `new_tokens` more tokens fit the model's context.
    ///
    /// # Errors
    /// Returns an error if the template rejects the chat or the tokenizer fails.
    pub fn fits(&self, messages: &[Message], new_tokens: usize) -> Result<bool, ModelError> {
        let tokens = self.encode_prompt(messages)?.len();
        Ok(tokens.saturating_add(new_tokens) <= self.decoder.config().max_position_embeddings)
    }

    /// One request as tokens; it and its answer must fit the context.
    fn prompt(&self, index: usize, request: &Request) -> Result<Prompt, LlmError> {
        let refuse = |reason| LlmError::BadRequest { index, reason };
        let mut contents = request.messages.iter().map(|message| message.content.as_str());
        if let Some(token) = contents.find_map(|text| self.files.tokenizer.special_in(text)) {
            return Err(refuse(format!("a message spells the special token {token}")));
        }
        let tokens =
            self.encode_prompt(&request.messages).map_err(|error| refuse(error.to_string()))?;
        let wanted = request.sampling.max_new_tokens;
        let limit = self.decoder.config().max_position_embeddings;
        if tokens.len().saturating_add(wanted) > limit {
            return Err(refuse(format!(
                "{} tokens and an answer of {wanted} do not fit the context of {limit}: shorten the input or \
                 lower max_new_tokens",
                tokens.len()
            )));
        }
        Ok(Prompt { tokens, sampling: request.sampling.clone() })
    }
}

impl LanguageModel for ChatModel {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn complete(
        &self,
        requests: &[Request],
        progress: &dyn Progress,
    ) -> Result<Vec<Completion>, LlmError> {
        let prompts = requests
            .iter()
            .enumerate()
            .map(|(index, request)| self.prompt(index, request))
            .collect::<Result<Vec<_>, _>>()?;
        let device = self.decoder.device();
        let shares = shares(&prompts, workers::count(&device));
        let tokens = Limits::default().tokens / shares.len();
        let limits = Limits { rows: self.files.batch, tokens };
        let generated = workers::map(&device, shares.clone(), |share| {
            let batch: Vec<Prompt> = share.iter().map(|&index| prompts[index].clone()).collect();
            self.decoder.generate(&batch, &self.files.stop, limits, progress)
        })?;
        let mut completions: Vec<Option<Completion>> = vec![None; requests.len()];
        for (&index, made) in shares.iter().flatten().zip(generated.into_iter().flatten()) {
            completions[index] = Some(Completion {
                text: self.files.tokenizer.decode(&made.tokens, true)?,
                finish_reason: made.finish_reason,
                prompt_tokens: prompts[index].tokens.len(),
                completion_tokens: made.count,
            });
        }
        Ok(completions.into_iter().flatten().collect())
    }
}

impl From<ModelError> for LlmError {
    fn from(error: ModelError) -> Self {
        match error {
            ModelError::Cancelled => Self::Cancelled,
            error => Self::Failed { reason: error.to_string() },
        }
    }
}

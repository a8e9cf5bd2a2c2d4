//! A local chat model: decoder, tokenizer and chat template.

use std::path::Path;
use std::sync::{Arc, OnceLock};

use burn::tensor::Device;
use iopo_core::ContentHasher;
use iopo_llm::{
    Completion, Failure, FailureClass, LanguageModel, LlmError, Message, Outcome, Progress,
    Quantization, Request,
};

use crate::deal::shares;
use crate::generate::Limits;
use crate::source::ModelFiles;
use crate::{
    ChatTemplate, Decoder, Dtype, EndOfTurn, GenerationRequest, ModelConfig, ModelError,
    TemplateSettings, Tokenizer, escaped, workers,
};

/// A decoder with its tokenizer and chat template. Implements [`LanguageModel`] and [`LogProb`](iopo_llm::LogProb).
#[derive(Debug, Clone)]
pub struct ChatModel {
    name: String,
    decoder: Decoder,
    /// The decoder with 8-bit weights, made for the first request that asks for it.
    int8: Arc<OnceLock<Decoder>>,
    files: Arc<Files>,
}

#[derive(Debug, Clone)]
struct Files {
    weights_hash: String,
    notes: Vec<String>,
    tokenizer: Tokenizer,
    template: ChatTemplate,
    end: Option<EndOfTurn>,
    /// Tokens that end a generation: the end of turn and those of the model's configuration.
    stop: Vec<u32>,
    /// Whether special tokens that a message spells are encoded as plain text.
    escape: bool,
    batch: usize,
}

impl ChatModel {
    /// Loads a Hugging Face directory or a GGUF file onto a device.
    ///
    /// `dtype` is the type of the weight matrices. Each worker generates at most `batch` sequences together.
    ///
    /// # Errors
    /// Returns an error if a file is missing or malformed, or the architecture is not supported.
    pub fn load(
        path: &Path,
        name: &str,
        (device, dtype): (&Device, Dtype),
        batch: usize,
    ) -> Result<Self, ModelError> {
        let (mut checkpoint, tokenizer, template) = ModelFiles::open(path)?;
        let weights_hash = checkpoint.weights_hash()?;
        let notes = checkpoint.notes().to_vec();
        let config = checkpoint.config.clone();
        let decoder = Decoder::from_tensors_in(dtype, &config, device, |name, shape| {
            checkpoint.tensor(name, shape)
        })?;
        let end = EndOfTurn::find(&tokenizer, &template)?;
        let stop = stop_ids(&config, end.as_ref());
        let (escape, batch) = (false, batch.max(1));
        let files = Files { weights_hash, notes, tokenizer, template, end, stop, escape, batch };
        Ok(Self { name: name.to_owned(), decoder, int8: Arc::default(), files: Arc::new(files) })
    }

    /// Returns a model with the same tokenizer and template, another decoder and another name.
    #[must_use]
    pub fn with_decoder(&self, decoder: Decoder, name: &str) -> Self {
        let (name, files) = (name.to_owned(), Arc::clone(&self.files));
        Self { name, decoder, int8: Arc::default(), files }
    }

    /// Returns the model with other settings of its template. An `eos_token` that the model ends with anyway changes nothing.
    ///
    /// # Errors
    /// Returns [`ModelError::Setting`] if the setting `eos_token` is not a token of the model.
    pub fn with_template_settings(&self, settings: TemplateSettings) -> Result<Self, ModelError> {
        let mut files = (*self.files).clone();
        let own = TemplateSettings { eos_token: None, ..settings.clone() };
        let own = files.template.clone().with_settings(own);
        let set = files.template.with_settings(settings);
        let [own_end, set_end] =
            [&own, &set].map(|template| EndOfTurn::find(&files.tokenizer, template));
        let (own_end, set_end) = (own_end?, set_end?);
        let id = |end: &Option<EndOfTurn>| end.as_ref().map(EndOfTurn::id);
        let is_same = id(&own_end) == id(&set_end);
        // The hash of the template counts the setting.
        (files.template, files.end) = if is_same { (own, own_end) } else { (set, set_end) };
        files.stop = stop_ids(self.decoder.config(), files.end.as_ref());
        Ok(Self { files: Arc::new(files), ..self.clone() })
    }

    /// Returns the model with another treatment of messages that spell a special token: they are encoded as plain text if
    /// `escape` is set, and refused otherwise.
    #[must_use]
    pub fn with_escaped_special_tokens(&self, escape: bool) -> Self {
        let files = Files { escape, ..(*self.files).clone() };
        Self { files: Arc::new(files), ..self.clone() }
    }

    /// Returns the decoder.
    pub fn decoder(&self) -> &Decoder {
        &self.decoder
    }

    /// Returns the decoder that generates with weights of the given type. Rounded weights stay in memory.
    fn sampler(&self, quantization: Quantization) -> Result<&Decoder, ModelError> {
        match quantization {
            Quantization::None => Ok(&self.decoder),
            Quantization::Int8 => {
                if self.int8.get().is_none() {
                    // Another thread may have set it since.
                    let _ = self.int8.set(self.decoder.quantized(quantization)?);
                }
                Ok(self.int8.get().unwrap_or(&self.decoder))
            }
        }
    }

    /// Returns the tokenizer.
    pub fn tokenizer(&self) -> &Tokenizer {
        &self.files.tokenizer
    }

    /// Returns the chat template.
    pub fn template(&self) -> &ChatTemplate {
        &self.files.template
    }

    /// Returns the ids of the stop tokens.
    pub fn stop(&self) -> &[u32] {
        &self.files.stop
    }

    /// Returns remarks for the user about the files that were loaded.
    pub fn notes(&self) -> &[String] {
        &self.files.notes
    }

    /// Returns the hash of the weight files that were loaded.
    pub fn weights_hash(&self) -> &str {
        &self.files.weights_hash
    }

    /// Renders and tokenizes a chat, up to the start of the assistant's reply.
    ///
    /// # Errors
    /// Returns an error if the template rejects the chat or the tokenizer fails.
    pub fn encode_prompt(&self, messages: &[Message]) -> Result<Vec<u32>, ModelError> {
        let Files { tokenizer, template, escape, .. } = &*self.files;
        let spelled = |message: &Message| tokenizer.special_in(&message.content).is_some();
        if *escape && messages.iter().any(spelled) {
            return escaped::encode(tokenizer, template, messages);
        }
        tokenizer.encode(&template.render(messages, true)?)
    }

    /// Tokenizes a response separately from its prompt and appends the end-of-turn token.
    ///
    /// # Errors
    /// Returns an error if the tokenizer fails.
    pub fn encode_response(&self, response: &str) -> Result<Vec<u32>, ModelError> {
        let mut tokens = self.files.tokenizer.encode_content(response)?;
        tokens.extend(self.end_id());
        Ok(tokens)
    }

    /// Returns the token that ends an answer, if the model has one.
    pub fn end_of_turn(&self) -> Option<&EndOfTurn> {
        self.files.end.as_ref()
    }

    /// Returns the id that ends an answer: the end of turn, or a stop token of the configuration.
    pub(crate) fn end_id(&self) -> Option<u32> {
        self.end_of_turn().map(EndOfTurn::id).or(self.files.stop.first().copied())
    }

    /// Encodes the prompt of request `index`. Refuses a message with a special token, and a chat that the template
    /// rejects.
    pub(crate) fn checked_prompt(
        &self,
        index: usize,
        messages: &[Message],
    ) -> Result<Vec<u32>, LlmError> {
        let mut contents = messages.iter().map(|message| message.content.as_str());
        let spelled = contents.find_map(|text| self.files.tokenizer.special_in(text));
        if let Some(token) = spelled.filter(|_| !self.files.escape) {
            return Err(LlmError::SpecialToken { index, token: token.to_owned() });
        }
        self.encode_prompt(messages)
            .map_err(|error| LlmError::BadRequest { index, reason: error.to_string() })
    }

    /// Whether a prompt and a response, of these numbers of tokens, fit the context.
    pub(crate) fn in_context(&self, prompt: usize, response: usize) -> bool {
        prompt.saturating_add(response) <= self.decoder.config().max_position_embeddings
    }

    /// Tokenizes a request and checks that it fits the context.
    fn tokenized(&self, request: &Request) -> Result<GenerationRequest, Failure> {
        let prompt = self.checked_prompt(0, &request.messages);
        let tokens = prompt.map_err(|error| {
            let reason = match error {
                LlmError::BadRequest { reason, .. } => reason,
                LlmError::SpecialToken { token, .. } => {
                    format!("a message contains the special token {token}")
                }
                other => other.to_string(),
            };
            Failure::new(FailureClass::BadRequest, reason)
        })?;
        let wanted = request.sampling.max_new_tokens;
        if !self.in_context(tokens.len(), wanted) {
            let limit = self.decoder.config().max_position_embeddings;
            let reason = format!(
                "{} prompt tokens and {wanted} new tokens exceed the context of {limit} tokens; shorten the \
                 prompt or lower max_new_tokens",
                tokens.len()
            );
            return Err(Failure::new(FailureClass::TooLong, reason));
        }
        Ok(GenerationRequest { tokens, sampling: request.sampling.clone() })
    }
}

/// The tokens that end a generation.
fn stop_ids(config: &ModelConfig, end: Option<&EndOfTurn>) -> Vec<u32> {
    let mut stop = config.eos_token_ids.clone();
    stop.extend(end.map(EndOfTurn::id).filter(|id| !config.eos_token_ids.contains(id)));
    stop
}

impl LanguageModel for ChatModel {
    fn name(&self) -> String {
        self.name.clone()
    }

    /// Returns the name with a hash of the tokenizer, the chat template and the stop tokens.
    fn fingerprint(&self) -> Result<String, LlmError> {
        let Files { tokenizer, template, stop, escape, .. } = &*self.files;
        let mut hasher = ContentHasher::new();
        hasher.part(tokenizer.hash()?).part(template.hash());
        for id in stop {
            hasher.part(id.to_le_bytes());
        }
        // Escaping decides whether a prompt that spells a special token is refused.
        if *escape {
            hasher.part("escape");
        }
        Ok(format!("{} {}", self.name, hasher.hex()))
    }

    fn complete(
        &self,
        requests: &[Request],
        progress: &dyn Progress,
    ) -> Result<Vec<Outcome>, LlmError> {
        let tokenized: Vec<_> = requests.iter().map(|request| self.tokenized(request)).collect();
        let refused = tokenized.iter().filter(|one| one.is_err()).count();
        progress.advance(refused as u64);
        let places = tokenized.iter().enumerate().filter(|(_, one)| one.is_ok());
        let places: Vec<usize> = places.map(|(place, _)| place).collect();
        let prompts: Vec<GenerationRequest> = tokenized.iter().flatten().cloned().collect();
        let device = self.decoder.device();
        let mut outcomes: Vec<Option<Outcome>> =
            tokenized.into_iter().map(|one| one.err().map(Err)).collect();
        for quantization in [Quantization::None, Quantization::Int8] {
            let of = |&at: &usize| prompts[at].sampling.quantization == quantization;
            let members: Vec<usize> = (0..prompts.len()).filter(of).collect();
            if members.is_empty() {
                continue;
            }
            let decoder = self.sampler(quantization)?;
            let prompt = |&at: &usize| prompts[at].clone();
            let shares =
                shares(&members.iter().map(prompt).collect::<Vec<_>>(), workers::count(&device));
            let tokens = Limits::default().tokens / shares.len();
            let limits = Limits { rows: self.files.batch, tokens };
            let shares: Vec<Vec<usize>> = shares
                .into_iter()
                .map(|share| share.into_iter().map(|at| members[at]).collect())
                .collect();
            let generated = workers::map(&device, shares.clone(), |share| {
                let batch: Vec<_> = share.iter().map(prompt).collect();
                decoder.generate(&batch, &self.files.stop, limits, progress)
            })?;
            for (&index, made) in shares.iter().flatten().zip(generated.into_iter().flatten()) {
                outcomes[places[index]] = Some(Ok(Completion {
                    text: self.files.tokenizer.decode(&made.tokens, true)?,
                    finish_reason: made.finish_reason,
                    prompt_tokens: Some(prompts[index].tokens.len()),
                    completion_tokens: Some(made.count),
                }));
            }
        }
        Ok(outcomes.into_iter().flatten().collect())
    }

    fn fits(&self, request: &Request) -> Result<bool, LlmError> {
        let tokens = self.checked_prompt(0, &request.messages)?.len();
        Ok(self.in_context(tokens, request.sampling.max_new_tokens))
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

//! Text to token ids and back, from `tokenizer.json` or from GGUF metadata.
//!
//! Encoding adds no special tokens beyond those in the text and ignores the truncation and padding settings of a
//! `tokenizer.json`. A tokenizer can have more tokens than the model's embedding has rows; a text with such a token is an
//! error.

mod added;
mod from_gguf;
pub(crate) mod special;

use std::path::Path;
use std::sync::Arc;

use iopo_core::ContentHasher;

use crate::chat_files::Originals;
use crate::checkpoint::gguf::Metadata;
use crate::config::{ModelConfig, read_text};
use crate::error::ModelError;

/// Largest `tokenizer.json` in bytes.
const MAX_TOKENIZER: u64 = 256 << 20;

/// A special token with a role.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Special {
    /// `None` if it is no token that the model knows.
    id: Option<u32>,
    text: String,
}

/// The special tokens with a role.
#[derive(Debug, Clone, Default)]
struct Roles {
    bos: Option<Special>,
    eos: Option<Special>,
    pad: Option<Special>,
}

/// A tokenizer and its special tokens.
#[derive(Debug, Clone)]
pub struct Tokenizer {
    /// Recognizes special tokens in the text.
    inner: tokenizers::Tokenizer,
    /// Treats special tokens as plain text.
    plain: tokenizers::Tokenizer,
    roles: Roles,
    /// Texts of the special tokens, sorted.
    specials: Vec<String>,
    /// Rows of the model's embedding.
    rows: usize,
    originals: Arc<Originals>,
}

impl Tokenizer {
    /// Reads `tokenizer.json`, and the special tokens of `tokenizer_config.json` and `special_tokens_map.json` or, if there is
    /// neither, of the model's configuration.
    ///
    /// As in transformers, special tokens that are not in `tokenizer.json` are added to it, and an empty one is none.
    ///
    /// # Errors
    /// Returns [`ModelError::TokenizerMissing`] if there is no `tokenizer.json`, and another error if a file cannot be read or
    /// the model's embedding has no row for `eos_token`.
    pub fn from_dir(dir: &Path, config: &ModelConfig) -> Result<Self, ModelError> {
        let path = dir.join("tokenizer.json");
        if !path.is_file() {
            return Err(ModelError::TokenizerMissing {
                path: dir.to_owned(),
                expected: "tokenizer.json (the format of the tokenizers library)",
            });
        }
        let bad = |error: tokenizers::Error| ModelError::tokenizer(&path, error.to_string());
        let text = read_text(&path, MAX_TOKENIZER)?;
        let mut inner = tokenizers::Tokenizer::from_bytes(text.as_bytes()).map_err(bad)?;
        drop(text);
        let originals = Originals::read(dir)?;
        let stated = originals.special_tokens();
        if let Some(stated) = &stated {
            special::add(&mut inner, stated).map_err(bad)?;
        }
        let rows = config.vocab_size;
        let role = |key: &str, fallback: Option<u32>| {
            let text = stated.as_ref().and_then(|stated| special::text(stated.get(key)?));
            match text {
                Some(text) if text.is_empty() => Some(Special { id: fallback, text }),
                Some(text) => {
                    let id = inner.token_to_id(&text).filter(|id| (*id as usize) < rows);
                    Some(Special { id, text })
                }
                None => fallback.and_then(|id| with_id(&inner, id)),
            }
        };
        // No bos token in these files means that the model has none.
        let bos = if stated.is_some() { None } else { config.bos_token_id };
        let roles = Roles {
            bos: role("bos_token", bos),
            eos: role("eos_token", config.eos_token_ids.first().copied()),
            pad: role("pad_token", config.pad_token_id),
        };
        if let Some(eos) = roles.eos.as_ref().filter(|eos| eos.id.is_none() && !eos.text.is_empty())
        {
            let reason = format!(
                "`eos_token` is {:?}, for which the model's embedding of {rows} rows has no row",
                eos.text
            );
            return Err(ModelError::tokenizer(dir, reason));
        }
        Self::new(inner, roles, rows, originals, &path)
    }

    /// Builds a tokenizer from GGUF metadata, for an embedding of `rows` rows.
    pub(crate) fn from_gguf(metadata: &Metadata, rows: usize) -> Result<Self, ModelError> {
        let inner = from_gguf::build(metadata)?;
        let role = |key: &str| -> Result<Option<Special>, ModelError> {
            let id = metadata.id(&format!("tokenizer.ggml.{key}_token_id"))?;
            Ok(id.and_then(|id| with_id(&inner, id)))
        };
        let roles = Roles { bos: role("bos")?, eos: role("eos")?, pad: role("padding")? };
        Self::new(inner, roles, rows, Originals::default(), metadata.path())
    }

    fn new(
        mut inner: tokenizers::Tokenizer,
        roles: Roles,
        rows: usize,
        originals: Originals,
        path: &Path,
    ) -> Result<Self, ModelError> {
        inner
            .with_truncation(None)
            .map_err(|error| ModelError::tokenizer(path, error.to_string()))?;
        inner.with_padding(None);
        inner.set_encode_special_tokens(false);
        let mut plain = inner.clone();
        plain.set_encode_special_tokens(true);
        let added = inner.get_added_tokens_decoder();
        let specials = added.into_values().filter(|token| token.special);
        let mut specials: Vec<String> = specials.map(|token| token.content).collect();
        specials.sort_unstable();
        Ok(Self { inner, plain, roles, specials, rows, originals: Arc::new(originals) })
    }

    /// Encodes a rendered template. Special tokens in the text become their ids; none are added.
    ///
    /// This includes the chat's content: content with the text of a special token (`<|im_end|>`) becomes that token. Check
    /// untrusted content with [`Tokenizer::special_in`] before rendering.
    ///
    /// # Errors
    /// Returns [`ModelError::Tokenize`] if the tokenizer rejects the text, and [`ModelError::TokenWithoutRow`] if the model's
    /// embedding has no row for one of its tokens.
    pub fn encode(&self, text: &str) -> Result<Vec<u32>, ModelError> {
        self.encoded(&self.inner, text)
    }

    /// Encodes plain text. The text of a special token is encoded like any other text.
    ///
    /// Used for responses, whose end-of-text token is appended as an id.
    ///
    /// # Errors
    /// Returns [`ModelError::Tokenize`] if the tokenizer rejects the text, and [`ModelError::TokenWithoutRow`] if the model's
    /// embedding has no row for one of its tokens.
    pub fn encode_content(&self, text: &str) -> Result<Vec<u32>, ModelError> {
        self.encoded(&self.plain, text)
    }

    fn encoded(
        &self,
        tokenizer: &tokenizers::Tokenizer,
        text: &str,
    ) -> Result<Vec<u32>, ModelError> {
        let encoding = tokenizer.encode_fast(text, false).map_err(|error| {
            ModelError::Tokenize { action: "encode", reason: error.to_string() }
        })?;
        let ids = encoding.get_ids();
        match ids.iter().find(|id| **id as usize >= self.rows) {
            None => Ok(ids.to_vec()),
            Some(&id) => {
                let token = self.inner.id_to_token(id).unwrap_or_default();
                Err(ModelError::TokenWithoutRow { token, id, rows: self.rows })
            }
        }
    }

    /// Returns the first special token whose text occurs in `text`.
    pub fn special_in(&self, text: &str) -> Option<&str> {
        self.specials.iter().map(String::as_str).find(|special| text.contains(special))
    }

    /// Decodes ids. Ids without a token are skipped.
    ///
    /// # Errors
    /// Returns [`ModelError::Tokenize`] if the tokenizer rejects the ids.
    pub fn decode(&self, ids: &[u32], skip_special: bool) -> Result<String, ModelError> {
        self.inner
            .decode(ids, skip_special)
            .map_err(|error| ModelError::Tokenize { action: "decode", reason: error.to_string() })
    }

    /// Returns the id of a token, given as in the vocabulary.
    pub fn token_to_id(&self, token: &str) -> Option<u32> {
        self.inner.token_to_id(token)
    }

    /// Returns the number of tokens, including added ones. A model's embedding can have more or fewer rows.
    pub fn vocab_size(&self) -> usize {
        self.inner.get_vocab_size(true)
    }

    /// Returns the files of a Hugging Face directory that copies of the model keep.
    pub(crate) fn originals(&self) -> &Originals {
        &self.originals
    }

    /// Returns the number of rows that an embedding of all tokens has: the largest token id plus one.
    pub(crate) fn needed_rows(&self) -> usize {
        let largest = self.inner.get_vocab(true).into_values().max();
        largest.map_or(0, |id| id as usize + 1)
    }

    /// Returns the id of the beginning-of-text token.
    pub fn bos_id(&self) -> Option<u32> {
        self.roles.bos.as_ref().and_then(|special| special.id)
    }

    /// Returns the id of the end-of-text token.
    pub fn eos_id(&self) -> Option<u32> {
        self.roles.eos.as_ref().and_then(|special| special.id)
    }

    /// Returns the text of the beginning-of-text token.
    pub fn bos_token(&self) -> Option<&str> {
        self.roles.bos.as_ref().map(|special| special.text.as_str())
    }

    /// Returns the text of the end-of-text token.
    pub fn eos_token(&self) -> Option<&str> {
        self.roles.eos.as_ref().map(|special| special.text.as_str())
    }

    /// Returns the text of the padding token.
    pub fn pad_token(&self) -> Option<&str> {
        self.roles.pad.as_ref().map(|special| special.text.as_str())
    }

    /// Returns the BLAKE3 hash of the tokenizer and its special tokens, in hexadecimal.
    ///
    /// # Errors
    /// Returns [`ModelError::Tokenize`] if the tokenizer cannot be serialized.
    pub fn hash(&self) -> Result<String, ModelError> {
        let mut hasher = ContentHasher::new();
        hasher.bytes(self.to_json()?);
        for special in [&self.roles.bos, &self.roles.eos, &self.roles.pad] {
            let id = special.as_ref().and_then(|special| special.id).map_or(u64::MAX, u64::from);
            hasher.bytes(id.to_le_bytes());
        }
        Ok(hasher.hex())
    }

    /// Returns the content of a `tokenizer.json`.
    ///
    /// # Errors
    /// Returns [`ModelError::Tokenize`] if the tokenizer cannot be serialized.
    pub fn to_json(&self) -> Result<String, ModelError> {
        self.inner.to_string(false).map_err(|error| ModelError::Tokenize {
            action: "serialize",
            reason: error.to_string(),
        })
    }
}

fn with_id(tokenizer: &tokenizers::Tokenizer, id: u32) -> Option<Special> {
    tokenizer.id_to_token(id).map(|text| Special { id: Some(id), text })
}

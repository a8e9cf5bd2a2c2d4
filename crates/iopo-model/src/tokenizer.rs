//! Text to token ids and back, from `tokenizer.json` or from GGUF metadata.
//!
//! Encoding adds no special tokens beyond those in the text and ignores the truncation and padding settings of a
//! `tokenizer.json`.

mod from_gguf;

use std::path::Path;

use iopo_core::ContentHasher;
use serde_json::Value;

use crate::checkpoint::gguf::Metadata;
use crate::config::{ModelConfig, read_json, read_text};
use crate::error::ModelError;

/// Largest `tokenizer.json` in bytes.
const MAX_TOKENIZER: u64 = 256 << 20;

/// A special token with a role.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Special {
    id: u32,
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
}

impl Tokenizer {
    /// Reads `tokenizer.json`, and the roles of special tokens from `tokenizer_config.json` or the model's configuration.
    ///
    /// # Errors
    /// Returns [`ModelError::TokenizerMissing`] if there is no `tokenizer.json`, and another error if a file cannot be read or
    /// a special token is not in the vocabulary.
    pub fn from_dir(dir: &Path, config: &ModelConfig) -> Result<Self, ModelError> {
        let path = dir.join("tokenizer.json");
        if !path.is_file() {
            return Err(ModelError::TokenizerMissing {
                path: dir.to_owned(),
                expected: "tokenizer.json (the format of the tokenizers library)",
            });
        }
        let text = read_text(&path, MAX_TOKENIZER)?;
        let inner = tokenizers::Tokenizer::from_bytes(text.as_bytes())
            .map_err(|error| ModelError::tokenizer(&path, error.to_string()))?;
        drop(text);
        let config_path = dir.join("tokenizer_config.json");
        let stated = config_path.is_file().then(|| read_json(&config_path)).transpose()?;
        let role = |key: &str, fallback: Option<u32>| -> Result<Option<Special>, ModelError> {
            let named = stated.as_ref().and_then(|json| token_text(json.get(key)?));
            match (named, fallback) {
                (Some(text), _) => {
                    let id = inner.token_to_id(&text).ok_or_else(|| {
                        let reason = format!("`{key}` is {text:?}, which is not a token");
                        ModelError::tokenizer(&config_path, reason)
                    })?;
                    Ok(Some(Special { id, text }))
                }
                (None, Some(id)) => Ok(special(&inner, id)),
                (None, None) => Ok(None),
            }
        };
        // No bos token in tokenizer_config.json means that the model has none.
        let bos = if stated.is_some() { None } else { config.bos_token_id };
        let roles = Roles {
            bos: role("bos_token", bos)?,
            eos: role("eos_token", config.eos_token_ids.first().copied())?,
            pad: role("pad_token", config.pad_token_id)?,
        };
        Self::new(inner, roles, &path)
    }

    /// Builds a tokenizer from GGUF metadata.
    pub(crate) fn from_gguf(metadata: &Metadata) -> Result<Self, ModelError> {
        let inner = from_gguf::build(metadata)?;
        let role = |key: &str| -> Result<Option<Special>, ModelError> {
            let id = metadata.id(&format!("tokenizer.ggml.{key}_token_id"))?;
            Ok(id.and_then(|id| special(&inner, id)))
        };
        let roles = Roles { bos: role("bos")?, eos: role("eos")?, pad: role("padding")? };
        Self::new(inner, roles, metadata.path())
    }

    fn new(
        mut inner: tokenizers::Tokenizer,
        roles: Roles,
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
        Ok(Self { inner, plain, roles, specials })
    }

    /// Encodes a rendered template. Special tokens in the text become their ids; none are added.
    ///
    /// This includes the chat's content: content with the text of a special token (`<|im_end|>`) becomes that token. Check
    /// untrusted content with [`Tokenizer::special_in`] before rendering.
    ///
    /// # Errors
    /// Returns [`ModelError::Tokenize`] if the tokenizer rejects the text.
    pub fn encode(&self, text: &str) -> Result<Vec<u32>, ModelError> {
        encode(&self.inner, text)
    }

    /// Encodes plain text. The text of a special token is encoded like any other text.
    ///
    /// Used for responses, whose end-of-text token is appended as an id.
    ///
    /// # Errors
    /// Returns [`ModelError::Tokenize`] if the tokenizer rejects the text.
    pub fn encode_content(&self, text: &str) -> Result<Vec<u32>, ModelError> {
        encode(&self.plain, text)
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

    /// Returns the number of tokens, including added ones. A model's embedding can have more rows.
    pub fn vocab_size(&self) -> usize {
        self.inner.get_vocab_size(true)
    }

    /// Returns the number of rows that an embedding needs: the largest token id plus one.
    pub(crate) fn rows(&self) -> usize {
        let largest = self.inner.get_vocab(true).into_values().max();
        largest.map_or(0, |id| id as usize + 1)
    }

    /// Returns the id of the beginning-of-text token.
    pub fn bos_id(&self) -> Option<u32> {
        self.roles.bos.as_ref().map(|special| special.id)
    }

    /// Returns the id of the end-of-text token.
    pub fn eos_id(&self) -> Option<u32> {
        self.roles.eos.as_ref().map(|special| special.id)
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
            let id = special.as_ref().map_or(u64::MAX, |special| u64::from(special.id));
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

fn encode(tokenizer: &tokenizers::Tokenizer, text: &str) -> Result<Vec<u32>, ModelError> {
    let encoding = tokenizer.encode_fast(text, false);
    let encoding = encoding
        .map_err(|error| ModelError::Tokenize { action: "encode", reason: error.to_string() })?;
    Ok(encoding.get_ids().to_vec())
}

fn special(tokenizer: &tokenizers::Tokenizer, id: u32) -> Option<Special> {
    tokenizer.id_to_token(id).map(|text| Special { id, text })
}

/// Reads a token of `tokenizer_config.json`: its text, or an object that contains it.
fn token_text(value: &Value) -> Option<String> {
    value.as_str().or_else(|| value.get("content")?.as_str()).map(str::to_owned)
}

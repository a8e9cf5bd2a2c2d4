//! Brings the names and the head of Hugging Face checkpoints into the form that the decoder reads, as transformers 5 does.

use std::collections::BTreeMap;

use super::{Checkpoint, Entry};
use crate::error::ModelError;

const EMBEDDING: &str = "model.embed_tokens.weight";
const HEAD: &str = "lm_head.weight";

/// Bytes compared at a time.
const CHUNK: u64 = 1 << 20;

/// Adds the prefix `model.` to names that lack it: files saved from the model without its head have none.
pub(super) fn add_prefix(tensors: BTreeMap<String, Entry>) -> BTreeMap<String, Entry> {
    let inner = |name: &str| {
        ["embed_tokens.", "layers.", "norm."].iter().any(|start| name.starts_with(start))
    };
    let (bare, mut named): (BTreeMap<_, _>, BTreeMap<_, _>) =
        tensors.into_iter().partition(|(name, _)| inner(name));
    for (name, entry) in bare {
        named.entry(format!("model.{name}")).or_insert(entry);
    }
    named
}

impl Checkpoint {
    /// Decides whether the head of a checkpoint with `tie_word_embeddings` is tied.
    ///
    /// A saved head with other values than the embedding is kept, with a note. A saved head without an embedding is both.
    ///
    /// # Errors
    /// Returns [`ModelError::Io`] if the file cannot be read, and [`ModelError::UnsupportedTensorType`] if embedding and
    /// head have different types and one of them is not supported.
    pub(super) fn settle_head(&mut self) -> Result<(), ModelError> {
        if !self.config.tie_word_embeddings {
            return Ok(());
        }
        match (self.tensors.get(EMBEDDING).cloned(), self.tensors.get(HEAD).cloned()) {
            (None, Some(head)) => {
                self.tensors.insert(EMBEDDING.to_owned(), head);
            }
            (Some(embedding), Some(head)) if !self.equal(&embedding, &head)? => {
                self.config.tie_word_embeddings = false;
                self.notes.push(format!(
                    "`tie_word_embeddings` is true, but {HEAD} differs from {EMBEDDING}: the saved head is used, as in \
                     transformers 5"
                ));
            }
            _ => {}
        }
        Ok(())
    }

    /// Returns whether embedding and head have the same values.
    fn equal(&mut self, a: &Entry, b: &Entry) -> Result<bool, ModelError> {
        if a.shape != b.shape {
            return Ok(false);
        }
        if a.encoding != b.encoding {
            return Ok(self.tensor(EMBEDDING, &a.shape)? == self.tensor(HEAD, &b.shape)?);
        }
        let mut at = 0;
        while at < a.bytes {
            let size = CHUNK.min(a.bytes - at);
            if self.bytes(a, at, size)? != self.bytes(b, at, size)? {
                return Ok(false);
            }
            at += size;
        }
        Ok(true)
    }

    /// Reads `size` bytes of a tensor, from its byte `at`.
    fn bytes(&mut self, entry: &Entry, at: u64, size: u64) -> Result<Vec<u8>, ModelError> {
        let shard = &mut self.shards[entry.shard];
        shard.rewind_to(entry.offset + at)?;
        let mut bytes = vec![0; size as usize];
        shard.read_exact(&mut bytes)?;
        Ok(bytes)
    }
}

//! Builds byte-level BPE tokenizers from GGUF metadata.

use std::collections::BTreeMap;

use tokenizers::models::bpe::{BPE, Merges, Vocab};
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::pre_tokenizers::digits::Digits;
use tokenizers::pre_tokenizers::sequence::Sequence;
use tokenizers::pre_tokenizers::split::{Split, SplitPattern};
use tokenizers::{AddedToken, PreTokenizerWrapper, SplitDelimiterBehavior, Tokenizer};
use tokenizers::{NormalizerWrapper, normalizers::unicode::NFC};

use crate::checkpoint::gguf::Metadata;
use crate::config::limits;
use crate::error::ModelError;

/// Qwen2's pattern to split text into words: single digits.
const QWEN2: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
/// Llama 3's pattern to split text into words: up to three digits.
const LLAMA_BPE: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

/// Token types of the GGUF format.
const CONTROL: i64 = 3;
const USER_DEFINED: i64 = 4;

pub(super) fn build(metadata: &Metadata) -> Result<Tokenizer, ModelError> {
    let bad = |reason: String| ModelError::tokenizer(metadata.path(), reason);
    match metadata.text("tokenizer.ggml.model")? {
        Some("gpt2") => {}
        Some(other) => {
            let other: String = other.chars().take(40).collect();
            return Err(bad(format!(
                "found the model `{other}`, expected `gpt2` (byte-level BPE); other tokenizers need \
                 the Hugging Face checkpoint with its tokenizer.json"
            )));
        }
        None => {
            return Err(ModelError::TokenizerMissing {
                path: metadata.path().to_owned(),
                expected: "tokenizer.ggml.model and its tokens and merges in the metadata",
            });
        }
    }
    let style = Style::from_pre(metadata.text("tokenizer.ggml.pre")?).map_err(bad)?;
    let missing =
        |what: &str| bad(format!("found no `tokenizer.ggml.{what}`, expected a list of texts"));
    let tokens = metadata.texts("tokenizer.ggml.tokens")?.ok_or_else(|| missing("tokens"))?;
    let merges = metadata.texts("tokenizer.ggml.merges")?.ok_or_else(|| missing("merges"))?;
    let types = metadata.integers("tokenizer.ggml.token_type")?.unwrap_or(&[]);
    if tokens.is_empty() || tokens.len() > limits::VOCAB {
        return Err(bad(format!("found {} tokens, expected 1 to {}", tokens.len(), limits::VOCAB)));
    }
    if !types.is_empty() && types.len() != tokens.len() {
        return Err(bad(format!("found {} token types, expected {}", types.len(), tokens.len())));
    }

    let model = BPE::builder()
        .vocab_and_merges(vocabulary(tokens).map_err(bad)?, pairs(merges).map_err(bad)?)
        .ignore_merges(style == Style::LlamaBpe)
        .build()
        .map_err(|error| bad(format!("the vocabulary and merges do not fit: {error}")))?;
    let mut tokenizer = Tokenizer::new(model);
    if style == Style::Qwen2 {
        tokenizer
            .with_normalizer(Some(NormalizerWrapper::NFC(NFC)))
            .map_err(|error| bad(error.to_string()))?;
    }
    let split = style.pre_tokenizer().map_err(|error| bad(error.to_string()))?;
    tokenizer.with_pre_tokenizer(Some(split));
    tokenizer.with_decoder(Some(ByteLevel::new(true, true, true)));
    let added = tokens.iter().zip(types).filter_map(|(token, kind)| match *kind {
        CONTROL => Some(AddedToken::from(token.as_str(), true)),
        USER_DEFINED => Some(AddedToken::from(token.as_str(), false).normalized(false)),
        _ => None,
    });
    let (special, plain): (Vec<_>, Vec<_>) = added.partition(|token| token.special);
    tokenizer.add_special_tokens(special).map_err(|error| bad(error.to_string()))?;
    tokenizer.add_tokens(plain).map_err(|error| bad(error.to_string()))?;
    Ok(tokenizer)
}

/// The rule that splits text into words before merging.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Style {
    SmolLm,
    Qwen2,
    LlamaBpe,
}

impl Style {
    fn from_pre(pre: Option<&str>) -> Result<Self, String> {
        match pre {
            Some("smollm") => Ok(Self::SmolLm),
            Some("qwen2") => Ok(Self::Qwen2),
            Some("llama-bpe" | "llama3" | "llama-v3") => Ok(Self::LlamaBpe),
            other => {
                let found: String = other.unwrap_or("nothing").chars().take(40).collect();
                Err(format!(
                    "`tokenizer.ggml.pre`: found {found}, expected smollm, qwen2 or llama-bpe; others need \
                     the Hugging Face checkpoint with its tokenizer.json"
                ))
            }
        }
    }

    fn pre_tokenizer(self) -> tokenizers::Result<PreTokenizerWrapper> {
        let regex = |pattern: &str| -> tokenizers::Result<PreTokenizerWrapper> {
            let pattern = SplitPattern::Regex(pattern.to_owned());
            let split = Split::new(pattern, SplitDelimiterBehavior::Isolated, false)?;
            // The text is already split, so the byte level only maps bytes to its alphabet.
            Ok(Sequence::new(vec![split.into(), ByteLevel::new(false, true, false).into()]).into())
        };
        match self {
            Self::SmolLm => {
                let bytes = ByteLevel::new(false, true, true);
                Ok(Sequence::new(vec![Digits::new(true).into(), bytes.into()]).into())
            }
            Self::Qwen2 => regex(QWEN2),
            Self::LlamaBpe => regex(LLAMA_BPE),
        }
    }
}

/// Maps tokens to ids. Duplicates are errors, because they would shift other ids.
fn vocabulary(tokens: &[String]) -> Result<Vocab, String> {
    let mut seen = BTreeMap::new();
    for (id, token) in (0u32..).zip(tokens) {
        if let Some(first) = seen.insert(token.as_str(), id) {
            return Err(format!("token {token:?} has the ids {first} and {id}"));
        }
    }
    Ok(seen.into_iter().map(|(token, id)| (token.to_owned(), id)).collect())
}

/// Splits "a b" into ("a", "b"). A token can start with a space, so the first byte is not a separator.
fn pairs(merges: &[String]) -> Result<Merges, String> {
    let split = |(line, merge): (usize, &String)| {
        let mut spaces = merge.match_indices(' ').map(|(at, _)| at).filter(|at| *at > 0);
        let at = spaces.next().filter(|at| at + 1 < merge.len());
        at.map(|at| (merge[..at].to_owned(), merge[at + 1..].to_owned()))
            .ok_or_else(|| format!("merge {line}: found {merge:?}, expected two tokens"))
    };
    merges.iter().enumerate().map(split).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn merges_split_at_the_first_space_that_is_not_the_first_byte() {
        let merges = ["Ġ t".to_owned(), "a bc".to_owned()];
        let expected = [("Ġ".to_owned(), "t".to_owned()), ("a".to_owned(), "bc".to_owned())];
        assert_eq!(pairs(&merges).expect("two"), expected);
        assert!(pairs(&["alone".to_owned()]).is_err());
        assert!(pairs(&["tail ".to_owned()]).is_err());
        assert!(pairs(&[String::new()]).is_err());
    }

    #[test]
    fn a_duplicate_token_is_an_error() {
        let error = vocabulary(&["a".to_owned(), "b".to_owned(), "a".to_owned()]);
        assert!(error.expect_err("twice").contains("ids 0 and 2"));
    }

    #[test]
    fn an_unknown_split_is_named() {
        assert!(Style::from_pre(Some("mystery")).is_err_and(|error| error.contains("mystery")));
        for style in [Style::SmolLm, Style::Qwen2, Style::LlamaBpe] {
            style.pre_tokenizer().expect("the patterns compile");
        }
    }

    /// Returns the words of a text, with spaces in the byte alphabet.
    fn words(style: Style, text: &str) -> Vec<String> {
        use tokenizers::{OffsetReferential, OffsetType, PreTokenizedString, PreTokenizer};

        let mut split = PreTokenizedString::from(text);
        let splitter = style.pre_tokenizer().expect("compiles");
        splitter.pre_tokenize(&mut split).expect("splits");
        let words = split.get_splits(OffsetReferential::Normalized, OffsetType::Byte);
        words.into_iter().map(|(word, ..)| word.to_owned()).collect()
    }

    #[test]
    fn each_style_splits_as_its_models_expect() {
        let text = "I'M 12345 a_b  c!\n\nd";
        assert_eq!(
            words(Style::SmolLm, text),
            [
                "I", "'", "M", "Ġ", "1", "2", "3", "4", "5", "Ġa", "_", "b", "Ġ", "Ġc", "!", "Ċ",
                "Ċ", "d"
            ]
        );
        assert_eq!(
            words(Style::Qwen2, text),
            ["I", "'M", "Ġ", "1", "2", "3", "4", "5", "Ġa", "_b", "Ġ", "Ġc", "!ĊĊ", "d"]
        );
        assert_eq!(
            words(Style::LlamaBpe, text),
            ["I", "'M", "Ġ", "123", "45", "Ġa", "_b", "Ġ", "Ġc", "!ĊĊ", "d"]
        );
    }
}

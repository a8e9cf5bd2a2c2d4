//! The vocabulary of the tiny model: 256 bytes, a few common words, the special tokens.

use std::collections::BTreeMap;

use serde_json::{Value, json};

const SPECIAL: [&str; 4] = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|pad|>"];

/// Merges in order; each creates a token. `Ġ` is the space, as in every byte-level vocabulary.
const MERGES: [(&str, &str); 38] = [
    ("t", "h"),
    ("th", "e"),
    ("Ġ", "the"),
    ("a", "n"),
    ("an", "d"),
    ("Ġ", "and"),
    ("o", "f"),
    ("Ġ", "of"),
    ("t", "o"),
    ("Ġ", "to"),
    ("i", "n"),
    ("Ġ", "in"),
    ("i", "s"),
    ("Ġ", "is"),
    ("Ġ", "a"),
    ("i", "t"),
    ("Ġ", "it"),
    ("f", "o"),
    ("fo", "r"),
    ("Ġ", "for"),
    ("w", "e"),
    ("Ġ", "we"),
    ("y", "o"),
    ("yo", "u"),
    ("Ġ", "you"),
    ("w", "i"),
    ("wi", "th"),
    ("Ġ", "with"),
    ("o", "n"),
    ("Ġ", "on"),
    ("m", "a"),
    ("ma", "k"),
    ("mak", "e"),
    ("Ġ", "make"),
    ("d", "a"),
    ("da", "y"),
    ("Ġ", "day"),
    ("in", "g"),
];

const CHAT_TEMPLATE: &str = "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' \
+ message['content'] + '<|im_end|>' + '\n' }}{% endfor %}\
{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}";

/// Tokens in the order of their ids.
#[derive(Debug)]
pub(super) struct Vocabulary {
    tokens: Vec<String>,
}

impl Vocabulary {
    pub(super) fn new() -> Self {
        let special = SPECIAL.iter().map(ToString::to_string);
        let bytes = (0..=255).map(|byte| byte_char(byte).to_string());
        let merged = MERGES.iter().map(|(left, right)| format!("{left}{right}"));
        Self { tokens: special.chain(bytes).chain(merged).collect() }
    }

    pub(super) fn len(&self) -> usize {
        self.tokens.len()
    }

    /// Returns the id of the token that starts a turn.
    pub(super) fn start() -> usize {
        1
    }

    /// Returns the id of the token that ends a turn.
    pub(super) fn end() -> usize {
        2
    }

    /// Returns the frequency of each token, such that random words with some punctuation and an end result.
    pub(super) fn frequencies(&self) -> Vec<f32> {
        let frequency = |(id, token): (usize, &String)| match token.as_str() {
            // If the space were the likeliest token, greedy responses would contain nothing else.
            "Ġ" | "e" | "t" | "o" | "a" | "i" | "n" | "s" | "r" => 0.02,
            word if id == Self::end() || word == "Ċ" || word.starts_with('Ġ') => 0.03,
            "." => 0.05,
            "," => 0.035,
            "!" | "?" | ":" | "-" | "*" => 0.008,
            letter if letter.len() == 1 && letter.as_bytes()[0].is_ascii_lowercase() => 0.006,
            letter if letter.len() == 1 && letter.as_bytes()[0].is_ascii_alphanumeric() => 0.002,
            // Control characters and parts of UTF-8 sequences practically never occur.
            _ => 1e-12,
        };
        self.tokens.iter().enumerate().map(frequency).collect()
    }

    /// Returns `tokenizer.json`.
    pub(super) fn tokenizer(&self) -> Value {
        let added = |(id, token): (usize, &&str)| {
            json!({
                "id": id, "content": token, "single_word": false, "lstrip": false, "rstrip": false,
                "normalized": false, "special": true,
            })
        };
        let byte_level = json!({"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true});
        let vocab: BTreeMap<&str, usize> =
            self.tokens.iter().enumerate().map(|(id, token)| (token.as_str(), id)).collect();
        json!({
            "version": "1.0",
            "truncation": null,
            "padding": null,
            "added_tokens": SPECIAL.iter().enumerate().map(added).collect::<Vec<_>>(),
            "normalizer": null,
            "pre_tokenizer": byte_level,
            "post_processor": null,
            "decoder": byte_level,
            "model": {
                "type": "BPE",
                "dropout": null,
                "unk_token": null,
                "continuing_subword_prefix": null,
                "end_of_word_suffix": null,
                "fuse_unk": false,
                "byte_fallback": false,
                "ignore_merges": false,
                "vocab": vocab,
                "merges": MERGES.iter().map(|(left, right)| [left, right]).collect::<Vec<_>>(),
            },
        })
    }

    /// Returns `tokenizer_config.json`, which holds the chat template.
    pub(super) fn tokenizer_config() -> Value {
        json!({
            "bos_token": SPECIAL[1],
            "eos_token": SPECIAL[2],
            "pad_token": SPECIAL[3],
            "chat_template": CHAT_TEMPLATE,
            "model_max_length": 2048,
            "tokenizer_class": "PreTrainedTokenizerFast",
        })
    }
}

/// Returns the character that represents a byte in a byte-level vocabulary, as in GPT-2.
fn byte_char(byte: u8) -> char {
    let own = |byte: u8| matches!(byte, b'!'..=b'~' | 0xa1..=0xac | 0xae..=0xff);
    if own(byte) {
        return char::from(byte);
    }
    let rank = (0..byte).filter(|&before| !own(before)).count() as u32;
    char::from_u32(256 + rank).unwrap_or('\u{fffd}')
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{MERGES, Vocabulary, byte_char};

    #[test]
    fn bytes_map_to_the_characters_of_gpt2() {
        assert_eq!([b' ', b'\n', b'a', 0, 0xad].map(byte_char), ['Ġ', 'Ċ', 'a', 'Ā', 'Ń']);
    }

    #[test]
    fn tokens_are_distinct_and_every_merge_joins_known_tokens() {
        let vocabulary = Vocabulary::new();
        let tokens: BTreeSet<&String> = vocabulary.tokens.iter().collect();
        assert_eq!(tokens.len(), vocabulary.len());
        for (left, right) in MERGES {
            assert!(
                tokens.contains(&left.to_owned()) && tokens.contains(&right.to_owned()),
                "{left}+{right}"
            );
        }
    }
}

//! N-grams, and the script of a text.

use std::hash::{DefaultHasher, Hasher};

use iopo_core::text::{is_han, words};

/// Returns the hashes of all n-grams of [`words`] in lower case, in order. The hashes may change between builds, so never
/// store them.
pub fn grams(text: &str, n: usize) -> Vec<u64> {
    let words: Vec<u64> = words(text).map(word_hash).collect();
    words.windows(n.max(1)).map(|run| run.iter().fold(0, |hash, word| mixed(hash ^ word))).collect()
}

/// Hashes a word in lower case.
fn word_hash(word: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    if word.is_ascii() {
        word.bytes().for_each(|byte| hasher.write_u8(byte.to_ascii_lowercase()));
    } else {
        hasher.write(word.to_lowercase().as_bytes());
    }
    hasher.finish()
}

/// Mixes the bits of a hash (finalizer of splitmix64, Steele et al. 2014, doi 10.1145/2660193.2660195).
fn mixed(hash: u64) -> u64 {
    let hash = hash.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^ (hash >> 31)
}

/// Returns the share of letters that belong to the script of a language; 1 for a language that is not known here, and for a
/// text without letters.
///
/// `language` is a BCP 47 tag. Known are English (letters of ASCII) and Chinese (Han characters).
pub fn script_share(text: &str, language: &str) -> f64 {
    let own: fn(char) -> bool = match language.split('-').next() {
        Some("en") => |letter: char| letter.is_ascii(),
        Some("zh") => is_han,
        _ => return 1.0,
    };
    let letters = || text.chars().filter(|c| c.is_alphabetic());
    match letters().count() {
        0 => 1.0,
        all => letters().filter(|letter| own(*letter)).count() as f64 / all as f64,
    }
}

#[cfg(test)]
mod tests {
    use super::{grams, script_share};

    #[test]
    fn n_grams_ignore_case_and_punctuation() {
        assert_eq!(grams("one two, three", 3), grams("ONE two three.", 3));
        assert_eq!(grams("ΟΔΟΣ été", 2), grams("οδος ÉTÉ", 2));
        // Controls: the order of words and their boundaries matter.
        assert_ne!(grams("one two three", 3), grams("two one three", 3));
        assert_ne!(grams("onetwo three", 2), grams("one twothree", 2));
        assert!(grams("too short", 8).is_empty());
    }

    #[test]
    fn letters_are_counted_by_script() {
        assert!((script_share("café 12", "en") - 0.75).abs() < 1e-12);
        assert!((script_share("茶 tea", "zh-Hans") - 0.25).abs() < 1e-12);
        assert!((script_share("123 …", "en") - 1.0).abs() < 1e-12);
        assert!((script_share("茶", "de") - 1.0).abs() < 1e-12);
    }
}

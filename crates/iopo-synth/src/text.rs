//! N-grams and edit distance.

use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hasher};

use iopo_core::text::words;

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

/// Returns the share of 4-grams of words that repeat an earlier one; 0 for texts of fewer than 12 words.
pub fn repetition(text: &str) -> f64 {
    let grams = grams(text, 4);
    if grams.len() < 9 {
        return 0.0;
    }
    let distinct = grams.iter().collect::<BTreeSet<_>>().len();
    1.0 - distinct as f64 / grams.len() as f64
}

/// Returns the share of tokens that an edit changed: insertions, deletions and replacements, divided by the number of
/// tokens of the original. Tokens are split at white space.
pub fn edit_share(original: &str, edited: &str) -> f64 {
    let (from, to): (Vec<&str>, Vec<&str>) =
        (original.split_whitespace().collect(), edited.split_whitespace().collect());
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (i, token) in from.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, other) in to.iter().enumerate() {
            let replaced = diagonal + usize::from(token != other);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(row[j + 1] + 1);
        }
    }
    row[to.len()] as f64 / from.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::{edit_share, grams, repetition};

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
    fn a_loop_is_repetitive_and_prose_is_not() {
        assert!(repetition(&"the cat sat down and ".repeat(12)) > 0.8);
        let prose = "A kettle boils water by passing current through a coil whose heat spreads \
                     quickly into everything around it, which is simple and cheap.";
        assert!(repetition(prose) < 0.01);
    }

    #[test]
    fn edits_are_counted_over_tokens_of_the_original() {
        assert!((edit_share("a b c d", "a x c d") - 0.25).abs() < 1e-12);
        assert!((edit_share("a b c d", "a b c d e") - 0.25).abs() < 1e-12);
        assert!((edit_share("a b c d", "a  b\nc d")).abs() < 1e-12);
        assert!((edit_share("", "a b") - 2.0).abs() < 1e-12);
    }
}

//! Words, n-grams and edit distance.

use std::collections::BTreeSet;

/// Words as the 8-gram rule sees them: runs of letters and digits, in lower case.
pub fn words(text: &str) -> Vec<String> {
    text.split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect()
}

/// Hashes of all runs of `n` words, in order.
pub fn grams(text: &str, n: usize) -> Vec<u64> {
    let words = words(text);
    words
        .windows(n.max(1))
        .map(|window| {
            let mut hasher = blake3::Hasher::new();
            for word in window {
                hasher.update(word.as_bytes()).update(&[0]);
            }
            let mut bytes = [0; 8];
            bytes.copy_from_slice(&hasher.finalize().as_bytes()[..8]);
            u64::from_le_bytes(bytes)
        })
        .collect()
}

/// The share of 4-grams of words that repeat an earlier one; 0 for texts of fewer than 12 words.
pub fn repetition(text: &str) -> f64 {
    let grams = grams(text, 4);
    if grams.len() < 9 {
        return 0.0;
    }
    let distinct = grams.iter().collect::<BTreeSet<_>>().len();
    1.0 - distinct as f64 / grams.len() as f64
}

/// The share of the original's tokens (split at white space) that an edit changed: insertions,
/// deletions and replacements over the tokens of the original.
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
    use super::{edit_share, grams, repetition, words};

    #[test]
    fn words_forget_case_and_punctuation() {
        assert_eq!(words("Don't stop -- NOW!"), ["don", "t", "stop", "now"]);
        assert_eq!(grams("one two, three", 3), grams("ONE two three.", 3));
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

//! The words of a text, the tokens by which texts of any script are compared, and numbers with their nouns.

/// Writes a number with a noun that forms its plural with an s: `1 prompt`, `2 prompts`.
///
/// ```
/// use iopo_core::text::counted;
///
/// assert_eq!([0_usize, 1, 2].map(|count| counted(count, "row")), ["0 rows", "1 row", "2 rows"]);
/// ```
pub fn counted<N: Copy + PartialEq + From<u8> + std::fmt::Display>(count: N, noun: &str) -> String {
    format!("{count} {noun}{}", if count == N::from(1) { "" } else { "s" })
}

/// Iterates over the words of a text: runs of letters and digits.
pub fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty())
}

/// Returns the tokens of a text: its [`words`] in lower case, where each character of a script without spaces between words
/// is a token of its own.
///
/// A text without such characters has exactly its words.
pub fn tokens(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for word in words(text) {
        let mut start = 0;
        for (at, c) in word.char_indices().filter(|(_, c)| is_unspaced(*c)) {
            let end = at + c.len_utf8();
            found.extend((start < at).then(|| word[start..at].to_lowercase()));
            found.push(word[at..end].to_owned());
            start = end;
        }
        found.extend((start < word.len()).then(|| word[start..].to_lowercase()));
    }
    found
}

/// Whether a character is a Han character.
pub fn is_han(c: char) -> bool {
    matches!(c, '\u{3400}'..='\u{4DBF}' | '\u{4E00}'..='\u{9FFF}' | '\u{F900}'..='\u{FAFF}' | '\u{20000}'..='\u{323AF}')
}

/// Whether a character belongs to a script that writes no spaces between words: Han, kana, Thai, Lao, Myanmar or Khmer.
pub fn is_unspaced(c: char) -> bool {
    is_han(c)
        || matches!(
            c,
            '々' | '〇'
                | '\u{3041}'..='\u{30FF}'
                | '\u{0E01}'..='\u{0EFF}'
                | '\u{1000}'..='\u{109F}'
                | '\u{1780}'..='\u{17FF}'
        )
}

#[cfg(test)]
mod tests {
    use super::{is_unspaced, tokens, words};

    #[test]
    fn punctuation_and_spaces_separate_words() {
        let found: Vec<&str> = words(" Don't stop -- été 2x!").collect();
        assert_eq!(found, ["Don", "t", "stop", "été", "2x"]);
        assert_eq!(words("… ").count(), 0);
    }

    #[test]
    fn characters_without_spaces_are_tokens_and_words_stay_whole() {
        assert_eq!(tokens("我用Python 3写，很快。"), ["我", "用", "python", "3", "写", "很", "快"]);
        assert_eq!(tokens("これは茶"), ["こ", "れ", "は", "茶"]);
        // Controls: other scripts have their words.
        for text in [" Don't STOP -- Été 2x!", "차를 마신다", "Чай готов."] {
            let expected: Vec<String> = words(text).map(str::to_lowercase).collect();
            assert_eq!(tokens(text), expected);
            assert!(!text.contains(is_unspaced));
        }
    }
}

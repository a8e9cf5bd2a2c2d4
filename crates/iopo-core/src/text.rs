//! The words of a text.

/// Iterates over the words of a text: runs of letters and digits.
pub fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty())
}

#[cfg(test)]
mod tests {
    use super::words;

    #[test]
    fn punctuation_and_spaces_separate_words() {
        let found: Vec<&str> = words(" Don't stop -- été 2x!").collect();
        assert_eq!(found, ["Don", "t", "stop", "été", "2x"]);
        assert_eq!(words("… ").count(), 0);
    }
}

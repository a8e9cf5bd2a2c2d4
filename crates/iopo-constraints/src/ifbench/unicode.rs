//! Decompositions and digits of Unicode characters.

use unicode_normalization::UnicodeNormalization as _;

use crate::ifeval::python::decimal_digit;

/// The text in compatibility decomposition, without all characters that are not ASCII.
pub(super) fn to_ascii(text: &str) -> String {
    if text.is_ascii() { text.to_owned() } else { text.nfkd().filter(char::is_ascii).collect() }
}

/// The value of a decimal digit of any script.
pub(super) fn digit(c: char) -> Option<u32> {
    c.to_digit(10).or_else(|| decimal_digit(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accents_and_other_scripts_are_dropped() {
        assert_eq!(to_ascii("Reykjavík São ﬁ ½ 日本"), "Reykjavik Sao fi 12 ");
        assert_eq!("7٣９x½".chars().filter_map(digit).collect::<Vec<_>>(), [7, 3, 9]);
    }
}

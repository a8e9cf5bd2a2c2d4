//! Nested brackets and quotation marks, and fixed answers.

use super::super::text::{same, trim_edges};
use crate::ifeval::python::{is_word, strip};

/// Whether five brackets are open at once and one of them closes.
pub(super) fn brackets(text: &str) -> bool {
    let mut open = Vec::new();
    let mut deepest = 0;
    for c in text.chars() {
        let opener = match c {
            '(' | '[' | '{' => {
                open.push(c);
                deepest = deepest.max(open.len());
                continue;
            }
            ')' => '(',
            ']' => '[',
            '}' => '{',
            _ => continue,
        };
        if open.last() == Some(&opener) {
            open.pop();
            if deepest >= 5 {
                return true;
            }
        } else {
            open.clear();
            deepest = 0;
        }
    }
    false
}

/// Whether the number of open quotation marks falls to three below its maximum. Apostrophes count as marks.
pub(super) fn quotes(text: &str) -> bool {
    let mut open = Vec::new();
    let mut deepest = 0;
    for c in text.chars().filter(|c| matches!(c, '"' | '\'')) {
        if open.last() == Some(&c) {
            open.pop();
            if deepest >= open.len() + 3 {
                return true;
            }
        } else {
            open.push(c);
            deepest = deepest.max(open.len());
        }
    }
    false
}

/// Whether a text is one of the options. Lettered options must be equal in every character.
pub(super) fn is_option(text: &str, options: &str) -> bool {
    let separator = ["/", "or"].into_iter().find(|mark| options.contains(mark)).unwrap_or(",");
    let mut parts = options.split(separator).map(strip);
    if are_lettered(options) {
        parts.any(|part| part == text)
    } else {
        parts.any(|part| same(trim_edges(part), trim_edges(text)))
    }
}

/// Whether options start with the letters a, b and c, with only marks and spaces between them.
fn are_lettered(options: &str) -> bool {
    let mut rest = options;
    ['a', 'b', 'c'].into_iter().all(|letter| {
        let start = rest.trim_start_matches(|c| !is_word(c));
        let after = start.strip_prefix([letter, letter.to_ascii_uppercase()]);
        rest = after.unwrap_or(start);
        after.is_some()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_of_five_open_brackets_must_close() {
        assert!(brackets("((((()") && brackets("([{([x]y)"));
        assert!(!brackets("(((((") && !brackets("((( :] (()") && !brackets("(((())))"));
    }

    #[test]
    fn quotes_close_the_same_mark() {
        assert!(quotes("\"'\"\"'\"") && !quotes("\"'\"'\"'") && !quotes("it's"));
    }

    #[test]
    fn options_are_compared_without_edges_or_exactly() {
        assert!(is_option("**Maybe**", "yes/no/maybe") && !is_option("maybe\n", "yes/no/maybe"));
        assert!(is_option("i KNOW.", "I know or I don't know"));
        assert!(is_option("a)", "a), b), c), d)") && !is_option("a", "a), b), c), d)"));
        assert!(is_option("against", "for, against"));
        assert!(!is_option("for", "for, against") && is_option("F", "for, against"));
    }
}

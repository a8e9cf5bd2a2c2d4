//! Words that the Penn Treebank splits in two: `can not`, `gon na`, `'t is`.

use super::python::{is_space, is_word};

/// The halves of words between word boundaries.
const INNER: &[(&str, &str)] = &[
    ("can", "not"),
    ("d", "'ye"),
    ("gim", "me"),
    ("gon", "na"),
    ("got", "ta"),
    ("lem", "me"),
    ("more", "'n"),
];
/// The halves of a word between a word boundary and a space.
const BEFORE_SPACE: (&str, &str) = ("wan", "na");
/// The halves of words after a space.
const AFTER_SPACE: &[(&str, &str)] = &[("'t", "is"), ("'t", "was")];

/// Whether a text contains a word that may be split, at any position.
pub(super) fn any_in(text: &str) -> bool {
    let pairs = || INNER.iter().chain(AFTER_SPACE).chain([&BEFORE_SPACE]);
    text.char_indices().any(|(at, _)| {
        let rest = &text[at..];
        pairs().any(|(first, second)| {
            length_of(first, rest).is_some_and(|end| length_of(second, &rest[end..]).is_some())
        })
    })
}

/// Inserts spaces around and between the halves of each word.
pub(super) fn divide(text: &str) -> String {
    let mut divided = String::with_capacity(text.len() + 16);
    let mut before = None;
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if let Some((first, second)) = halves(before, rest) {
            let (first_text, after) = rest.split_at(first);
            let (second_text, after) = after.split_at(second);
            for part in [" ", first_text, " ", second_text, " "] {
                divided.push_str(part);
            }
            before = second_text.chars().next_back();
            rest = after;
        } else {
            divided.push(c);
            before = Some(c);
            rest = &rest[c.len_utf8()..];
        }
    }
    divided
}

/// The lengths of the halves of a word at the start of `rest`.
fn halves(before: Option<char>, rest: &str) -> Option<(usize, usize)> {
    // Every word starts with one of these characters; none starts with `s` or `i`, to which other characters fold.
    if !rest.starts_with(['c', 'C', 'd', 'D', 'g', 'G', 'l', 'L', 'm', 'M', 'w', 'W', '\'']) {
        return None;
    }
    let find = |&(first, second): &(&str, &str)| {
        let first = length_of(first, rest)?;
        let second = length_of(second, &rest[first..])?;
        let after = rest[first + second..].chars().next();
        (!after.is_some_and(is_word)).then_some((first, second, after))
    };
    let lengths = |(first, second, _): (usize, usize, Option<char>)| (first, second);
    if rest.starts_with('\'') {
        return if before == Some(' ') {
            AFTER_SPACE.iter().find_map(find).map(lengths)
        } else {
            None
        };
    }
    if before.is_some_and(is_word) {
        return None;
    }
    let spaced = || find(&BEFORE_SPACE).filter(|found| found.2.is_some_and(is_space));
    INNER.iter().find_map(find).or_else(spaced).map(lengths)
}

/// The length of `word` at the start of `text`, ignoring case. `None` if it is not there.
fn length_of(word: &str, text: &str) -> Option<usize> {
    let mut chars = text.char_indices();
    for wanted in word.chars() {
        let (_, c) = chars.next()?;
        let folded = match c {
            'ſ' => 's',
            'İ' | 'ı' => 'i',
            _ => c.to_ascii_lowercase(),
        };
        if folded != wanted {
            return None;
        }
    }
    Some(chars.next().map_or(text.len(), |(at, _)| at))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn divided(text: &str) -> Vec<String> {
        divide(text).split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn only_whole_words_are_split() {
        assert_eq!(divided("CANNOT cannots x_cannot"), ["CAN", "NOT", "cannots", "x_cannot"]);
        assert_eq!(divided(" 'Twas d'ye wanna"), ["'T", "was", "d", "'ye", "wanna"]);
        assert_eq!(divided(" wanna go"), ["wan", "na", "go"]);
        assert_eq!(divided("x'tis"), ["x'tis"]);
    }
}

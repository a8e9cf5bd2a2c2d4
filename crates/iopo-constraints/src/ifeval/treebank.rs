//! Penn Treebank tokens of the sentences that Punkt finds.
//!
//! A series of substitutions inserts spaces around tokens, and then the text is split at spaces. Quotes come first,
//! because the meaning of a `'` depends on the text to its left.

use std::{borrow::Cow, sync::LazyLock};

use regex::Regex;

use super::{
    contractions, punkt,
    python::{is_space, is_upper, is_word, split},
};

/// The tokens of a text.
pub(crate) fn tokens(text: &str) -> Vec<String> {
    iter(text).collect()
}

/// The tokens of a text. A sentence is split when one of its tokens is needed.
pub(crate) fn iter(text: &str) -> impl DoubleEndedIterator<Item = String> + '_ {
    punkt::sentences(text).into_iter().flat_map(|range| sentence_tokens(&text[range]))
}

/// The number of tokens in capitals.
///
/// Tokens never contain a space. So only those pieces between spaces that can hold such a token are split, each with
/// the context that the rules read after it.
pub(super) fn capitals(text: &str) -> usize {
    if !text.contains(char::is_uppercase) {
        return 0;
    }
    let in_sentence = |range| sentence_capitals(&text[range]);
    punkt::sentences(text).into_iter().map(in_sentence).sum()
}

fn sentence_capitals(sentence: &str) -> usize {
    // From `ending` on there are only closing marks and spaces. The last period before them is split off.
    let ending = sentence.trim_end_matches(|c| is_space(c) || CLOSERS.contains(c)).len();
    let mut kept = String::new();
    let mut end = 0;
    while let Some(skipped) = sentence[end..].find(|c| !is_space(c)).filter(|_| end < ending) {
        let start = end + skipped;
        end = start + sentence[start..].find(is_space).unwrap_or(sentence.len() - start);
        if may_hold_capitals(&sentence[start..end]) {
            // Append a word if one followed, so that this piece does not look like the last.
            let (last, behind) = if end < ending { (end, " x ") } else { (sentence.len(), "") };
            kept.push_str(&sentence[start..last]);
            kept.push_str(behind);
        }
    }
    if kept.is_empty() {
        return 0;
    }
    sentence_tokens(&kept).iter().filter(|token| is_upper(token)).count()
}

/// Marks that may follow the period at the end of a sentence.
const CLOSERS: &str = "])}>\"'»”’";

/// Whether a piece may contain a token in capitals: capital letters between marks or before `n't`, or a contraction
/// that is split within its letters.
fn may_hold_capitals(piece: &str) -> bool {
    if !piece.contains(char::is_uppercase) {
        return false;
    }
    let runs = || piece.split(|c: char| !(is_word(c) || c.is_uppercase() || c.is_lowercase()));
    let upper = |run: &str| is_upper(run) || run.strip_suffix(['n', 'N']).is_some_and(is_upper);
    runs().any(upper) || contractions::any_in(piece)
}

/// Patterns with their replacements, in order.
struct Rules(Vec<(Regex, &'static str)>);

impl Rules {
    /// Compiles the patterns. They are constants, and a test makes sure that all of them compile.
    fn new(rules: &[(&str, &'static str)]) -> Self {
        let compile = |&(pattern, with): &(&str, _)| Some((Regex::new(pattern).ok()?, with));
        Self(rules.iter().filter_map(compile).collect())
    }

    fn apply(&self, text: String) -> String {
        self.0.iter().fold(text, |text, (pattern, with)| match pattern.replace_all(&text, *with) {
            Cow::Borrowed(_) => text,
            Cow::Owned(changed) => changed,
        })
    }
}

const OPENING: &[(&str, &str)] =
    &[("([«“‘„]|`+)", " $1 "), ("^\"", "``"), ("``", " `` "), (r#"([ (\[{<])("|'')"#, "$1 `` ")];

const MARKS: &[(&str, &str)] = &[
    // The period at the end of the sentence.
    (r#"([^.])\.([\])}>"'»”’ ]*)[\s\x1c-\x1f]*$"#, "$1 . $2 "),
    (r"([:,])([^\d])", " $1 $2"),
    ("([:,])$", " $1 "),
    (r"\.{2,}", " $0 "),
    ("[;@#$%&]", " $0 "),
    (r#"([^.])\.([\])}>"']*)[\s\x1c-\x1f]*$"#, "$1 .$2 "),
    ("[?!]", " $0 "),
    ("([^'])' ", "$1 ' "),
    (r"\*", " $0 "),
    (r"[\]\[(){}<>]", " $0 "),
    ("--", " -- "),
];

const CLOSING: &[(&str, &str)] = &[
    ("[»”’]", " $0 "),
    ("''", " '' "),
    ("\"", " '' "),
    (r"[\s\x1c-\x1f]+", " "),
    ("([^' ])('[sS]|'[mM]|'[dD]|') ", "$1 $2 "),
    ("([^' ])('ll|'LL|'re|'RE|'ve|'VE|n't|N'T) ", "$1 $2 "),
];

static RULES: LazyLock<[Rules; 3]> =
    LazyLock::new(|| [Rules::new(OPENING), Rules::new(MARKS), Rules::new(CLOSING)]);

fn sentence_tokens(sentence: &str) -> Vec<String> {
    let [opening, marks, closing] = &*RULES;
    let text = detach_quoted_letters(&opening.apply(sentence.to_owned()));
    let text = closing.apply(format!(" {} ", marks.apply(text)));
    split(&contractions::divide(&text)).map(str::to_owned).collect()
}

/// Inserts a space between an apostrophe and a single character, unless they belong to a contraction: `'a'` is a quote,
/// `it's` is not.
fn detach_quoted_letters(text: &str) -> String {
    let mut changed = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        changed.push(c);
        let Some(&letter) = chars.peek().filter(|_| c == '\'') else { continue };
        let mut ahead = chars.clone();
        ahead.next();
        let alone = is_word(letter) && !ahead.peek().is_some_and(|&next| is_word(next));
        if alone && !matches!(letter.to_ascii_lowercase(), 'm' | 't' | 's' | 'd' | 'n' | 'ſ') {
            changed.push(' ');
        }
    }
    changed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_compiles() {
        let [opening, marks, closing] = &*RULES;
        assert_eq!(opening.0.len(), OPENING.len());
        assert_eq!(marks.0.len(), MARKS.len());
        assert_eq!(closing.0.len(), CLOSING.len());
    }

    #[test]
    fn capitals_agree_with_all_tokens() {
        for (text, count) in [
            ("DON'T. )", 2),
            ("In't it? DIDn't GOTta Gonna", 3),
            ("I saw NASA's U.S. team, e.g. B2B: A, x", 5),
            ("x 'TIS \"A.B.\" A", 4),
            ("'tis", 0),
        ] {
            assert_eq!(capitals(text), count, "{text}");
            assert_eq!(tokens(text).iter().filter(|token| is_upper(token)).count(), count);
        }
    }

    #[test]
    fn contractions_quotes_and_marks_are_split() {
        for (text, expected) in [
            ("DON'T he'll it's NASA's.", "DO N'T he 'll it 's NASA 's ."),
            ("x,,y 3,4 :a a:", "x , ,y 3,4 : a a :"),
            ("She said \"go 'a b' now\" (U.S.)", "She said `` go ' a b ' now '' ( U.S . )"),
            ("a...b. c.) 50% X-RAY B2B", "a ... b. c. ) 50 % X-RAY B2B"),
            ("I cannot; 'tis gonna be “it”", "I can not ; 't is gon na be “ it ”"),
        ] {
            assert_eq!(tokens(text).join(" "), expected, "{text}");
        }
    }
}

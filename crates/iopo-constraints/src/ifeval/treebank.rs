//! Penn Treebank tokens of the sentences that Punkt finds.
//!
//! A series of substitutions inserts spaces around tokens, and then the text is split at spaces. Quotes come first,
//! because the meaning of a `'` depends on the text to its left.

use std::{borrow::Cow, ops::Range, sync::LazyLock};

use regex::Regex;

use super::{
    contractions, punkt,
    python::{is_decimal, is_space, is_upper, is_word, split},
};

/// The tokens of a text.
pub(crate) fn tokens(text: &str) -> Vec<String> {
    iter(text).collect()
}

/// The tokens of a text. A part of a sentence is split when one of its tokens is needed.
pub(crate) fn iter(text: &str) -> impl DoubleEndedIterator<Item = String> + '_ {
    punkt::sentences(text).into_iter().flat_map(|range| sentence_tokens(&text[range]))
}

fn sentence_tokens(sentence: &str) -> impl DoubleEndedIterator<Item = String> + '_ {
    parts(sentence, PART).into_iter().flat_map(|range| part_tokens(&sentence[range]))
}

/// The least number of bytes of a part of a sentence; the last may be shorter.
const PART: usize = 2048;

/// Divides a sentence at characters of white space, which belong to both parts. The parts have the tokens of the sentence.
///
/// No rule matches across white space, except those for the period at the end: only the last part may end with a period and
/// closing marks. A quote at the start is special in the first part only, because the others start with white space.
fn parts(sentence: &str, least: usize) -> Vec<Range<usize>> {
    let mut parts = Vec::new();
    if sentence.len() <= least {
        parts.push(0..sentence.len());
        return parts;
    }
    let mut start = 0;
    // Whether only closing marks and spaces follow a period.
    let mut ended = false;
    for (at, c) in sentence.char_indices() {
        if is_space(c) {
            if at - start >= least && !ended {
                parts.push(start..at + c.len_utf8());
                start = at;
            }
        } else if !CLOSERS.contains(c) {
            ended = c == '.';
        }
    }
    parts.push(start..sentence.len());
    parts
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
    sentence_tokens(&kept).filter(|token| is_upper(token)).count()
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

/// Substitutions, in order.
struct Rules(Vec<Rule>);

/// A substitution.
struct Rule {
    /// Characters of which a text has at least one if the pattern matches.
    needs: CharSet,
    pattern: Regex,
    replacement: &'static str,
}

/// The characters that a rule needs, its pattern and its replacement.
type RuleText = (&'static str, &'static str, &'static str);

/// A set of ASCII characters, one bit for each. All other characters share the last bit.
#[derive(Clone, Copy)]
struct CharSet(u128);

impl CharSet {
    /// The characters of a text.
    fn of(text: &str) -> Self {
        Self(text.bytes().fold(0, |set, byte| set | 1 << byte.min(127)))
    }
}

impl Rules {
    /// Compiles the patterns. They are constants, and a test makes sure that all of them compile.
    fn new(rules: &[RuleText]) -> Self {
        let compile = |&(needs, pattern, replacement): &RuleText| {
            let (needs, pattern) = (CharSet::of(needs), Regex::new(pattern).ok()?);
            Some(Rule { needs, pattern, replacement })
        };
        Self(rules.iter().filter_map(compile).collect())
    }

    /// Applies the rules that can match. Most sentences have few marks, and a look at the set is faster than a search.
    fn apply(&self, mut text: String) -> String {
        let mut found = CharSet::of(&text);
        for rule in &self.0 {
            if rule.needs.0 & found.0 == 0 {
                continue;
            }
            if let Cow::Owned(changed) = rule.pattern.replace_all(&text, rule.replacement) {
                text = changed;
                // May name characters that are gone, but lacks none that is there.
                found.0 |= CharSet::of(rule.replacement).0;
            }
        }
        text
    }
}

const OPENING: &[RuleText] = &[
    ("«“‘„`", "([«“‘„]|`+)", " $1 "),
    ("\"", "^\"", "``"),
    ("`", "``", " `` "),
    ("\"'", r#"([ (\[{<])("|'')"#, "$1 `` "),
];

/// The period at the end of the sentence.
const PERIOD: &[RuleText] = &[(".", r#"([^.])\.([\])}>"'»”’ ]*)[\s\x1c-\x1f]*$"#, "$1 . $2 ")];

const MARKS: &[RuleText] = &[
    (":,", "([:,])$", " $1 "),
    (".", r"\.{2,}", " $0 "),
    (";@#$%&", "[;@#$%&]", " $0 "),
    (".", r#"([^.])\.([\])}>"']*)[\s\x1c-\x1f]*$"#, "$1 .$2 "),
    ("?!", "[?!]", " $0 "),
    ("'", "([^'])' ", "$1 ' "),
    ("*", r"\*", " $0 "),
    ("][(){}<>", r"[\]\[(){}<>]", " $0 "),
    ("-", "--", " -- "),
];

const QUOTES: &[RuleText] = &[("»”’", "[»”’]", " $0 "), ("'", "''", " '' "), ("\"", "\"", " '' ")];

const ENDINGS: &[RuleText] = &[
    ("'", "([^' ])('[sS]|'[mM]|'[dD]|') ", "$1 $2 "),
    ("'", "([^' ])('ll|'LL|'re|'RE|'ve|'VE|n't|N'T) ", "$1 $2 "),
];

const RULE_TEXTS: [&[RuleText]; 5] = [OPENING, PERIOD, MARKS, QUOTES, ENDINGS];

static RULES: LazyLock<[Rules; 5]> = LazyLock::new(|| RULE_TEXTS.map(Rules::new));

fn part_tokens(part: &str) -> Vec<String> {
    let [opening, period, marks, quotes, endings] = &*RULES;
    let text = detach_quoted_letters(opening.apply(part.to_owned()));
    let text = detach_commas(period.apply(text));
    let text = single_spaces(&quotes.apply(marks.apply(text)));
    split(&contractions::divide(&endings.apply(text))).map(str::to_owned).collect()
}

/// A text with one space between its words, before the first and after the last.
fn single_spaces(text: &str) -> String {
    let mut spaced = String::with_capacity(text.len() + 2);
    spaced.push(' ');
    for word in split(text) {
        spaced.push_str(word);
        spaced.push(' ');
    }
    spaced
}

/// Inserts a space between an apostrophe and a single character, unless they belong to a contraction: `'a'` is a quote,
/// `it's` is not.
fn detach_quoted_letters(text: String) -> String {
    if !text.contains('\'') {
        return text;
    }
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

/// Inserts spaces around each comma and colon before a character that is no digit, as the pattern `([:,])([^\d])` would.
/// Of two marks, the second is that character, so only the first is detached.
fn detach_commas(text: String) -> String {
    if !text.contains([':', ',']) {
        return text;
    }
    let mut changed = String::with_capacity(text.len() + text.len() / 4);
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        let next = chars.clone().next().filter(|&next| matches!(c, ':' | ',') && !is_decimal(next));
        if let Some(next) = next {
            chars.next();
            changed.extend([' ', c, ' ', next]);
        } else {
            changed.push(c);
        }
    }
    changed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_compiles() {
        for (rules, texts) in RULES.iter().zip(RULE_TEXTS) {
            assert_eq!(rules.0.len(), texts.len());
        }
    }

    #[test]
    fn skipped_rules_would_change_nothing() {
        let pieces = [
            "Tea", "a", "3", " ", "\n", ".", "..", ",", ":", ";", "?", "'", "''", "\"", "`", "``",
            "*", "(", ")", "--", "“", "”", "n't", "'s", "'ll",
        ];
        for rules in &*RULES {
            // The number of texts that each rule changes: every rule must change some.
            let mut changes = vec![0; rules.0.len()];
            for (one, two, three) in pieces
                .iter()
                .flat_map(|one| pieces.iter().map(move |two| (one, two)))
                .flat_map(|(one, two)| pieces.iter().map(move |three| (one, two, three)))
            {
                let text = format!("{one}{two}{three}");
                let mut expected = text.clone();
                for (rule, changes) in rules.0.iter().zip(&mut changes) {
                    let changed =
                        rule.pattern.replace_all(&expected, rule.replacement).into_owned();
                    *changes += usize::from(changed != expected);
                    expected = changed;
                }
                assert_eq!(rules.apply(text.clone()), expected, "{text:?}");
            }
            assert!(changes.iter().all(|changes| *changes > 0), "{changes:?}");
        }
    }

    #[test]
    fn commas_are_detached_as_by_their_pattern() {
        let pattern = Regex::new(r"([:,])([^\d])").expect("valid");
        let pieces = ["a", "3", "٣", "é", " ", "\n", ",", ":", ".", ""];
        for number in 0..pieces.len().pow(4) {
            let text: String = (0..4)
                .map(|place| pieces[number / pieces.len().pow(place) % pieces.len()])
                .collect();
            assert_eq!(
                detach_commas(text.clone()),
                pattern.replace_all(&text, " $1 $2"),
                "{text:?}"
            );
        }
        assert_eq!(detach_commas("a,b,3,,c:".to_owned()), "a , b,3 , ,c:");
    }

    #[test]
    fn parts_have_the_tokens_of_the_sentence() {
        let pieces = [
            "Tea", "a", "3", " ", "\n", "\u{3000}", "\u{1c}", ".", "..", ",", ":", "?", "--", "'",
            "''", "\"", "`", "“", "(", ")", "”", "n't", "'s", "'tis", "wanna",
        ];
        let mut divided = 0;
        for number in 0..pieces.len().pow(3) {
            let three =
                [0, 1, 2].map(|place| pieces[number / pieces.len().pow(place) % pieces.len()]);
            for (gap, end) in [("", "."), (" ", ""), ("\n", " x.")] {
                let text = three.join(gap) + end;
                let parts = parts(&text, 0);
                divided += usize::from(parts.len() > 1);
                let tokens: Vec<_> =
                    parts.iter().flat_map(|part| part_tokens(&text[part.clone()])).collect();
                assert_eq!(tokens, part_tokens(&text), "{text:?}: {parts:?}");
            }
        }
        assert!(divided > 1000);
        // A part that ended like a sentence would lose its period.
        assert_eq!(parts("a b.) c\"d", 1), [0..2, 1..9]);
        assert_eq!(parts("a b", 3), std::slice::from_ref(&(0..3)));
        assert_ne!([part_tokens("b.) "), part_tokens(" c")].concat(), part_tokens("b.) c"));
    }

    #[test]
    fn spaces_between_words_are_those_of_the_patterns() {
        let pattern = Regex::new(r"^[\s\x1c-\x1f]$").expect("valid");
        for c in '\0'..=char::MAX {
            assert_eq!(is_space(c), pattern.is_match(c.encode_utf8(&mut [0; 4])), "{c:?}");
        }
        assert_eq!(single_spaces("\ta  b\u{3000}"), " a b ");
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

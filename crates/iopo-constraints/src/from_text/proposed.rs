//! Checks a proposed constraint, for instance one by a language model, against the text that it should state.

use std::collections::BTreeSet;

use super::{from_text, normal::Normal, number, stop};
use crate::{constraint::Constraint, han};

/// Words of a demand that say nothing about its content. Limits and negations are compared apart. Words that exclude the
/// limit itself, such as "under", are not among them.
const FILLERS: &[&str] = &[
    "a", "an", "any", "anywhere", "answer", "at", "avoid", "be", "can", "contain", "contains",
    "do", "does", "don", "t", "ensure", "entire", "exactly", "exceed", "from", "full", "give",
    "has", "have", "in", "include", "includes", "is", "it", "its", "keep", "least", "make",
    "maximum", "may", "minimum", "more", "most", "must", "never", "no", "not", "of", "please",
    "provide", "refrain", "reply", "response", "shall", "should", "sure", "text", "than", "that",
    "the", "there", "to", "up", "use", "uses", "using", "whole", "with", "within", "without",
    "write", "written", "you", "your",
];

/// The same in Chinese. A filler that contains another one comes first.
const FILLERS_ZH: &[&str] = &[
    "不能超过",
    "不得超过",
    "不要超过",
    "不应超过",
    "不超过",
    "不多于",
    "不少于",
    "不低于",
    "请确保",
    "请保证",
    "整个回答",
    "回答",
    "回复",
    "全文",
    "文章",
    "必须",
    "应该",
    "应当",
    "需要",
    "要求",
    "使用",
    "采用",
    "出现",
    "包含",
    "避免",
    "禁止",
    "请勿",
    "至少",
    "最少",
    "最多",
    "至多",
    "以内",
    "之内",
    "恰好",
    "正好",
    "确保",
    "保证",
    "不得",
    "不要",
    "不能",
    "不可",
    "请",
    "须",
    "需",
    "应",
    "要",
    "的",
    "了",
    "在",
    "中",
    "里",
    "用",
    "有",
    "为",
    "不",
];

/// Words of lower limits. In a negated sentence, [`stop::polarity_agrees`] does not see them.
const LOWER: &[&str] = &["least", "minimum", "不少于", "不低于", "至少", "最少"];
/// Words of upper limits.
const UPPER: &[&str] = &[
    "most",
    "maximum",
    "more than",
    "longer than",
    "exceed",
    "超过",
    "不多于",
    "最多",
    "至多",
    "以内",
    "之内",
];

/// Number of Chinese sentences of a constraint that are tried. They wrap around, so more would repeat them.
const MOST_CHINESE: usize = 4;

/// Returns the constraint of a kind with parameters, if a text states it and nothing else.
///
/// This serves texts that [`from_text`] does not understand, such as those of kinds that it has no rule for. The proposal is
/// not trusted: the kind must exist, its parameters must be in range, and the checker must say the same as the text. That
/// is, the text and one of the constraint's own sentences have the same numbers, quoted strings and content words, and their
/// limits, negations and restrictions to parts of the response agree. If [`from_text`] understands the text, its reading
/// decides.
///
/// ```
/// use iopo_constraints::{from_proposal, from_text};
///
/// let text = "Please never use parentheses in your answer.";
/// assert_eq!(from_text(text), None);
/// assert!(from_proposal(text, "no_parentheses", "{}").is_some());
/// assert_eq!(from_proposal(text, "parentheses", "{}"), None);
/// assert_eq!(from_proposal("Never use parentheses in tables.", "no_parentheses", "{}"), None);
/// ```
pub fn from_proposal(text: &str, kind: &str, params: &str) -> Option<Constraint> {
    let proposed = Constraint::from_parts(kind, params).ok()?;
    if let Some(read) = from_text(text) {
        return (read == proposed).then_some(read);
    }
    let said = Sentence::read(text)?;
    let sentences: Vec<String> = if said.is_chinese {
        (0..MOST_CHINESE).filter_map(|index| proposed.render_chinese(index)).collect()
    } else {
        (0..proposed.phrasings()).map(|index| proposed.render(index)).collect()
    };
    sentences.iter().any(|own| Sentence::read(own).as_ref() == Some(&said)).then_some(proposed)
}

/// The meaning of a sentence, as far as two sentences about the same constraint have it in common.
#[derive(Debug, PartialEq, Eq)]
struct Sentence {
    is_chinese: bool,
    /// Numbers in digits, words without their plural ending, and Chinese characters. Fillers are left out.
    content: BTreeSet<String>,
    quotations: BTreeSet<String>,
    /// Whether limits and negations are those of an exact number, a maximum, a minimum, or a ban.
    limits: [bool; 4],
    /// Whether a word states a lower limit, and whether one states an upper limit.
    bounds: [bool; 2],
    /// Whether a word narrows the demand to parts of the response.
    has_scope: bool,
}

impl Sentence {
    /// Reads a sentence; `None` if it has no content, or if its limits are those of no kind.
    fn read(text: &str) -> Option<Self> {
        let normal = Normal::read(text)?;
        let is_chinese = han::has(&normal.text);
        let limits = ["exact_", "max_", "min_", "no_"];
        let has_any = |words: &[&str]| words.iter().any(|word| normal.text.contains(*word));
        let bounds = [has_any(LOWER), has_any(UPPER)];
        let found = Self {
            is_chinese,
            content: content(&normal.text, is_chinese),
            limits: limits.map(|id| stop::polarity_agrees(&normal.text, id)),
            bounds,
            has_scope: stop::has_scope(&normal.text),
            quotations: normal.quotations.into_iter().collect(),
        };
        (!found.content.is_empty() && found.limits.contains(&true)).then_some(found)
    }
}

fn content(text: &str, is_chinese: bool) -> BTreeSet<String> {
    let plain = if is_chinese {
        FILLERS_ZH.iter().fold(text.to_owned(), |text, filler| text.replace(filler, " "))
    } else {
        text.to_owned()
    };
    let mut found = BTreeSet::new();
    for word in plain.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()) {
        let mut rest = word;
        while let Some(c) = rest.chars().next() {
            let len = match number::leading(rest) {
                Some((number, len)) if is_chinese || len == rest.len() => {
                    found.insert(number.to_string());
                    len
                }
                _ if han::is_han(c) => {
                    found.insert(c.to_string());
                    c.len_utf8()
                }
                _ => {
                    let len = rest.find(han::is_han).unwrap_or(rest.len());
                    let word = &rest[..len];
                    if !FILLERS.contains(&word) {
                        found.insert(singular(word).to_owned());
                    }
                    len
                }
            };
            rest = &rest[len..];
        }
    }
    found
}

/// A word without the ending of the plural.
fn singular(word: &str) -> &str {
    word.strip_suffix('s').filter(|stem| stem.chars().nth(2).is_some()).unwrap_or(word)
}

#[cfg(test)]
mod tests {
    use super::{FILLERS_ZH, from_proposal};
    use crate::{Constraint, from_text};

    fn is_said(text: &str, kind: &str, params: &str) -> bool {
        from_proposal(text, kind, params).is_some()
    }

    #[test]
    fn a_constraint_is_said_by_its_own_sentences_and_by_no_other() {
        let all = [
            ("no_parentheses", "{}"),
            ("parentheses", "{}"),
            ("no_quotation", "{}"),
            ("quotation", "{}"),
            ("steps", r#"{"n":3}"#),
            ("steps", r#"{"n":4}"#),
            ("divided_parts", r#"{"n":3}"#),
            ("max_sentence_words", r#"{"n":20}"#),
            ("placeholders", r#"{"n":3}"#),
            ("no_placeholders", "{}"),
            ("no_second_person", "{}"),
            ("second_person", "{}"),
        ];
        for (kind, params) in all {
            let own = Constraint::from_parts(kind, params).expect("a constraint");
            for index in 0..own.phrasings() {
                let text = own.render(index);
                assert!(is_said(&text, kind, params), "{text}");
                for (other, values) in all.into_iter().filter(|other| *other != (kind, params)) {
                    assert!(!is_said(&text, other, values), "{text} as {other} {values}");
                }
            }
        }
    }

    #[test]
    fn other_words_numbers_limits_and_parts_are_refused() {
        let (kind, params) = ("max_sentence_words", r#"{"n":20}"#);
        let own = Constraint::from_parts(kind, params).expect("a constraint").render(0);
        assert!(own.contains("20"), "{own}");
        assert!(is_said(&format!("Please: {own}"), kind, params));
        for text in [
            own.replace("20", "30"),
            format!("{own} Use short words."),
            own.replace("words", "letters"),
            own.replace("20", "at least 20"),
        ] {
            assert!(!is_said(&text, kind, params), "{text}");
        }
        assert!(!is_said("Do not use parentheses in the first line.", "no_parentheses", "{}"));
        assert!(!is_said("Do not use parentheses.", "parentheses", "{}"));
        assert!(!is_said("Do not use parentheses.", "unknown_kind", "{}"));
        assert!(!is_said("Do not use parentheses.", "no_parentheses", r#"{"n":3}"#));
        assert!(!is_said("Use fewer than 20 words per sentence.", kind, params));
        assert!(!is_said("", "no_parentheses", "{}"));
    }

    #[test]
    fn the_reading_of_a_text_decides() {
        let text = "The answer must not exceed 200 words.";
        assert!(from_text(text).is_some());
        assert!(is_said(text, "max_words", r#"{"n":200}"#));
        assert!(!is_said(text, "max_words", r#"{"n":100}"#));
        assert!(!is_said(text, "min_words", r#"{"n":200}"#));
    }

    #[test]
    fn chinese_texts_are_compared_by_characters() {
        let no_me = r"整个回答中请不要用第一人称";
        assert!(is_said(no_me, "no_first_person", "{}"));
        assert!(!is_said(no_me, "first_person", "{}"));
        assert!(!is_said("整个回答的标题请不要用第一人称", "no_first_person", "{}"));
        for (at, filler) in FILLERS_ZH.iter().enumerate() {
            let hidden = FILLERS_ZH[..at].iter().find(|earlier| filler.contains(**earlier));
            assert_eq!(hidden, None, "{filler}");
        }
    }
}

//! The grammar of English constraints.

use super::{cursor::Cursor, normal::Normal, proposal::Proposal};

/// Words for the whole response.
const WHOLE: &[&str] = &[
    "answer",
    "response",
    "reply",
    "output",
    "entire response",
    "whole response",
    "entire answer",
    "whole answer",
    "whole text",
    "full text",
    "text",
    "total length",
    "word count",
    "length",
];

const DETERMINERS: &[&str] = &["your", "the", "this"];

const MUST: &[&str] =
    &["must", "should", "shall", "has to", "needs to", "is to", "may", "can", "will"];

const AT_MOST: &[&str] = &[
    "at most",
    "no more than",
    "not more than",
    "no longer than",
    "not exceed",
    "not be more than",
    "within",
    "a maximum of",
    "up to",
    "not be longer than",
];

const AT_LEAST: &[&str] = &[
    "at least",
    "no fewer than",
    "no less than",
    "not less than",
    "not fewer than",
    "a minimum of",
];

const EXACTLY: &[&str] = &["exactly", "precisely"];

const VERBS: &[&str] = &[
    "use",
    "write",
    "contain",
    "have",
    "has",
    "be",
    "is",
    "keep",
    "limit",
    "include",
    "consist of",
    "answer in",
    "respond in",
    "be limited to",
    "keep it to",
    "stay",
];

/// Proposes a kind for a text.
pub(super) fn propose(normal: &Normal) -> Option<Proposal> {
    length(Cursor::new(normal)).or_else(|| words(Cursor::new(normal)))
}

/// The number of words, sentences or paragraphs.
fn length(mut cursor: Cursor<'_>) -> Option<Proposal> {
    cursor.skip(&["please"]).skip(DETERMINERS).skip(WHOLE).skip(MUST).skip(VERBS);
    cursor.skip(DETERMINERS).skip(WHOLE).skip(&["to", "under"]);
    if cursor.eat(&["between"]).is_some() {
        let low = cursor.number()?;
        cursor.eat(&["and"])?;
        let high = cursor.number()?;
        cursor.eat(&["words"])?;
        return end(cursor, Proposal::range("word_range", low, high));
    }
    let bound =
        [AT_MOST, AT_LEAST, EXACTLY].iter().position(|words| cursor.eat(words).is_some())?;
    let n = cursor.number()?;
    let unit =
        cursor.eat(&["word", "words", "sentence", "sentences", "paragraph", "paragraphs"])?;
    let id = match (bound, unit / 2) {
        (0, 0) => "max_words",
        (1, 0) => "min_words",
        (0, 1) => "max_sentences",
        (1, 1) => "min_sentences",
        (2, 1) => "exact_sentences",
        (2, 2) => "exact_paragraphs",
        _ => return None,
    };
    end(cursor, Proposal::counted(id, n))
}

/// A word that must or must not occur.
fn words(mut cursor: Cursor<'_>) -> Option<Proposal> {
    cursor.skip(&["please"]);
    let id = match cursor.eat(&["include", "use", "mention", "avoid", "do not use"])? {
        0..=2 => "include_word",
        _ => "exclude_word",
    };
    cursor.eat(&["the word"])?;
    let word = cursor.quotation()?;
    end(cursor, Proposal::plain(id).with_string("word", word))
}

/// The proposal, if the text ends here.
fn end(mut cursor: Cursor<'_>, proposal: Proposal) -> Option<Proposal> {
    cursor.skip(&["long", "in length", "in total"]);
    cursor.is_done().then_some(proposal)
}

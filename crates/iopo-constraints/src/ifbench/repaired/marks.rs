//! Nested brackets, quotation marks and given answers.

use super::super::{
    natural::{has_word, key, straight, trim},
    text::is_alphanumeric,
};

/// An open mark with the depth of the pairs closed within it.
struct Open {
    mark: char,
    depth: usize,
}

/// Whether five pairs of brackets are nested in each other. Marks without a partner are ignored.
pub(super) fn brackets(text: &str) -> bool {
    let mut open: Vec<Open> = Vec::new();
    let mut waiting = [0_usize; 3];
    for c in text.chars() {
        if let Some(kind) = "([{".find(c) {
            open.push(Open { mark: c, depth: 0 });
            waiting[kind] += 1;
        } else if let Some(kind) = ")]}".find(c).filter(|kind| waiting[*kind] > 0) {
            let opener = ['(', '[', '{'][kind];
            let mut depth = 0;
            while let Some(last) = open.pop() {
                depth = depth.max(last.depth);
                if let Some(at) = "([{".find(last.mark) {
                    waiting[at] -= 1;
                }
                if last.mark == opener {
                    break;
                }
            }
            depth += 1;
            if depth >= 5 {
                return true;
            }
            if let Some(outer) = open.last_mut() {
                outer.depth = outer.depth.max(depth);
            }
        }
    }
    false
}

/// Whether three quotations are nested in each other, with alternating double and single marks. Apostrophes within
/// words do not count as marks.
pub(super) fn quotes(text: &str) -> bool {
    let mut open: Vec<Open> = Vec::new();
    let mut chars = text.chars().peekable();
    let mut last = ' ';
    while let Some(c) = chars.next() {
        let before = std::mem::replace(&mut last, c);
        let (mark, opens, closes) = match c {
            '"' => ('"', true, true),
            '“' | '„' => ('"', true, false),
            '”' => ('"', false, true),
            '\'' | '’'
                if is_alphanumeric(before) && chars.peek().is_some_and(|c| is_alphanumeric(*c)) =>
            {
                continue;
            }
            '\'' => ('\'', true, true),
            '‘' => ('\'', true, false),
            '’' => ('\'', false, true),
            _ => continue,
        };
        if closes && open.last().is_some_and(|last| last.mark == mark) {
            let depth = open.pop().map_or(0, |closed| closed.depth) + 1;
            if depth >= 3 {
                return true;
            }
            if let Some(outer) = open.last_mut().filter(|outer| outer.mark != mark) {
                outer.depth = outer.depth.max(depth);
            }
        } else if opens {
            open.push(Open { mark, depth: 0 });
        }
    }
    false
}

/// Whether a text is one of the options, without punctuation around it and ignoring case.
pub(super) fn is_option(text: &str, options: &str) -> bool {
    let text = key(trim(text));
    !text.is_empty() && parts(options).iter().any(|part| key(trim(part)) == text)
}

/// The options between slashes or, without slashes, between commas and the word "or".
fn parts(options: &str) -> Vec<String> {
    if options.contains('/') {
        return options.split('/').map(str::to_owned).collect();
    }
    let mut parts = Vec::new();
    for item in options.split(',') {
        let mut part = Vec::new();
        for word in item.split_whitespace() {
            if word.eq_ignore_ascii_case("or") {
                parts.push(part.join(" "));
                part.clear();
            } else {
                part.push(word);
            }
        }
        parts.push(part.join(" "));
    }
    parts
}

/// Whether there are quotations, each followed by words.
pub(super) fn quotes_are_explained(text: &str) -> bool {
    let text = straight(text);
    let parts: Vec<&str> = text.split('"').collect();
    // An even number of marks has an odd number of parts. Every second part is outside the quotations.
    parts.len() > 2
        && parts.len() % 2 == 1
        && parts.iter().step_by(2).skip(1).all(|part| has_word(part))
}

/// Whether the first word differs from that of the request, and all other words are the same.
pub(super) fn changes_first_word(text: &str, prompt: &str) -> bool {
    let (text, prompt) = (straight(text), straight(prompt));
    let (mut said, mut asked) = (text.split_whitespace(), prompt.split_whitespace());
    let (first, wanted) = (said.next().unwrap_or_default(), asked.next().unwrap_or_default());
    key(trim(first)) != key(trim(wanted)) && said.eq(asked)
}

/// Whether a text is the words of the request from `first` to `last`, inclusive, counted from 0.
pub(super) fn is_span(text: &str, prompt: &str, first: usize, last: usize) -> bool {
    let (text, prompt) = (key(text), key(prompt));
    let length = last.saturating_add(1).saturating_sub(first);
    let mut wanted = prompt.split_whitespace().skip(first).take(length).peekable();
    wanted.peek().is_some() && text.split_whitespace().eq(wanted)
}

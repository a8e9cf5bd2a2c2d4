//! Sentence splitting with Punkt (Kiss and Strunk, 2006) and its English parameters.
//!
//! The word before a mark and the token after it decide whether the mark ends a sentence. The rules are those of NLTK
//! up to 3.9; later versions differ.

mod tables;
mod words;

use std::ops::Range;

use self::{
    tables::{Tables, seen},
    words::{Token, is_end_mark, is_non_word, words},
};
use super::python::{is_space, lower};

/// The sentences of a text. No sentence is empty. The space between two sentences is part of neither.
pub(crate) fn sentences(text: &str) -> Vec<Range<usize>> {
    let mut slices = Vec::new();
    let mut start = 0;
    for end in candidates(text) {
        if breaks_within(&text[end.context.clone()]) {
            slices.push(start..end.mark);
            start = end.next;
        }
    }
    slices.push(start..text.trim_end_matches(is_space).len().max(start));
    realign(text, slices)
}

/// A mark that may end a sentence.
#[derive(Clone)]
struct Candidate {
    /// The word before the mark.
    word: Range<usize>,
    /// The range from the word to the end of the token after the mark.
    context: Range<usize>,
    /// The end of the mark.
    mark: usize,
    /// The start of the next sentence, if the mark ends one.
    next: usize,
}

/// The marks with their contexts. Of several marks with the same word before them, only the last.
fn candidates(text: &str) -> Vec<Candidate> {
    let mut found: Vec<Candidate> = Vec::new();
    let mut last = 0..0;
    // The last space of `string.whitespace` since `last.end`.
    let mut space = None;
    for (at, c) in text.char_indices() {
        if is_end_mark(c)
            && let Some((next, end)) = after(text, at + 1)
        {
            // A space at the very start does not count.
            let start = match space {
                Some(space) if space > last.end => space + 1,
                _ => last.start,
            };
            let word = start..at;
            if found.last().is_some_and(|before| before.word.end > word.start) {
                found.pop();
            }
            found.push(Candidate { word: word.clone(), context: start..end, mark: at + 1, next });
            (last, space) = (word, None);
        }
        if matches!(c, ' ' | '\t' | '\n' | '\r' | '\u{b}' | '\u{c}') {
            space = Some(at);
        }
    }
    found
}

/// The start of the next sentence and the end of the context after a mark. `None` if the mark cannot end a sentence.
fn after(text: &str, mark: usize) -> Option<(usize, usize)> {
    let rest = &text[mark..];
    let c = rest.chars().next()?;
    if is_non_word(c) {
        return Some((mark, mark + c.len_utf8()));
    }
    let token = rest.trim_start_matches(is_space);
    if token.is_empty() || !is_space(c) {
        return None;
    }
    let start = text.len() - token.len();
    Some((start, start + token.find(is_space).unwrap_or(token.len())))
}

/// Whether a sentence ends within a context, before its last token.
fn breaks_within(context: &str) -> bool {
    let tables = Tables::english();
    let mut tokens: Vec<Token<'_>> =
        context.split('\n').flat_map(words).map(|word| first_pass(word, tables)).collect();
    for at in 1..tokens.len() {
        let (before, from) = tokens.split_at_mut(at);
        if let ([.., token], [next, ..]) = (before, from) {
            second_pass(token, next, tables);
            if token.breaks {
                return true;
            }
        }
    }
    false
}

/// Classifies a token on its own.
fn first_pass<'a>(word: &'a str, tables: &Tables) -> Token<'a> {
    let mut token = Token::new(word);
    if matches!(word, "." | "?" | "!") {
        token.breaks = true;
    } else if word.len() > 1 && word.bytes().all(|byte| byte == b'.') {
        token.ellipsis = true;
    } else if let Some(stem) = word.strip_suffix('.').filter(|stem| !stem.ends_with('.')) {
        let stem = lower(stem);
        let last = stem.rsplit('-').next().unwrap_or(&stem);
        token.abbreviation = tables.is_abbreviation(&stem) || tables.is_abbreviation(last);
        token.breaks = !token.abbreviation;
    }
    token
}

/// Corrects the classification of a token by the next one.
fn second_pass(token: &mut Token<'_>, next: &Token<'_>, tables: &Tables) {
    if !token.is_period_final() {
        return;
    }
    if tables.is_collocation(token.stem(), next.bare()) {
        token.breaks = false;
        return;
    }
    let initial = token.is_initial();
    let starts = starts_sentence(next, tables);
    let abbreviated = (token.abbreviation || token.ellipsis) && !initial;
    let opens = || next.starts_upper() && tables.is_starter(next.bare());
    if abbreviated && (starts == Some(true) || opens()) {
        token.breaks = true;
        return;
    }
    if initial || token.stem() == "##number##" {
        let name = initial
            && starts.is_none()
            && next.starts_upper()
            && tables.seen(next.bare()) & seen::LOWER == 0;
        if starts == Some(false) || name {
            token.breaks = false;
        }
    }
}

/// Whether the spelling of a word indicates that it starts a sentence. `None` if it indicates nothing.
fn starts_sentence(token: &Token<'_>, tables: &Tables) -> Option<bool> {
    if matches!(token.text, ";" | ":" | "," | "." | "!" | "?") {
        return Some(false);
    }
    let flags = tables.seen(token.bare());
    if token.starts_upper() && flags & seen::LOWER != 0 && flags & seen::UPPER_MID == 0 {
        return Some(true);
    }
    if token.starts_lower() && (flags & seen::UPPER != 0 || flags & seen::LOWER_START == 0) {
        return Some(false);
    }
    None
}

/// Moves closing quotes and brackets at the start of a sentence to the previous sentence.
fn realign(text: &str, slices: Vec<Range<usize>>) -> Vec<Range<usize>> {
    let mut found = Vec::with_capacity(slices.len());
    let mut moved = 0;
    let mut slices = slices.into_iter().peekable();
    while let Some(slice) = slices.next() {
        let slice = slice.start + moved..slice.end;
        moved = 0;
        match slices.peek().map(|next| (next, closers(&text[next.clone()]))) {
            Some((next, Some((marks, all)))) => {
                found.push(slice.start..next.start + marks);
                moved = all;
            }
            _ if slice.start < slice.end => found.push(slice),
            _ => {}
        }
    }
    found
}

/// The length of separate closing marks at the start of a sentence, without and with the space after them.
fn closers(sentence: &str) -> Option<(usize, usize)> {
    let rest = sentence.trim_start_matches(['"', '\'', ')', ']', '}']);
    let marks = sentence.len() - rest.len();
    let apart = rest.is_empty() || rest.starts_with(is_space) || rest.starts_with("--");
    let all = sentence.len() - rest.trim_start_matches(is_space).len();
    (marks > 0 && apart).then_some((marks, all))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> Vec<&str> {
        sentences(text).into_iter().map(|range| &text[range]).collect()
    }

    #[test]
    fn abbreviations_initials_and_numbers_do_not_end_a_sentence() {
        assert_eq!(
            said("Dr. Smith met J. Jones at 5 p.m. in Washington, D.C. on Tuesday. It rained."),
            ["Dr. Smith met J. Jones at 5 p.m. in Washington, D.C. on Tuesday.", "It rained."]
        );
        assert_eq!(
            said("It costs 3.50. However, No. 7 is 4."),
            ["It costs 3.50.", "However, No.", "7 is 4."]
        );
    }

    #[test]
    fn line_breaks_do_not_end_sentences() {
        assert_eq!(said("Roses are red\n\nviolets are blue").len(), 1);
        assert_eq!(said(" \n ").len(), 0);
        assert_eq!(said("").len(), 0);
    }

    #[test]
    fn closing_marks_belong_to_the_previous_sentence() {
        assert_eq!(
            said("(He left.) \"She stayed.\" We did."),
            ["(He left.)", "\"She stayed.\"", "We did."]
        );
        assert_eq!(said("Done.\")"), ["Done.\")"]);
    }
}

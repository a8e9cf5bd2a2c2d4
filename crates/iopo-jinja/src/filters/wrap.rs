//! The filter `wordwrap`: Python's `textwrap.wrap` on each line.

use crate::args::{Args, flag, given, int_or};
use crate::error::{Error, Result};
use crate::methods::lines;
use crate::operators::check_size;
use crate::unicode::{decimal, is_space, is_word};
use crate::value::Value;

pub(super) fn apply(value: &Value, args: Args) -> Result<Value> {
    let [width, break_long, separator, hyphens] =
        args.bind("wordwrap", ["width", "break_long_words", "wrapstring", "break_on_hyphens"])?;
    let width = int_or(width.as_ref(), 79)?;
    if width <= 0 {
        return Err(Error::value(format!("invalid width {width} (must be > 0)")));
    }
    let on = |value: Option<Value>| value.is_none_or(|value| flag(Some(&value)));
    let (break_long, hyphens) = (on(break_long), on(hyphens));
    let separator = given(separator);
    let separator = separator.as_ref().map_or(Ok("\n"), |own| own.text("wordwrap"))?;
    let width = usize::try_from(width).unwrap_or(usize::MAX);
    let text = value.text("wordwrap")?;
    let (mut wrapped, mut separators) = (Vec::new(), 0);
    for line in lines(text, false) {
        let chars: Vec<char> = line.chars().collect();
        let chunks = chunks(&chars, hyphens);
        let lines = wrap(chunks, width, break_long, hyphens);
        separators += lines.len().max(1);
        check_size(text.len().saturating_add(separator.len().saturating_mul(separators)))?;
        wrapped.push(lines.join(separator));
    }
    Ok(Value::str(wrapped.join(separator)))
}

/// The whitespace at which `textwrap` splits.
fn is_blank(c: char) -> bool {
    matches!(c, '\t'..='\r' | ' ')
}

/// Splits a line into words, parts of hyphenated words, and the whitespace between them.
fn chunks(chars: &[char], hyphens: bool) -> Vec<&[char]> {
    let mut chunks = Vec::new();
    let mut at = 0;
    while at < chars.len() {
        let len = if is_blank(chars[at]) {
            chars[at..].iter().take_while(|c| is_blank(**c)).count()
        } else if hyphens {
            word(chars, at)
        } else {
            chars[at..].iter().take_while(|c| !is_blank(**c)).count()
        };
        chunks.push(&chars[at..at + len]);
        at += len;
    }
    chunks
}

/// The length of the chunk at a position that is no whitespace.
fn word(chars: &[char], at: usize) -> usize {
    let get = |index: usize| chars.get(index).copied();
    let punctuation = |c: char| is_word(c) || matches!(c, '!' | '"' | '\'' | '&' | '.' | ',' | '?');
    let dashes = |from: usize| chars[from..].iter().take_while(|c| **c == '-').count();
    // A dash between words is a chunk.
    let run = dashes(at);
    if run >= 2 && at > 0 && punctuation(chars[at - 1]) && get(at + run).is_some_and(is_word) {
        return run;
    }
    let letter = |c: Option<char>| c.is_some_and(|c| is_word(c) && decimal(c).is_none());
    let mut end = at + 1;
    loop {
        // The end of the word.
        if end >= chars.len() || is_blank(chars[end]) {
            return end - at;
        }
        // A hyphen between letters ends a chunk.
        if chars[end] == '-' {
            let before = |back: usize| end.checked_sub(back).and_then(get);
            let two = letter(before(1)) && letter(before(2));
            let initials =
                before(1).is_some_and(punctuation) && before(2) == Some('-') && letter(before(3));
            let joined = two || initials;
            let next = letter(get(end + 1))
                && (letter(get(end + 2)) || (get(end + 2) == Some('-') && letter(get(end + 3))));
            if joined && next {
                return end + 1 - at;
            }
            // A dash follows.
            if punctuation(chars[end - 1]) {
                let run = dashes(end);
                if run >= 2 && get(end + run).is_some_and(is_word) {
                    return end - at;
                }
            }
        }
        end += 1;
    }
}

/// Fills lines with chunks.
fn wrap(chunks: Vec<&[char]>, width: usize, break_long: bool, hyphens: bool) -> Vec<String> {
    let blank = |chunk: &[char]| chunk.iter().all(|c| is_space(*c));
    let mut rest: Vec<&[char]> = chunks.into_iter().rev().collect();
    let mut lines: Vec<String> = Vec::new();
    while !rest.is_empty() {
        if !lines.is_empty() && rest.last().is_some_and(|chunk| blank(chunk)) {
            rest.pop();
        }
        let mut line: Vec<&[char]> = Vec::new();
        let mut used = 0;
        while let Some(chunk) = rest.last() {
            if used + chunk.len() > width {
                break;
            }
            used += chunk.len();
            line.extend(rest.pop());
        }
        if let Some(last) = rest.last_mut()
            && last.len() > width
        {
            let chunk: &[char] = last;
            let space = width.saturating_sub(used).max(usize::from(width < 1));
            if break_long {
                let mut end = space;
                if hyphens && chunk.len() > space {
                    let hyphen = chunk[..space].iter().rposition(|c| *c == '-');
                    if let Some(hyphen) = hyphen.filter(|at| *at > 0)
                        && chunk[..hyphen].iter().any(|c| *c != '-')
                    {
                        end = hyphen + 1;
                    }
                }
                line.push(&chunk[..end]);
                *last = &chunk[end..];
            } else if line.is_empty() {
                line.extend(rest.pop());
            }
        }
        if line.last().is_some_and(|chunk| blank(chunk)) {
            line.pop();
        }
        if !line.is_empty() {
            lines.push(line.concat().into_iter().collect());
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::{chunks, wrap};

    fn of(text: &str, width: usize) -> Vec<String> {
        let chars: Vec<char> = text.chars().collect();
        wrap(chunks(&chars, true), width, true, true)
    }

    #[test]
    fn lines_break_as_textwrap_does() {
        assert_eq!(of("one two three four", 9), ["one two", "three", "four"]);
        assert_eq!(of("a well-known fact", 7), ["a well-", "known", "fact"]);
        assert_eq!(of("abcdefghij kl", 4), ["abcd", "efgh", "ij", "kl"]);
        assert_eq!(of("yes--no maybe", 5), ["yes--", "no", "maybe"]);
        assert_eq!(of(&"x".repeat(100_000), 1).len(), 100_000);
    }
}

//! Source text to tokens, with the line ends and the whitespace control of Jinja.
//!
//! Block tags are trimmed as `transformers` configures it: `trim_blocks` drops the line end after a block or a comment,
//! `lstrip_blocks` the spaces before one that starts a line.

mod literal;

use std::sync::Arc;

use crate::error::{Error, Result};
use crate::unicode::is_space;
use crate::value::number::too_large;

/// A token.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Token {
    Data(String),
    BlockBegin,
    BlockEnd,
    VariableBegin,
    VariableEnd,
    Name(Arc<str>),
    Int(i128),
    Float(f64),
    Str(String),
    Operator(&'static str),
    End,
}

/// A token with its line.
#[derive(Debug, Clone)]
pub(crate) struct Lexeme {
    pub(crate) token: Token,
    pub(crate) line: usize,
}

/// Operators, longest first.
const OPERATORS: [&str; 26] = [
    "//", "**", "==", "!=", ">=", "<=", "+", "-", "/", "*", "%", "~", "[", "]", "(", ")", "{", "}",
    ">", "<", "=", ".", ":", "|", ",", ";",
];

/// Splits a template into tokens. The last one is [`Token::End`].
pub(crate) fn tokens(source: &str) -> Result<Vec<Lexeme>> {
    let source = normalized(source);
    let mut lexer = Lexer {
        source: &source,
        at: 0,
        line: 1,
        line_starting: true,
        brackets: Vec::new(),
        out: Vec::new(),
    };
    lexer.root()?;
    lexer.push(Token::End);
    Ok(lexer.out)
}

/// Replaces `\r\n` and `\r` by `\n` and drops one line end at the end.
fn normalized(source: &str) -> String {
    let mut text = source.replace("\r\n", "\n").replace('\r', "\n");
    if text.ends_with('\n') {
        text.pop();
    }
    text
}

struct Lexer<'s> {
    source: &'s str,
    at: usize,
    line: usize,
    /// Whether the last match ended a line.
    line_starting: bool,
    /// The closing brackets that are expected.
    brackets: Vec<char>,
    out: Vec<Lexeme>,
}

impl<'s> Lexer<'s> {
    fn rest(&self) -> &'s str {
        &self.source[self.at..]
    }

    fn push(&mut self, token: Token) {
        self.out.push(Lexeme { token, line: self.line });
    }

    fn fail<T>(&self, reason: impl Into<String>) -> Result<T> {
        Err(Error::syntax(self.line, reason))
    }

    /// Moves past the next `bytes` bytes.
    fn skip(&mut self, bytes: usize) {
        let passed = &self.source[self.at..self.at + bytes];
        self.line += passed.matches('\n').count();
        self.line_starting = passed.ends_with('\n');
        self.at += bytes;
    }

    fn root(&mut self) -> Result<()> {
        while self.at < self.source.len() {
            let rest = self.rest();
            let Some((offset, kind)) = next_tag(rest) else {
                self.push(Token::Data(rest.to_owned()));
                self.skip(rest.len());
                break;
            };
            let starting = self.line_starting;
            let sign = rest[offset + 2..].chars().next().filter(|sign| matches!(sign, '-' | '+'));
            let text = stripped(&rest[..offset], sign, kind != '{', starting);
            if !text.is_empty() {
                self.push(Token::Data(text.to_owned()));
            }
            self.skip(offset);
            let open = 2 + usize::from(sign.is_some());
            match kind {
                '#' => self.comment(open)?,
                '%' => match raw_begin(&self.rest()[open..]) {
                    Some(end) => {
                        self.skip(open + end);
                        self.raw()?;
                    }
                    None => self.tag(open, Token::BlockBegin)?,
                },
                _ => self.tag(open, Token::VariableBegin)?,
            }
        }
        Ok(())
    }

    fn comment(&mut self, open: usize) -> Result<()> {
        self.skip(open);
        let rest = self.rest();
        let Some(end) = rest.find("#}") else {
            return self.fail("missing end of comment tag");
        };
        let before = rest[..end].chars().next_back();
        let after = &rest[end + 2..];
        let trimmed = match before {
            Some('-') => after.len() - trim_start(after).len(),
            Some('+') => 0,
            _ => usize::from(after.starts_with('\n')),
        };
        self.skip(end + 2 + trimmed);
        Ok(())
    }

    fn raw(&mut self) -> Result<()> {
        let rest = self.rest();
        let mut from = 0;
        while let Some(found) = rest[from..].find("{%") {
            let at = from + found;
            let inner = &rest[at + 2..];
            let sign = inner.chars().next().filter(|sign| matches!(sign, '-' | '+'));
            let body = &inner[usize::from(sign.is_some())..];
            if let Some(end) = block_end_after(body, "endraw") {
                let text = stripped(&rest[..at], sign, true, self.line_starting);
                if !text.is_empty() {
                    self.push(Token::Data(text.to_owned()));
                }
                self.skip(at + 2 + usize::from(sign.is_some()) + end);
                return Ok(());
            }
            from = at + 2;
        }
        self.fail("missing end of raw directive")
    }

    /// Reads the tokens of a block or variable tag.
    fn tag(&mut self, open: usize, begin: Token) -> Result<()> {
        let block = begin == Token::BlockBegin;
        self.push(begin);
        self.skip(open);
        loop {
            let rest = self.rest();
            if self.brackets.is_empty() {
                let end = if block { block_end(rest) } else { variable_end(rest) };
                if let Some(end) = end {
                    self.push(if block { Token::BlockEnd } else { Token::VariableEnd });
                    self.skip(end);
                    return Ok(());
                }
            }
            let Some(first) = rest.chars().next() else {
                // The parser reports the missing end.
                return Ok(());
            };
            if is_space(first) {
                self.skip(rest.len() - trim_start(rest).len());
            } else {
                self.token(rest, first)?;
            }
        }
    }

    fn token(&mut self, rest: &str, first: char) -> Result<()> {
        let after_dot = self.source[..self.at].ends_with('.');
        if let Some((value, len)) = literal::number(rest, after_dot) {
            let Some(value) = value else {
                return self.fail(too_large().to_string());
            };
            self.push(value);
            self.skip(len);
        } else if first == '_' || first.is_alphanumeric() {
            let len = rest
                .find(|c: char| c != '_' && !c.is_alphanumeric() && !literal::is_mark(c))
                .unwrap_or(rest.len());
            if first.is_numeric() {
                return self.fail("invalid character in identifier");
            }
            self.push(Token::Name(Arc::from(&rest[..len])));
            self.skip(len);
        } else if matches!(first, '\'' | '"') {
            let Some(len) = literal::quoted(rest) else {
                return self.fail(format!("unexpected char {first:?}"));
            };
            let text = literal::unescaped(&rest[1..len - 1])
                .map_err(|reason| Error::syntax(self.line, reason))?;
            self.push(Token::Str(text));
            self.skip(len);
        } else {
            let Some(operator) = OPERATORS.iter().find(|operator| rest.starts_with(**operator))
            else {
                return self.fail(format!("unexpected char {first:?}"));
            };
            self.balance(operator)?;
            self.push(Token::Operator(operator));
            self.skip(operator.len());
        }
        Ok(())
    }

    fn balance(&mut self, operator: &str) -> Result<()> {
        match operator {
            "{" => self.brackets.push('}'),
            "(" => self.brackets.push(')'),
            "[" => self.brackets.push(']'),
            "}" | ")" | "]" => match self.brackets.pop() {
                Some(expected) if operator.starts_with(expected) => {}
                Some(expected) => {
                    return self.fail(format!("unexpected '{operator}', expected '{expected}'"));
                }
                None => return self.fail(format!("unexpected '{operator}'")),
            },
            _ => {}
        }
        Ok(())
    }
}

/// Returns the position and the second character of the next opening delimiter.
fn next_tag(text: &str) -> Option<(usize, char)> {
    text.match_indices('{').find_map(|(at, _)| {
        let kind = text[at + 1..].chars().next()?;
        matches!(kind, '{' | '%' | '#').then_some((at, kind))
    })
}

/// Applies the whitespace control before a tag. `lstrip` is false for variables.
fn stripped(text: &str, sign: Option<char>, lstrip: bool, line_starting: bool) -> &str {
    match sign {
        Some('-') => text.trim_end_matches(is_space),
        None if lstrip => {
            let line = text.rfind('\n').map_or(0, |at| at + 1);
            let blank = text[line..].chars().all(is_space);
            if (line > 0 || line_starting) && blank { &text[..line] } else { text }
        }
        _ => text,
    }
}

fn trim_start(text: &str) -> &str {
    text.trim_start_matches(is_space)
}

/// The length of `raw %}` with its whitespace, if the text starts with it.
fn raw_begin(text: &str) -> Option<usize> {
    let rest = trim_start(trim_start(text).strip_prefix("raw")?);
    let end = match rest.strip_prefix("-%}") {
        Some(after) => trim_start(after),
        None => rest.strip_prefix("%}")?,
    };
    Some(text.len() - end.len())
}

/// The length of `name %}` with its whitespace, if the text starts with it.
fn block_end_after(text: &str, name: &str) -> Option<usize> {
    let rest = trim_start(trim_start(text).strip_prefix(name)?);
    Some(text.len() - rest.len() + block_end(rest)?)
}

/// The length of a block's end with the whitespace that it trims.
fn block_end(text: &str) -> Option<usize> {
    let end = if let Some(after) = text.strip_prefix("+%}") {
        after
    } else if let Some(after) = text.strip_prefix("-%}") {
        trim_start(after)
    } else {
        let after = text.strip_prefix("%}")?;
        after.strip_prefix('\n').unwrap_or(after)
    };
    Some(text.len() - end.len())
}

/// The length of a variable's end with the whitespace that it trims.
fn variable_end(text: &str) -> Option<usize> {
    let end = match text.strip_prefix("-}}") {
        Some(after) => trim_start(after),
        None => text.strip_prefix("}}")?,
    };
    Some(text.len() - end.len())
}

//! The method `str.format`.

use super::spec::format_value;
use crate::args::Args;
use crate::budget;
use crate::error::{Error, ErrorKind, Result};
use crate::filters::html::escaped;
use crate::machine::Machine;
use crate::operators::check_size;
use crate::value::{Text, Value, repr};

/// Python's `text.format(*args, **named)`.
pub(crate) fn format(machine: &Machine<'_>, text: &Text, args: &Args) -> Result<Value> {
    budget::charge(text.text.len() / 64)?;
    let chars: Vec<char> = text.text.chars().collect();
    let mut formatter =
        Formatter { machine, args, automatic: 0, numbered: None, escape: text.safe };
    Ok(Value::marked(formatter.run(&chars, 2)?, text.safe))
}

struct Formatter<'a> {
    machine: &'a Machine<'a>,
    args: &'a Args,
    /// The next field without a name.
    automatic: usize,
    /// Whether the fields so far with a number have it by their order.
    numbered: Option<bool>,
    escape: bool,
}

impl Formatter<'_> {
    /// Formats a text; fields in specifications are one level deeper.
    fn run(&mut self, text: &[char], depth: usize) -> Result<String> {
        let mut out = String::new();
        let mut at = 0;
        while at < text.len() {
            match (text[at], text.get(at + 1)) {
                ('{', Some('{')) | ('}', Some('}')) => {
                    out.push(text[at]);
                    at += 2;
                }
                ('{', _) => {
                    let end = field_end(text, at + 1)?;
                    let part = self.field(&text[at + 1..end], depth)?;
                    out.push_str(&part);
                    at = end + 1;
                }
                ('}', _) => return Err(Error::value("single '}' encountered in format string")),
                (c, _) => {
                    out.push(c);
                    at += 1;
                }
            }
            check_size(out.len())?;
        }
        Ok(out)
    }

    fn field(&mut self, field: &[char], depth: usize) -> Result<String> {
        if depth == 0 {
            return Err(Error::value("max string recursion exceeded"));
        }
        budget::charge(1 + self.args.named.len() / 64)?;
        // A conversion and a specification end the name, unless they are in brackets.
        let mut brackets = false;
        let end = field.iter().position(|c| {
            match c {
                '[' => brackets = true,
                ']' => brackets = false,
                _ => {}
            }
            matches!(c, '!' | ':') && !brackets
        });
        let end = end.unwrap_or(field.len());
        let name: String = field[..end].iter().collect();
        let (conversion, spec) = match &field[end..] {
            ['!', conversion, ':', spec @ ..] => (Some(*conversion), spec),
            ['!', conversion] => (Some(*conversion), &[][..]),
            ['!', ..] => return Err(Error::value("expected ':' after conversion specifier")),
            [':', spec @ ..] => (None, spec),
            _ => (None, &[][..]),
        };
        let mut value = self.value(&name)?;
        value = match conversion {
            None => value,
            Some('s') => Value::Str(repr::to_text(&value)),
            Some('r') => Value::str(repr::repr(&value)),
            Some('a') => Value::str(repr::ascii(&value)),
            Some(other) => {
                return Err(Error::value(format!("unknown conversion specifier '{other}'")));
            }
        };
        let spec = self.run(spec, depth - 1)?;
        if self.escape {
            let safe = matches!(&value, Value::Str(text) if text.safe);
            let text = format_value(&value, &spec)?;
            return Ok(escaped(&Text { text: text.into(), safe }));
        }
        format_value(&value, &spec)
    }

    /// The value of a name such as `0`, `key`, `0.attribute` or `0[item]`.
    fn value(&mut self, name: &str) -> Result<Value> {
        let end = name.find(['.', '[']).unwrap_or(name.len());
        let (first, mut rest) = name.split_at(end);
        let number = first.parse::<usize>().ok();
        let automatic = first.is_empty();
        if automatic || number.is_some() {
            if self.numbered.is_some_and(|before| before != automatic) {
                return Err(Error::value(
                    "cannot switch between automatic field numbering and manual field specification",
                ));
            }
            self.numbered = Some(automatic);
        }
        let index = if automatic {
            self.automatic += 1;
            Some(self.automatic - 1)
        } else {
            number
        };
        let found = match index {
            Some(index) => self.args.positional.get(index),
            None => self.args.named.iter().find(|(own, _)| &**own == first).map(|(_, value)| value),
        };
        let Some(found) = found else {
            let reason = format!("the format names '{first}', which is no argument");
            return Err(Error::new(ErrorKind::Lookup, reason));
        };
        let mut value = found.clone();
        while !rest.is_empty() {
            if let Some(after) = rest.strip_prefix('.') {
                let end = after.find(['.', '[']).unwrap_or(after.len());
                value = self.machine.attribute(&value, &after[..end])?;
                rest = &after[end..];
            } else if let Some((key, after)) =
                rest.strip_prefix('[').and_then(|after| after.split_once(']'))
            {
                let key = key.parse().map_or_else(|_| Value::str(key), Value::Int);
                value = self.machine.item(&value, &key)?;
                rest = after;
            } else {
                return Err(Error::value("expected '.' or '[' in a format field"));
            }
        }
        Ok(value)
    }
}

/// The position of the brace that ends a field.
fn field_end(text: &[char], start: usize) -> Result<usize> {
    let mut depth = 1;
    for (at, c) in text.iter().enumerate().skip(start) {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Ok(at);
        }
    }
    Err(Error::value("expected '}' before end of string"))
}

//! The operator `%` on strings.

use super::spec::{Spec, take_number, to_int};
use crate::budget;
use crate::error::{Error, Result};
use crate::filters::html::escaped;
use crate::operators::check_size;
use crate::value::{Dict, Object, Text, Value, repr};

/// The arguments of a format.
struct Arguments<'a> {
    values: Vec<Value>,
    next: usize,
    mapping: Option<&'a Dict>,
}

impl Arguments<'_> {
    fn next(&mut self) -> Result<Value> {
        let value = self.values.get(self.next).cloned();
        self.next += 1;
        value.ok_or_else(|| Error::of_type("not enough arguments for format string"))
    }

    fn named(&self, key: &str) -> Result<Value> {
        let Some(mapping) = self.mapping else {
            return Err(Error::of_type("format requires a mapping"));
        };
        mapping.get_text(key).cloned().ok_or_else(|| {
            Error::new(crate::error::ErrorKind::Lookup, format!("no key '{key}' for the format"))
        })
    }
}

/// Python's `text % args`.
pub(crate) fn format(text: &Text, args: &Value) -> Result<Value> {
    let mut arguments = Arguments {
        values: match args {
            Value::Tuple(items) => items.to_vec(),
            other => vec![other.clone()],
        },
        next: 0,
        mapping: match args {
            Value::Dict(dict) => Some(&**dict),
            _ => None,
        },
    };
    budget::charge(text.text.len() / 64)?;
    let chars: Vec<char> = text.text.chars().collect();
    let mut rest = chars.as_slice();
    let mut out = String::with_capacity(chars.len());
    while let [c, tail @ ..] = rest {
        rest = tail;
        if *c != '%' {
            out.push(*c);
            continue;
        }
        budget::charge(1)?;
        let part = conversion(&mut rest, &mut arguments, text.safe)?;
        out.push_str(&part);
        check_size(out.len())?;
    }
    // Whatever has items counts as a mapping here.
    let mapping = match args {
        Value::Dict(_) | Value::List(_) | Value::Bytes(_) | Value::Undefined(_) => true,
        Value::Object(object) => matches!(**object, Object::Range(_)),
        _ => false,
    };
    if arguments.next < arguments.values.len() && !mapping {
        return Err(Error::of_type("not all arguments converted during string formatting"));
    }
    Ok(Value::marked(out, text.safe))
}

/// Formats one conversion, whose `%` was read.
fn conversion(rest: &mut &[char], arguments: &mut Arguments<'_>, escape: bool) -> Result<String> {
    let mut named = None;
    if let ['(', tail @ ..] = rest {
        let mut depth = 1;
        let close = tail.iter().position(|c| {
            depth += i32::from(*c == '(') - i32::from(*c == ')');
            depth == 0
        });
        let close = close.ok_or_else(|| Error::value("incomplete format key"))?;
        let key: String = tail[..close].iter().collect();
        named = Some(arguments.named(&key)?);
        *rest = &tail[close + 1..];
    }
    let mut spec = Spec::default();
    let (mut left, mut zero) = (false, false);
    while let [flag @ ('-' | '+' | ' ' | '#' | '0'), tail @ ..] = rest {
        match flag {
            '-' => left = true,
            '+' => spec.sign = '+',
            ' ' if spec.sign != '+' => spec.sign = ' ',
            '#' => spec.alternate = true,
            '0' => zero = true,
            _ => {}
        }
        *rest = tail;
    }
    if let Some(width) = size(rest, arguments)? {
        left |= width < 0;
        spec.width = usize::try_from(width.unsigned_abs()).unwrap_or(usize::MAX);
        check_size(spec.width)?;
    }
    if let ['.', tail @ ..] = rest {
        *rest = tail;
        let precision = size(rest, arguments)?.unwrap_or(0).max(0);
        spec.precision = Some(usize::try_from(precision).unwrap_or(usize::MAX));
    }
    if let ['h' | 'l' | 'L', tail @ ..] = rest {
        *rest = tail;
    }
    let [kind, tail @ ..] = rest else { return Err(Error::value("incomplete format")) };
    let kind = *kind;
    *rest = tail;
    if kind == '%' {
        return Ok("%".to_owned());
    }
    let value = match named {
        Some(value) => value,
        None => arguments.next()?,
    };
    spec.align = Some(if left { '<' } else { '>' });
    let numeric = !matches!(kind, 's' | 'r' | 'a' | 'c');
    if zero && !left && numeric {
        (spec.fill, spec.align) = ('0', Some('='));
    }
    convert(&value, kind, spec, escape)
}

/// Reads a width or a precision, which `*` takes from the arguments.
fn size(rest: &mut &[char], arguments: &mut Arguments<'_>) -> Result<Option<i128>> {
    if let ['*', tail @ ..] = rest {
        *rest = tail;
        let value = arguments.next()?;
        return value.as_int().map(Some).ok_or_else(|| Error::of_type("* wants int"));
    }
    Ok(take_number(rest)?.map(|number| number as i128))
}

fn convert(value: &Value, kind: char, mut spec: Spec, escape: bool) -> Result<String> {
    match kind {
        's' | 'r' | 'a' => {
            let text = match kind {
                's' if escape => escaped(&repr::to_text(value)),
                's' => repr::to_str(value),
                'r' => repr::repr(value),
                _ => repr::ascii(value),
            };
            spec.apply(&Value::str(text))
        }
        'c' => {
            let text = match value {
                Value::Str(text) if text.text.chars().count() == 1 => text.text.to_string(),
                Value::Int(_) | Value::Bool(_) => {
                    let c = u32::try_from(value.index()?).ok().and_then(char::from_u32);
                    c.ok_or_else(|| Error::value("%c arg not in range(0x110000)"))?.to_string()
                }
                _ => return Err(Error::of_type("%c requires int or char")),
            };
            spec.precision = None;
            spec.apply(&Value::str(text))
        }
        'd' | 'i' | 'u' | 'x' | 'X' | 'o' => {
            let number = to_int(value, kind)?;
            spec.kind = Some(if matches!(kind, 'i' | 'u') { 'd' } else { kind });
            // The precision is the smallest number of digits.
            let digits = spec.precision.take().unwrap_or(0);
            let plain = Spec { kind: spec.kind, ..Spec::default() }.int(number)?;
            let missing = digits.saturating_sub(plain.trim_start_matches('-').len());
            if missing == 0 {
                return spec.int(number);
            }
            check_size(missing)?;
            let sign = match (number < 0, spec.sign) {
                (true, _) => "-",
                (false, '+') => "+",
                (false, ' ') => " ",
                (false, _) => "",
            };
            let body = format!("{sign}{}{}", "0".repeat(missing), plain.trim_start_matches('-'));
            spec.kind = None;
            spec.apply(&Value::str(body))
        }
        'e' | 'E' | 'f' | 'F' | 'g' | 'G' => {
            let number = match value {
                Value::Undefined(missing) => return Err(missing.error()),
                _ => value.as_float().ok_or_else(|| {
                    Error::of_type(format!("must be real number, not {}", value.type_name()))
                })?,
            };
            spec.kind = Some(kind);
            spec.float(number)
        }
        other => Err(Error::value(format!("unsupported format character '{other}'"))),
    }
}

#[cfg(test)]
mod tests {
    use super::format;
    use crate::value::{Dict, Text, Value, repr};

    fn of(text: &str, args: &Value) -> String {
        let text = Text { text: text.into(), safe: false };
        format(&text, args)
            .map_or_else(|error| format!("error: {error}"), |made| repr::to_str(&made))
    }

    #[test]
    fn conversions_are_those_of_python() {
        let pair = Value::tuple(vec![Value::str("x"), Value::Int(3)]);
        assert_eq!(of("%s-%s", &pair), "x-3");
        assert_eq!(of("%r|%5d", &pair), "'x'|    3");
        assert_eq!(of("%-4s|%03d", &pair), "x   |003");
        assert_eq!(of("%.2f%%", &Value::Float(12.345)), "12.35%");
        assert_eq!(of("%x %s", &Value::tuple(vec![Value::Int(255), Value::None])), "ff None");
        assert_eq!(of("%s", &Value::list(vec![Value::Int(1)])), "[1]");
        assert_eq!(of("%d", &Value::Float(2.9)), "2");
        assert_eq!(of("%.3d", &Value::Int(-7)), "-007");
        let mut dict = Dict::default();
        dict.insert(Value::str("name"), Value::str("Ann"));
        assert_eq!(of("Hi %(name)s", &Value::dict(dict)), "Hi Ann");
        assert!(of("%s %s", &Value::str("x")).contains("not enough"));
        assert!(of("plain", &Value::str("x")).contains("not all"));
        assert!(of("%d", &Value::str("x")).contains("number is required"));
    }
}

//! The format specification of a value, such as `>8.2f`.

use crate::error::{Error, ErrorKind, Result};
use crate::operators::check_size;
use crate::value::number::{float_repr, truncated};
use crate::value::{Value, repr};

/// Most digits after the point.
const MAX_PRECISION: usize = 1 << 12;

/// A format specification.
#[derive(Debug, Clone)]
pub(crate) struct Spec {
    pub(crate) fill: char,
    pub(crate) align: Option<char>,
    pub(crate) sign: char,
    pub(crate) alternate: bool,
    pub(crate) width: usize,
    pub(crate) grouping: Option<char>,
    pub(crate) precision: Option<usize>,
    pub(crate) kind: Option<char>,
}

impl Default for Spec {
    fn default() -> Self {
        Self {
            fill: ' ',
            align: None,
            sign: '-',
            alternate: false,
            width: 0,
            grouping: None,
            precision: None,
            kind: None,
        }
    }
}

/// Takes digits from the front of a text.
pub(crate) fn take_number(chars: &mut &[char]) -> Result<Option<usize>> {
    let digits = chars.iter().take_while(|c| c.is_ascii_digit()).count();
    if digits == 0 {
        return Ok(None);
    }
    let text: String = chars[..digits].iter().collect();
    *chars = &chars[digits..];
    let number =
        text.parse().map_err(|_| Error::value("too many decimal digits in format string"))?;
    check_size(number)?;
    Ok(Some(number))
}

impl Spec {
    /// Parses the specification of `format`.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let mut spec = Self::default();
        let chars: Vec<char> = text.chars().collect();
        let mut rest = chars.as_slice();
        let is_align = |c: &char| matches!(c, '<' | '>' | '=' | '^');
        let mut filled = false;
        if let [fill, align, tail @ ..] = rest
            && is_align(align)
        {
            (spec.fill, spec.align, rest, filled) = (*fill, Some(*align), tail, true);
        } else if let [align, tail @ ..] = rest
            && is_align(align)
        {
            (spec.align, rest) = (Some(*align), tail);
        }
        let mut take = |allowed: &[char]| match rest {
            [c, tail @ ..] if allowed.contains(c) => {
                rest = tail;
                Some(*c)
            }
            _ => None,
        };
        spec.sign = take(&['+', '-', ' ']).unwrap_or('-');
        let _ = take(&['z']);
        spec.alternate = take(&['#']).is_some();
        if take(&['0']).is_some() {
            spec.fill = if filled { spec.fill } else { '0' };
            spec.align = spec.align.or(Some('='));
        }
        spec.width = take_number(&mut rest)?.unwrap_or(0);
        let mut take = |allowed: &[char]| match rest {
            [c, tail @ ..] if allowed.contains(c) => {
                rest = tail;
                Some(*c)
            }
            _ => None,
        };
        spec.grouping = take(&[',', '_']);
        if take(&['.']).is_some() {
            spec.precision = take_number(&mut rest)?;
            if spec.precision.is_none() {
                return Err(Error::value("format specifier missing precision"));
            }
        }
        match rest {
            [] => {}
            [kind] => spec.kind = Some(*kind),
            _ => return Err(Error::value(format!("invalid format specifier '{text}'"))),
        }
        Ok(spec)
    }

    /// Formats a value as Python's `format`.
    pub(crate) fn apply(&self, value: &Value) -> Result<String> {
        match value {
            Value::Str(text) => self.text(text.as_str()),
            Value::Bool(_) | Value::Int(_) => {
                let number = value.index()?;
                match self.kind {
                    Some('e' | 'E' | 'f' | 'F' | 'g' | 'G' | '%') => self.float(number as f64),
                    _ => self.int(number),
                }
            }
            Value::Float(number) => self.float(*number),
            _ => {
                let of = value.type_name();
                Err(Error::of_type(format!("unsupported format string passed to {of}.__format__")))
            }
        }
    }

    fn unknown(&self, of: &str) -> Error {
        let kind = self.kind.unwrap_or(' ');
        Error::value(format!("unknown format code '{kind}' for object of type '{of}'"))
    }

    fn text(&self, text: &str) -> Result<String> {
        if !matches!(self.kind, None | Some('s')) {
            return Err(self.unknown("str"));
        }
        if self.align == Some('=') && self.fill != '0' {
            return Err(Error::value("'=' alignment not allowed in string format specifier"));
        }
        let text: String = match self.precision {
            Some(precision) => text.chars().take(precision).collect(),
            None => text.to_owned(),
        };
        let align = self.align.filter(|align| *align != '=').unwrap_or('<');
        self.padded("", &text, align)
    }

    pub(crate) fn int(&self, value: i128) -> Result<String> {
        if self.precision.is_some() {
            return Err(Error::value("precision not allowed in integer format specifier"));
        }
        let magnitude = value.unsigned_abs();
        let (prefix, digits, group) = match self.kind {
            None | Some('d' | 'n') => ("", magnitude.to_string(), 3),
            Some('x') => ("0x", format!("{magnitude:x}"), 4),
            Some('X') => ("0X", format!("{magnitude:X}"), 4),
            Some('o') => ("0o", format!("{magnitude:o}"), 4),
            Some('b') => ("0b", format!("{magnitude:b}"), 4),
            Some('c') => {
                let c = u32::try_from(value).ok().and_then(char::from_u32);
                let c = c.ok_or_else(|| Error::value("%c arg not in range(0x110000)"))?;
                return self.padded("", &c.to_string(), self.align.unwrap_or('>'));
            }
            Some(_) => return Err(self.unknown("int")),
        };
        let prefix = if self.alternate { prefix } else { "" };
        let sign = self.sign_of(value < 0);
        self.number(&format!("{sign}{prefix}"), &digits, "", group)
    }

    pub(crate) fn float(&self, value: f64) -> Result<String> {
        let precision = self.precision.unwrap_or(6);
        if precision > MAX_PRECISION {
            return Err(Error::limit(format!(
                "a precision of {precision}, expected at most {MAX_PRECISION}"
            )));
        }
        let magnitude = value.abs();
        let digits = match self.kind {
            _ if !value.is_finite() => {
                let text = if value.is_nan() { "nan" } else { "inf" };
                let upper = matches!(self.kind, Some('E' | 'F' | 'G'));
                let percent = if self.kind == Some('%') { "%" } else { "" };
                format!("{}{percent}", if upper { text.to_uppercase() } else { text.to_owned() })
            }
            None => match self.precision {
                None => float_repr(magnitude),
                Some(precision) => general(magnitude, precision, false, true),
            },
            Some('f' | 'F') => fixed(magnitude, precision, self.alternate),
            Some('%') => fixed(magnitude * 100.0, precision, self.alternate) + "%",
            Some('e') => exponent(magnitude, precision, self.alternate),
            Some('E') => exponent(magnitude, precision, self.alternate).to_uppercase(),
            Some('g' | 'n') => general(magnitude, precision, self.alternate, false),
            Some('G') => general(magnitude, precision, self.alternate, false).to_uppercase(),
            Some(_) => return Err(self.unknown("float")),
        };
        let whole = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
        let sign = self.sign_of(value.is_sign_negative() && !value.is_nan());
        self.number(sign, &digits[..whole], &digits[whole..], 3)
    }

    fn sign_of(&self, negative: bool) -> &'static str {
        match (negative, self.sign) {
            (true, _) => "-",
            (false, '+') => "+",
            (false, ' ') => " ",
            (false, _) => "",
        }
    }

    /// Joins a sign, the digits before the point with their separators, and the rest.
    fn number(&self, sign: &str, whole: &str, rest: &str, group: usize) -> Result<String> {
        let mut digits = whole.to_owned();
        if self.grouping.is_some() && self.align == Some('=') && self.fill == '0' {
            // The zeros that fill the width get separators as well.
            let room = self.width.saturating_sub(sign.len() + rest.len());
            check_size(room)?;
            let with_separators = |count: usize| count + count.saturating_sub(1) / group;
            let mut count = digits.len().max(room / (group + 1) * group);
            while with_separators(count) < room {
                count += 1;
            }
            digits.insert_str(0, &"0".repeat(count - digits.len()));
        }
        let text = self.grouped(&digits, group);
        self.padded(sign, &(text + rest), self.align.unwrap_or('>'))
    }

    fn grouped(&self, digits: &str, group: usize) -> String {
        let Some(separator) = self.grouping else { return digits.to_owned() };
        let mut out = String::new();
        for (index, c) in digits.chars().enumerate() {
            if index > 0 && (digits.len() - index).is_multiple_of(group) {
                out.push(separator);
            }
            out.push(c);
        }
        out
    }

    fn padded(&self, sign: &str, text: &str, align: char) -> Result<String> {
        let len = sign.chars().count() + text.chars().count();
        let missing = self.width.saturating_sub(len);
        check_size(missing.saturating_mul(self.fill.len_utf8()))?;
        let filling = |count: usize| std::iter::repeat_n(self.fill, count).collect::<String>();
        Ok(match align {
            '<' => format!("{sign}{text}{}", filling(missing)),
            '^' => {
                let left = missing / 2;
                format!("{}{sign}{text}{}", filling(left), filling(missing - left))
            }
            '=' => format!("{sign}{}{text}", filling(missing)),
            _ => format!("{}{sign}{text}", filling(missing)),
        })
    }
}

fn fixed(value: f64, precision: usize, alternate: bool) -> String {
    let point = if alternate && precision == 0 { "." } else { "" };
    format!("{value:.precision$}{point}")
}

fn exponent(value: f64, precision: usize, alternate: bool) -> String {
    let text = format!("{value:.precision$e}");
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let power: i32 = exponent.parse().unwrap_or(0);
    let sign = if power < 0 { '-' } else { '+' };
    let point = if alternate && precision == 0 { "." } else { "" };
    format!("{mantissa}{point}e{sign}{:02}", power.unsigned_abs())
}

/// The shorter of both notations, without zeros at the end; `point` keeps one digit after the point.
fn general(value: f64, precision: usize, alternate: bool, point: bool) -> String {
    let precision = precision.max(1);
    let scientific = format!("{value:.*e}", precision - 1);
    let power = scientific.split_once('e').and_then(|(_, power)| power.parse::<i64>().ok());
    let power = power.unwrap_or(0);
    if (-4..precision as i64).contains(&power) {
        let decimals = (precision as i64 - 1 - power).max(0) as usize;
        let text = fixed(value, decimals, false);
        let text = if alternate { text } else { without_zeros(&text).to_owned() };
        return if point && !text.contains('.') { text + ".0" } else { text };
    }
    let text = exponent(value, precision - 1, alternate);
    match text.split_once('e') {
        Some((mantissa, power)) if !alternate => format!("{}e{power}", without_zeros(mantissa)),
        _ => text,
    }
}

fn without_zeros(text: &str) -> &str {
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { text }
}

/// Python's `format(value, spec)`.
pub(crate) fn format_value(value: &Value, spec: &str) -> Result<String> {
    if spec.is_empty() {
        return Ok(repr::to_str(value));
    }
    Spec::parse(spec)?.apply(value)
}

/// The integer of a conversion such as `%d`.
pub(crate) fn to_int(value: &Value, kind: char) -> Result<i128> {
    match value {
        Value::Float(number) if matches!(kind, 'd' | 'i' | 'u') => truncated(*number),
        Value::Undefined(missing) => Err(missing.error()),
        _ => value.as_int().ok_or_else(|| {
            let of = value.type_name();
            Error::new(ErrorKind::Type, format!("%{kind} format: a number is required, not {of}"))
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::format_value;
    use crate::value::Value;

    #[test]
    fn numbers_are_formatted_as_python_does() {
        for (value, spec, expected) in [
            (Value::Float(2.71649), ".2f", "2.72"),
            (Value::Float(1234.5), ",.1f", "1,234.5"),
            (Value::Float(0.25), ".0%", "25%"),
            (Value::Float(1e-7), "g", "1e-07"),
            (Value::Float(100_000.0), "g", "100000"),
            (Value::Float(1_000_000.0), "g", "1e+06"),
            (Value::Float(1.0), ".3", "1.0"),
            (Value::Float(12345.678), "e", "1.234568e+04"),
            (Value::Int(42), "05d", "00042"),
            (Value::Int(-42), "05", "-0042"),
            (Value::Int(255), "#x", "0xff"),
            (Value::Int(1234), "010,", "00,001,234"),
            (Value::Int(7), "+", "+7"),
            (Value::Int(7), "^5", "  7  "),
            (Value::Bool(true), "d", "1"),
            (Value::str("ab"), "*^6", "**ab**"),
            (Value::str("abc"), ".2", "ab"),
            (Value::str("ab"), ">4", "  ab"),
        ] {
            assert_eq!(format_value(&value, spec).expect(spec), expected, "{spec}");
        }
        assert!(format_value(&Value::str("a"), "d").is_err());
        assert!(format_value(&Value::None, ">3").is_err());
        assert!(format_value(&Value::Int(1), "99999999999d").is_err());
    }
}

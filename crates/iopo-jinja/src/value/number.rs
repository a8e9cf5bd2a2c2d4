//! Numbers as Python reads and writes them.

use super::short;
use crate::budget;
use crate::error::{Error, ErrorKind, Result};
use crate::unicode::{decimal, is_space};

/// Maximum number of digits of an integer that Python parses.
const MAX_DIGITS: usize = 4300;

/// Python's `repr` of a float: the shortest digits that read back as the same number.
pub(crate) fn float_repr(value: f64) -> String {
    if value.is_nan() {
        return "nan".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "inf" } else { "-inf" }.to_owned();
    }
    let scientific = format!("{value:e}");
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..16).contains(&exponent) {
        let plain = format!("{value}");
        return if plain.contains('.') { plain } else { format!("{plain}.0") };
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}e{sign}{:02}", exponent.unsigned_abs())
}

/// The error for an integer that Python can represent and this crate cannot.
pub(crate) fn too_large() -> Error {
    let reason = "found an integer beyond 127 bits, expected one from -2**127 to 2**127 - 1";
    Error::new(ErrorKind::Unsupported, reason)
}

/// Python's `int(text, base)`.
pub(crate) fn parse_int(text: &str, base: i128) -> Result<i128> {
    let invalid =
        || Error::value(format!("invalid literal for int() with base {base}: {:?}", short(text)));
    if base != 0 && !(2..=36).contains(&base) {
        return Err(Error::value("int() base must be >= 2 and <= 36, or 0"));
    }
    budget::charge(text.len() / 32)?;
    let trimmed = text.trim_matches(is_space);
    let (negative, digits) = match trimmed.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, trimmed.strip_prefix('+').unwrap_or(trimmed)),
    };
    let digits: String = digits
        .chars()
        .map(|c| decimal(c).map_or(c, ascii_digit))
        .collect::<String>()
        .to_lowercase();
    let prefixes = [("0x", 16), ("0o", 8), ("0b", 2)];
    let prefix = prefixes
        .iter()
        .find(|(prefix, radix)| digits.starts_with(prefix) && (base == 0 || base == *radix));
    let (radix, body) = match prefix {
        Some((prefix, radix)) => {
            let body = &digits[prefix.len()..];
            (*radix, body.strip_prefix('_').unwrap_or(body))
        }
        None => (if base == 0 { 10 } else { base }, digits.as_str()),
    };
    let underscores = body.starts_with('_') || body.ends_with('_') || body.contains("__");
    if body.is_empty() || underscores || body.starts_with(['+', '-']) {
        return Err(invalid());
    }
    let body = body.replace('_', "");
    if radix as u32 > 36 || body.chars().any(|c| !c.is_digit(radix as u32)) {
        return Err(invalid());
    }
    if body.len() > MAX_DIGITS && !(radix as u32).is_power_of_two() {
        return Err(Error::value(format!(
            "found {} digits of an integer, expected at most {MAX_DIGITS}",
            body.len()
        )));
    }
    let sign = if negative { "-" } else { "" };
    i128::from_str_radix(&format!("{sign}{body}"), radix as u32).map_err(|_| too_large())
}

/// Python's `float(text)`.
pub(crate) fn parse_float(text: &str) -> Result<f64> {
    let invalid = || Error::value(format!("could not convert string to float: {:?}", short(text)));
    budget::charge(text.len() / 32)?;
    let trimmed = text.trim_matches(is_space);
    let plain: String = trimmed.chars().map(|c| decimal(c).map_or(c, ascii_digit)).collect();
    let lower = plain.to_lowercase();
    let word = lower.trim_start_matches(['+', '-']);
    if matches!(word, "nan" | "inf" | "infinity") {
        let value = if word == "nan" { f64::NAN } else { f64::INFINITY };
        return match (lower.len() - word.len(), lower.starts_with('-')) {
            (1, true) => Ok(-value),
            (0 | 1, _) => Ok(value),
            _ => Err(invalid()),
        };
    }
    let chars: Vec<char> = plain.chars().collect();
    let digit = |at: Option<&char>| at.is_some_and(char::is_ascii_digit);
    for (at, c) in chars.iter().enumerate() {
        let allowed = match c {
            '_' => at > 0 && digit(chars.get(at - 1)) && digit(chars.get(at + 1)),
            '0'..='9' | '.' | 'e' | 'E' | '+' | '-' => true,
            _ => false,
        };
        if !allowed {
            return Err(invalid());
        }
    }
    plain.replace('_', "").parse().map_err(|_| invalid())
}

fn ascii_digit(digit: u32) -> char {
    char::from_digit(digit, 10).unwrap_or('0')
}

/// Python's `round(value, digits)` of a float: half to even, on the exact binary value.
pub(crate) fn round_float(value: f64, digits: i128) -> f64 {
    if !value.is_finite() || digits > 300 {
        return value;
    }
    if digits < -310 {
        return 0.0_f64.copysign(value);
    }
    if digits >= 0 {
        return format!("{value:.*}", digits as usize).parse().unwrap_or(value);
    }
    // The exact digits before the point. The dropped digits and the fraction decide the rounding.
    let whole = format!("{:.0}", value.trunc().abs());
    let (head, tail) = whole.split_at(whole.len().saturating_sub(digits.unsigned_abs() as usize));
    let half = format!("{:0<width$}", "5", width = digits.unsigned_abs() as usize);
    let tail = format!("{tail:0>width$}", width = half.len());
    let odd = head.ends_with(['1', '3', '5', '7', '9']);
    let up = tail > half || (tail == half && (value.fract() != 0.0 || odd));
    let head = if up { next(head) } else { head.to_owned() };
    let rounded = format!("{head}e{}", half.len()).parse::<f64>().unwrap_or(0.0);
    rounded.copysign(value)
}

/// The decimal digits of the number plus one.
fn next(digits: &str) -> String {
    let kept = digits.trim_end_matches('9');
    let zeros = "0".repeat(digits.len() - kept.len());
    match kept.chars().next_back().and_then(|last| last.to_digit(10)) {
        Some(last) => format!("{}{}{zeros}", &kept[..kept.len() - 1], last + 1),
        None => format!("1{zeros}"),
    }
}

/// Python's `round(value, digits)` of an integer with negative digits: half to even.
pub(crate) fn round_int(value: i128, digits: i128) -> i128 {
    if digits >= 0 {
        return value;
    }
    let power = digits
        .checked_neg()
        .and_then(|power| u32::try_from(power).ok())
        .and_then(|power| 10_i128.checked_pow(power));
    let Some(unit) = power else { return 0 };
    let (quotient, rest) = (value.div_euclid(unit), value.rem_euclid(unit));
    let up = match rest.cmp(&(unit - rest)) {
        std::cmp::Ordering::Less => false,
        std::cmp::Ordering::Greater => true,
        std::cmp::Ordering::Equal => quotient % 2 != 0,
    };
    (quotient + i128::from(up)).saturating_mul(unit)
}

/// A float without its fraction, or the error of Python's `int`.
pub(crate) fn truncated(value: f64) -> Result<i128> {
    if value.is_nan() {
        return Err(Error::value("cannot convert float NaN to integer"));
    }
    if value.is_infinite() {
        let kind = ErrorKind::Arithmetic;
        return Err(Error::new(kind, "cannot convert float infinity to integer"));
    }
    let whole = value.trunc() as i128;
    // The conversion saturates.
    if matches!(whole, i128::MAX | i128::MIN) { Err(too_large()) } else { Ok(whole) }
}

#[cfg(test)]
mod tests {
    use super::{float_repr, parse_float, parse_int, round_float, round_int};

    #[test]
    fn floats_are_written_as_python_does() {
        for (value, expected) in [
            (1.0, "1.0"),
            (0.1, "0.1"),
            (-0.0, "-0.0"),
            (1e20, "1e+20"),
            (1e16, "1e+16"),
            (123_456_789_012_345.0, "123456789012345.0"),
            (1e-5, "1e-05"),
            (0.0001, "0.0001"),
            (1.5e300, "1.5e+300"),
            (f64::NEG_INFINITY, "-inf"),
        ] {
            assert_eq!(float_repr(value), expected);
        }
    }

    #[test]
    fn numbers_are_read_as_python_does() {
        for (text, base, expected) in [
            (" 42 ", 10, 42),
            ("0x1f", 16, 31),
            ("0b11", 0, 3),
            ("-1_000", 10, -1000),
            ("٣", 10, 3),
        ] {
            assert_eq!(parse_int(text, base).expect(text), expected);
        }
        for text in ["", "4.2", "0x1f", "1__0", "_1", "--1"] {
            assert!(parse_int(text, 10).is_err(), "{text}");
        }
        assert!((parse_float(" 1_0.5e1 ").expect("a float") - 105.0).abs() < 1e-12);
        assert!(parse_float("-inf").expect("infinity") < 0.0);
        assert!(parse_float("1,5").is_err());
    }

    #[test]
    fn halves_round_to_even() {
        assert!((round_float(2.5, 0) - 2.0).abs() < 1e-12);
        assert!((round_float(2.675, 2) - 2.67).abs() < 1e-12);
        for (value, digits, expected) in [
            (14.6, -1, 10.0),
            (15.0, -1, 20.0),
            (25.0, -1, 20.0),
            (25.1, -1, 30.0),
            (-995.0, -1, -1000.0),
            (999.0, -3, 1000.0),
            (4.0, -1, 0.0),
            (1e23, -22, 1e23),
        ] {
            let found: f64 = round_float(value, digits);
            assert!((found - expected).abs() < 1e-12, "{value} {digits}: {found}");
        }
        assert_eq!((round_int(15, -1), round_int(25, -1), round_int(-15, -1)), (20, 20, -20));
    }
}

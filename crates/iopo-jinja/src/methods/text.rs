//! The methods of strings.

use std::rc::Rc;

use super::{case, search, split, unknown};
use crate::args::{Args, given, int_or, required};
use crate::budget;
use crate::error::{Error, ErrorKind, Result};
use crate::format::brace;
use crate::machine::Machine;
use crate::operators::check_size;
use crate::unicode::is_space;
use crate::value::{Dict, Text, Value, iterate};

pub(super) fn call(machine: &Machine<'_>, own: &Text, name: &str, args: Args) -> Result<Value> {
    let text = own.as_str();
    let marked = |text: &str| Ok(Value::marked(text, own.safe));
    if let Some(converted) = case::converted(text, name) {
        args.none(name)?;
        return marked(&converted);
    }
    if let Some(holds) = case::is(text, name) {
        args.none(name)?;
        return Ok(Value::Bool(holds));
    }
    match name {
        "find" | "rfind" | "index" | "rindex" | "count" | "startswith" | "endswith" | "replace" => {
            search::call(own, name, args)
        }
        "split" | "rsplit" | "splitlines" | "partition" | "rpartition" | "join" => {
            split::call(own, name, args)
        }
        "strip" | "lstrip" | "rstrip" => {
            let [chars] = args.bind(name, ["chars"])?;
            let chars = given(chars);
            let chars = chars.as_ref().map(|chars| chars.text(name)).transpose()?;
            let part = stripped(text, chars, name != "rstrip", name != "lstrip");
            marked(part)
        }
        "removeprefix" | "removesuffix" => {
            let [affix] = args.bind(name, ["affix"])?;
            let affix = required(affix, name, "affix")?;
            let affix = affix.text(name)?;
            let rest = if name == "removeprefix" {
                text.strip_prefix(affix)
            } else {
                text.strip_suffix(affix)
            };
            marked(rest.unwrap_or(text))
        }
        "center" | "ljust" | "rjust" => {
            let [width, fill] = args.bind(name, ["width", "fillchar"])?;
            let width = required(width, name, "width")?.index()?;
            let fill = match &fill {
                Some(fill) => fill.text(name)?,
                None => " ",
            };
            let mut chars = fill.chars();
            let (Some(fill), None) = (chars.next(), chars.next()) else {
                return Err(Error::of_type(
                    "the fill character must be exactly one character long",
                ));
            };
            marked(&justified(text, width, fill, name)?)
        }
        "zfill" => {
            let [width] = args.bind(name, ["width"])?;
            let width = required(width, name, "width")?.index()?;
            let sign = usize::from(text.starts_with(['+', '-']));
            let zeros = padding(text, width)?;
            marked(&format!("{}{}{}", &text[..sign], "0".repeat(zeros), &text[sign..]))
        }
        "expandtabs" => {
            let [size] = args.bind(name, ["tabsize"])?;
            marked(&expanded(text, int_or(size.as_ref(), 8)?)?)
        }
        "format" => brace::format(machine, own, &args),
        "format_map" => {
            let [mapping] = args.bind(name, ["mapping"])?;
            let Some(Value::Dict(mapping)) = mapping else {
                return Err(Error::of_type("format_map() takes one mapping"));
            };
            let named = mapping
                .iter()
                .filter_map(|(key, value)| Some((key.as_text()?.into(), value.clone())))
                .collect();
            brace::format(machine, own, &Args { positional: Vec::new(), named })
        }
        "encode" => {
            let [encoding, errors] = args.bind(name, ["encoding", "errors"])?;
            encoded(text, encoding.as_ref(), errors.as_ref())
        }
        "translate" => {
            let [table] = args.bind(name, ["table"])?;
            translated(own, &required(table, name, "table")?)
        }
        "maketrans" => translation(args),
        _ => Err(unknown(&Value::Str(own.clone()), name)),
    }
}

/// Strips whitespace, or characters of a set.
pub(crate) fn stripped<'t>(text: &'t str, chars: Option<&str>, left: bool, right: bool) -> &'t str {
    // Many characters are looked up in a sorted list.
    let many = chars.filter(|chars| chars.len() > 16).map(|chars| {
        let mut chars: Vec<char> = chars.chars().collect();
        chars.sort_unstable();
        chars
    });
    let drop = |c: char| match (&many, chars) {
        (Some(sorted), _) => sorted.binary_search(&c).is_ok(),
        (None, Some(chars)) => chars.contains(c),
        (None, None) => is_space(c),
    };
    let text = if left { text.trim_start_matches(drop) } else { text };
    if right { text.trim_end_matches(drop) } else { text }
}

/// The number of characters that fill a text up to a width.
fn padding(text: &str, width: i128) -> Result<usize> {
    let missing = width.saturating_sub(text.chars().count() as i128).max(0);
    let missing = usize::try_from(missing).unwrap_or(usize::MAX);
    check_size(missing.saturating_mul(4))?;
    Ok(missing)
}

/// Fills a text up to a width.
pub(crate) fn justified(text: &str, width: i128, fill: char, method: &str) -> Result<String> {
    let missing = padding(text, width)?;
    let left = match method {
        "ljust" => 0,
        "rjust" => missing,
        _ => missing / 2 + (missing & (width.max(0) as usize) & 1),
    };
    let filling = |count: usize| std::iter::repeat_n(fill, count).collect::<String>();
    Ok(format!("{}{text}{}", filling(left), filling(missing - left)))
}

fn expanded(text: &str, size: i128) -> Result<String> {
    let tabs = text.matches('\t').count();
    let size = usize::try_from(size.max(0)).unwrap_or(usize::MAX);
    check_size(text.len().saturating_add(tabs.saturating_mul(size)))?;
    let mut out = String::with_capacity(text.len());
    let mut column = 0;
    for c in text.chars() {
        if c == '\t' {
            let spaces = if size == 0 { 0 } else { size - column % size };
            out.extend(std::iter::repeat_n(' ', spaces));
            column += spaces;
        } else {
            out.push(c);
            column = if matches!(c, '\n' | '\r') { 0 } else { column + 1 };
        }
    }
    Ok(out)
}

/// The name of an encoding without case and separators.
fn encoding_name(encoding: Option<&Value>, of: &str) -> Result<String> {
    match encoding {
        None => Ok("utf8".to_owned()),
        Some(encoding) => Ok(encoding.text(of)?.to_lowercase().replace(['-', '_'], "")),
    }
}

fn encoded(text: &str, encoding: Option<&Value>, errors: Option<&Value>) -> Result<Value> {
    let name = encoding_name(encoding, "encode")?;
    let limit = match name.as_str() {
        "utf8" | "u8" => return Ok(Value::Bytes(Rc::from(text.as_bytes()))),
        "ascii" | "usascii" => 0x80,
        "latin1" | "iso88591" | "l1" => 0x100,
        _ => {
            let reason = format!("encode() to {name}, expected utf-8, ascii or latin-1");
            return Err(Error::new(ErrorKind::Unsupported, reason));
        }
    };
    let errors = errors.map_or(Ok("strict"), |errors| errors.text("encode"))?;
    let mut bytes = Vec::with_capacity(text.len());
    for c in text.chars() {
        match (c as u32, errors) {
            (code, _) if code < limit => bytes.push(code as u8),
            (_, "ignore") => {}
            (_, "replace") => bytes.push(b'?'),
            (code, "xmlcharrefreplace") => bytes.extend(format!("&#{code};").bytes()),
            (_, "backslashreplace") => {
                let mut escape = String::new();
                crate::value::repr::escape(&mut escape, c);
                bytes.extend(escape.bytes());
            }
            _ => return Err(Error::value(format!("'{name}' codec can't encode character {c:?}"))),
        }
        check_size(bytes.len())?;
    }
    Ok(Value::Bytes(Rc::from(bytes)))
}

/// The methods of bytes.
pub(super) fn call_bytes(bytes: &[u8], name: &str, args: Args) -> Result<Value> {
    if name == "hex" {
        args.none("hex")?;
        let digit = |value: u8| char::from_digit(u32::from(value), 16).unwrap_or('0');
        let digits = bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]);
        return Ok(Value::str(digits.collect::<String>()));
    }
    let [encoding, errors] = args.bind("decode", ["encoding", "errors"])?;
    let encoding = encoding_name(encoding.as_ref(), "decode")?;
    let strict = errors.as_ref().is_none_or(|errors| errors.as_text() == Some("strict"));
    match encoding.as_str() {
        "latin1" | "iso88591" | "l1" => {
            Ok(Value::str(bytes.iter().map(|byte| char::from(*byte)).collect::<String>()))
        }
        "utf8" | "u8" | "ascii" | "usascii" => match std::str::from_utf8(bytes) {
            Ok(text) if text.is_ascii() || !encoding.contains("ascii") => Ok(Value::str(text)),
            Err(_) if !strict => Ok(Value::str(String::from_utf8_lossy(bytes))),
            _ => Err(Error::value(format!("'{encoding}' codec can't decode the bytes"))),
        },
        _ => {
            let reason = format!("decode() from {encoding}, expected utf-8, ascii or latin-1");
            Err(Error::new(ErrorKind::Unsupported, reason))
        }
    }
}

fn translated(own: &Text, table: &Value) -> Result<Value> {
    let Value::Dict(table) = table else {
        return Err(Error::of_type("translate() needs a table of str.maketrans"));
    };
    let mut out = String::with_capacity(own.text.len());
    for c in own.text.chars() {
        budget::work(1)?;
        match table.get(&Value::Int(i128::from(c as u32))) {
            None => out.push(c),
            Some(Value::None) => {}
            Some(Value::Str(text)) => out.push_str(text.as_str()),
            Some(value) => {
                let code = u32::try_from(value.index()?).ok().and_then(char::from_u32);
                out.push(code.ok_or_else(|| Error::value("character mapping out of range"))?);
            }
        }
        check_size(out.len())?;
    }
    Ok(Value::marked(out, own.safe))
}

/// `str.maketrans`.
fn translation(args: Args) -> Result<Value> {
    let [x, y, z] = args.bind("maketrans", ["x", "y", "z"])?;
    let x = required(x, "maketrans", "x")?;
    let mut table = Dict::default();
    let code = |value: &Value| -> Result<Value> {
        match value {
            Value::Str(text) if text.text.chars().count() == 1 => {
                Ok(Value::Int(i128::from(text.text.chars().next().map_or(0, |c| c as u32))))
            }
            Value::Str(_) => {
                Err(Error::value("string keys in translate table must be of length 1"))
            }
            _ => value.index().map(Value::Int),
        }
    };
    match y {
        None => {
            let Value::Dict(mapping) = &x else {
                return Err(Error::of_type("maketrans() with one argument needs a dict"));
            };
            for (key, value) in mapping.iter() {
                table.insert(code(key)?, value.clone());
            }
        }
        Some(y) => {
            let (from, to) = (iterate::items(&x)?, iterate::items(&y)?);
            if from.len() != to.len() {
                return Err(Error::value(
                    "the first two maketrans arguments must have equal length",
                ));
            }
            for (from, to) in from.iter().zip(&to) {
                table.insert(code(from)?, code(to)?);
            }
            for dropped in z.as_ref().map_or(Ok(Vec::new()), iterate::items)? {
                table.insert(code(&dropped)?, Value::None);
            }
        }
    }
    Ok(Value::dict(table))
}

//! Normalization of answers, and string functions of Python.

use std::borrow::Cow;

use icu_normalizer::ComposingNormalizerBorrowed;

/// Normalizes to NFKC: full-width letters, digits and marks become their common forms.
pub(crate) fn nfkc(text: &str) -> Cow<'_, str> {
    ComposingNormalizerBorrowed::new_nfkc().normalize(text)
}

/// Normalizes to NFKC, then replaces curly quotes, lenticular brackets, the enumeration comma and the round zero.
pub(crate) fn normalize(text: &str) -> String {
    nfkc(text)
        .chars()
        .map(|c| match c {
            '“' | '”' | '„' => '"',
            '‘' | '’' => '\'',
            '【' => '[',
            '】' => ']',
            '、' => ',',
            '〇' => '零',
            other => other,
        })
        .collect()
}

/// Drops the lines of code fences.
pub(crate) fn without_fences(text: &str) -> Cow<'_, str> {
    if !text.contains("```") {
        return Cow::Borrowed(text);
    }
    let is_fence = |line: &str| {
        line.trim().strip_prefix("```").is_some_and(|word| word.chars().all(char::is_alphanumeric))
    };
    let kept: Vec<&str> = text.split('\n').filter(|line| !is_fence(line)).collect();
    Cow::Owned(kept.join("\n"))
}

/// Returns the two halves of a text around the last match of a pattern.
pub(crate) fn after_last<'a>(text: &'a str, pattern: &str) -> Option<&'a str> {
    text.rfind(pattern).map(|at| &text[at + pattern.len()..])
}

/// Whether two numbers are equal.
#[expect(clippy::float_cmp, reason = "judges write whole numbers, which are exact")]
pub(crate) fn same(left: f64, right: f64) -> bool {
    left == right
}

/// `str.isspace` of one character.
pub(crate) fn is_space(c: char) -> bool {
    c.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&c)
}

/// `str.strip`.
pub(crate) fn strip(text: &str) -> &str {
    text.trim_matches(is_space)
}

/// `str.split` without arguments.
pub(crate) fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(is_space).filter(|word| !word.is_empty())
}

/// `str.islower`.
pub(crate) fn is_lower(text: &str) -> bool {
    let is_title = |c: char| {
        !c.is_lowercase()
            && !c.to_lowercase().eq(std::iter::once(c))
            && !c.to_uppercase().eq(std::iter::once(c))
    };
    text.chars().any(char::is_lowercase) && !text.chars().any(|c| c.is_uppercase() || is_title(c))
}

/// `str.isnumeric` of one character, which includes Chinese numerals.
pub(crate) fn is_numeric(c: char) -> bool {
    const IDEOGRAPHS: &str = "㐅㒃㠪㭍一七万三九二五亖亿什仟仨伍佰億兆兩八六十千卄卅卌叁参參叄四壱壹幺廾廿弌弍弎弐拾捌柒漆玖百肆萬貮貳贰阡陆陌陸\
零\u{f96b}\u{f973}\u{f978}\u{f9b2}\u{f9d1}\u{f9d3}\u{f9fd}𠀁𠁤𠃢𠄡𠤪𠦃𠦌𠦜𠫪𠫽𠬙𢎐𢦘𣬛𦉭\u{2f890}";
    c.is_numeric() || IDEOGRAPHS.contains(c)
}

/// `float` of a text.
pub(crate) fn float(text: &str) -> Option<f64> {
    let text = strip(text);
    let digits: Vec<char> = text
        .chars()
        .map(|c| decimal(c).and_then(|value| char::from_digit(value, 10)).unwrap_or(c))
        .collect();
    let at = |index: Option<usize>| index.and_then(|index| digits.get(index));
    let is_digit = |c: Option<&char>| c.is_some_and(char::is_ascii_digit);
    let mut plain = String::with_capacity(digits.len());
    for (index, &c) in digits.iter().enumerate() {
        if c == '_' {
            if !is_digit(at(index.checked_sub(1))) || !is_digit(at(index.checked_add(1))) {
                return None;
            }
        } else {
            plain.push(c);
        }
    }
    plain.parse().ok()
}

/// Whether a character is a `\d` of Python.
pub(crate) fn is_decimal(c: char) -> bool {
    decimal(c).is_some()
}

/// The value of a decimal digit of any script.
fn decimal(c: char) -> Option<u32> {
    const ZEROS: [u32; 66] = [
        0x30, 0x660, 0x6f0, 0x7c0, 0x966, 0x9e6, 0xa66, 0xae6, 0xb66, 0xbe6, 0xc66, 0xce6, 0xd66,
        0xde6, 0xe50, 0xed0, 0xf20, 0x1040, 0x1090, 0x17e0, 0x1810, 0x1946, 0x19d0, 0x1a80, 0x1a90,
        0x1b50, 0x1bb0, 0x1c40, 0x1c50, 0xa620, 0xa8d0, 0xa900, 0xa9d0, 0xa9f0, 0xaa50, 0xabf0,
        0xff10, 0x104a0, 0x10d30, 0x11066, 0x110f0, 0x11136, 0x111d0, 0x112f0, 0x11450, 0x114d0,
        0x11650, 0x116c0, 0x11730, 0x118e0, 0x11950, 0x11c50, 0x11d50, 0x11da0, 0x16a60, 0x16ac0,
        0x16b50, 0x1d7ce, 0x1d7d8, 0x1d7e2, 0x1d7ec, 0x1d7f6, 0x1e140, 0x1e2f0, 0x1e950, 0x1fbf0,
    ];
    let code = u32::from(c);
    let zero = ZEROS[ZEROS.partition_point(|&zero| zero <= code).checked_sub(1)?];
    (code - zero < 10).then_some(code - zero)
}

/// Parses a Python list of quoted strings. Anything else, such as an expression, is refused; no text is ever evaluated.
pub(crate) fn string_list(text: &str) -> Option<Vec<String>> {
    let mut rest = text.strip_prefix('[')?.trim_start_matches(is_space);
    let mut items = Vec::new();
    while !rest.starts_with(']') {
        let (item, after) = quoted(rest)?;
        items.push(item);
        rest = after.trim_start_matches(is_space);
        match rest.strip_prefix(',') {
            Some(after) => rest = after.trim_start_matches(is_space),
            None if rest.starts_with(']') => {}
            None => return None,
        }
    }
    (rest == "]").then_some(items)
}

/// Reads a quoted string with common escapes and returns it with the rest of the text.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut chars = text.char_indices();
    let (_, quote) = chars.next().filter(|&(_, c)| c == '\'' || c == '"')?;
    let mut value = String::new();
    while let Some((at, c)) = chars.next() {
        match c {
            '\n' => return None,
            '\\' => value.push(match chars.next()?.1 {
                'n' => '\n',
                't' => '\t',
                c @ ('\\' | '\'' | '"') => c,
                _ => return None,
            }),
            c if c == quote => return Some((value, &text[at + 1..])),
            c => value.push(c),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_python_reads_them() {
        for (text, value) in [
            (" 1\n", 1.0),
            ("１", 1.0),
            ("٣", 3.0),
            ("1_0", 10.0),
            ("-0", 0.0),
            ("+.5", 0.5),
            ("1.", 1.0),
            ("1e2", 100.0),
        ] {
            assert_eq!(float(text), Some(value), "{text}");
        }
        assert!(float("nan").is_some_and(f64::is_nan));
        for text in ["", "一", "_1", "1_", "1__0", ".", "1 0", "0x1", "是", "1,0"] {
            assert_eq!(float(text), None, "{text}");
        }
    }

    #[test]
    fn only_lists_of_strings_are_read() {
        let list = |text| string_list(text);
        assert_eq!(list("['a', \"b\" ,]"), Some(vec!["a".into(), "b".into()]));
        assert_eq!(list("[ ]"), Some(Vec::new()));
        assert_eq!(list(r"['it\'s']"), Some(vec!["it's".into()]));
        for text in
            ["['a' 'b']", "[a]", "[1]", "['a'", "['a']]", "['a'] + []", "[,]", "['a',,'b']", ""]
        {
            assert_eq!(list(text), None, "{text}");
        }
    }

    #[test]
    fn fences_are_dropped_and_other_lines_kept() {
        assert_eq!(without_fences("```json\na\n ``` \nb"), "a\nb");
        assert_eq!(without_fences("``` not a fence\na"), "``` not a fence\na");
    }

    #[test]
    fn marks_are_normalized() {
        assert_eq!(normalize("【“１”、‘ａ’】：〇"), "[\"1\",'a']:零");
    }

    #[test]
    fn cases_and_numerals_are_those_of_python() {
        assert!(is_lower("a 1 é") && !is_lower("a A") && !is_lower("1") && !is_lower("aǅ"));
        assert!(is_numeric('二') && is_numeric('½') && is_numeric('3') && !is_numeric('在'));
    }
}

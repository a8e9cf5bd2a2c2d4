//! Lines that number something, and headings.

use crate::{
    lines::{self, outside_code},
    text,
};

/// Whether a line is a heading: in Markdown, or in bold as a whole.
pub(super) fn is_heading(line: &str) -> bool {
    lines::heading(line).is_some() || lines::is_bold(line)
}

/// Whether a line is the divider `---`.
pub(super) fn is_rule(line: &str) -> bool {
    let line = line.trim();
    line.len() > 2
        && (line.bytes().all(|byte| byte == b'-') || line.bytes().all(|byte| byte == b'*'))
}

/// The number and the rest of a line that starts with a number, beside marks of headings and bold type.
pub(super) fn mark(line: &str) -> Option<(usize, &str)> {
    let bare = line.trim().trim_start_matches(['#', '*', ' ', '【']);
    let digits: usize = bare.bytes().take(3).take_while(u8::is_ascii_digit).count();
    let rest = if digits > 0 {
        let rest = &bare[digits..];
        let number = bare[..digits].parse().ok()?;
        let after = rest.strip_prefix(['.', ')', '、', '．', '）', '：', ':'])?;
        // 3.5 is no mark.
        (digits < 3 && !after.starts_with(|c: char| c.is_ascii_digit())).then_some((number, after))
    } else {
        numeral_mark(bare)
    };
    rest.filter(|(_, rest)| text::has_text(rest))
}

/// The number of a mark with a word, Chinese digits or brackets: 步骤1, 第一步, Step 1, 一、, （1）, ①.
pub(super) fn numeral_mark(bare: &str) -> Option<(usize, &str)> {
    let first = bare.chars().next()?;
    if ('①'..='⑳').contains(&first) {
        let number = u32::from(first) - u32::from('①') + 1;
        return Some((number as usize, &bare[first.len_utf8()..]));
    }
    let folded = ["步骤", "step ", "Step ", "STEP ", "第", "（", "("];
    let start = folded.iter().find(|start| bare.starts_with(**start)).copied().unwrap_or("");
    let rest = &bare[start.len()..];
    let (number, len) = number(rest)?;
    let after = &rest[len..];
    let ends: &[&str] = match start {
        "第" => &["步", "条", "点", "项", "天", "站", "章", "节", "部分"],
        "（" | "(" => &["）", ")"],
        "" => &["、"],
        _ => return Some((number, after)),
    };
    ends.iter().find_map(|end| after.strip_prefix(end)).map(|after| (number, after))
}

/// The Chinese numerals from 1 to 10.
pub(super) const NUMERALS: [char; 10] =
    ['一', '二', '三', '四', '五', '六', '七', '八', '九', '十'];

/// A small number in digits or Chinese numerals at the start of a text, and its length in bytes.
pub(super) fn number(text: &str) -> Option<(usize, usize)> {
    let digits = text.bytes().take(2).take_while(u8::is_ascii_digit).count();
    if digits > 0 {
        return Some((text[..digits].parse().ok()?, digits));
    }
    let value = |c: char| NUMERALS.iter().position(|numeral| *numeral == c).map(|at| at + 1);
    let mut chars = text.chars();
    let first = value(chars.next()?)?;
    let second = chars.next().and_then(value);
    let len = '一'.len_utf8();
    Some(match (first, second) {
        (10, Some(unit)) if unit < 10 => (10 + unit, 2 * len),
        (tens, Some(10)) if tens < 10 => (10 * tens, 2 * len),
        (one, _) => (one, len),
    })
}

/// The filled lines of fenced code blocks.
pub(super) fn code(response: &str) -> Vec<String> {
    let mut open = false;
    let mut found = Vec::new();
    for line in lines::filled(response) {
        if line.trim_start().starts_with("```") {
            open = !open;
        } else if open {
            found.push(line.to_owned());
        }
    }
    found
}

/// The numbered lines of the sequences that count up from 1, of the sort of mark with most such lines. Other lines may
/// stand between them.
pub(super) fn steps(response: &str) -> Vec<String> {
    // Lists inside steps have another indent or another mark. The number is that of the last line.
    let mut open: Vec<(Style, usize, Vec<String>)> = Vec::new();
    for line in outside_code(response) {
        let Some((number, rest)) = mark(line) else { continue };
        let style = style(line);
        match open.iter().position(|(known, ..)| *known == style) {
            Some(at) if number == open[at].1 + 1 || number == 1 => {
                open[at].1 = number;
                open[at].2.push(rest.to_owned());
            }
            None if number == 1 && open.len() < MOST_STYLES => {
                open.push((style, number, vec![rest.to_owned()]));
            }
            _ => {}
        }
    }
    let found = open.into_iter().map(|(.., lines)| lines);
    found.max_by_key(Vec::len).unwrap_or_default()
}

/// The maximum number of styles of marks in a response; marks of further styles are ignored.
pub(super) const MOST_STYLES: usize = 12;

/// The indent of a marked line, and the sort of its mark: its first character, or `#` for a heading with digits.
pub(super) type Style = (usize, char);

pub(super) fn style(line: &str) -> Style {
    let indent = line.len() - line.trim_start().len();
    let bare = line.trim().trim_start_matches(['#', '*', ' ', '【']);
    let first = bare.chars().next().unwrap_or(' ');
    let sort = match first {
        '0'..='9' if lines::heading(line).is_some() => '#',
        '0'..='9' => '1',
        '①'..='⑳' => '①',
        '一' | '二' | '三' | '四' | '五' | '六' | '七' | '八' | '九' | '十' => '一',
        other => other,
    };
    (indent / 2, sort)
}

/// The depth of a heading. Bold lines are the deepest.
pub(super) fn depth(line: &str) -> usize {
    let marks = line.trim().bytes().take_while(|byte| *byte == b'#').count();
    if marks == 0 { 9 } else { marks }
}

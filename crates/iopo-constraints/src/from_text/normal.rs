//! The normal form of a text: half-width, lower case, without list number, final mark and quotations.

use crate::han;

/// The first of the private characters that stand for quoted strings.
const QUOTATION: u32 = 0xE000;

/// The most quotations of a text that can map.
const MOST_QUOTATIONS: usize = 8;

/// Verbs that a numbered step starts with.
const VERBS: &[&str] = &["使用", "创建"];

/// The longest text that can map, in characters.
const MOST_CHARS: usize = 300;

/// A text in its normal form.
#[derive(Debug)]
pub(super) struct Normal {
    /// The text. Each quotation is one private character.
    pub(super) text: String,
    /// The quoted strings, as written.
    pub(super) quotations: Vec<String>,
}

impl Normal {
    /// Brings a text into its normal form; `None` if the text is too long or its quotation marks do not pair.
    pub(super) fn read(text: &str) -> Option<Self> {
        if text.chars().nth(MOST_CHARS).is_some() {
            return None;
        }
        let mut found = Self { text: String::new(), quotations: Vec::new() };
        let mut chars = text.trim().chars().peekable();
        while let Some(c) = chars.next() {
            let Some(close) = closing(c) else {
                if is_private(c) || c == '\n' || "”」』》".contains(c) {
                    return None;
                }
                found.push(half_width(c));
                continue;
            };
            let mut quoted = String::new();
            loop {
                match chars.next()? {
                    c if c == close => break,
                    c => quoted.push(c),
                }
            }
            if found.quotations.len() == MOST_QUOTATIONS {
                return None;
            }
            let mark = char::from_u32(QUOTATION + found.quotations.len() as u32)?;
            found.text.push(mark);
            found.quotations.push(quoted);
        }
        let text = core(&found.text);
        let text = if han::has(text) { closed_up(text) } else { text.to_owned() };
        (!text.is_empty()).then_some(Self { text, ..found })
    }

    /// The quoted string that a character of the text stands for.
    pub(super) fn quotation(&self, mark: char) -> Option<&str> {
        let index = u32::from(mark).checked_sub(QUOTATION)?;
        self.quotations.get(index as usize).map(String::as_str)
    }

    /// A part of the text, with the quotations in it.
    pub(super) fn part(&self, text: &str) -> Self {
        let mut part = Self { text: String::new(), quotations: Vec::new() };
        for c in text.chars() {
            let mark = char::from_u32(QUOTATION + part.quotations.len() as u32);
            match (self.quotation(c), mark) {
                (Some(quoted), Some(mark)) => {
                    part.text.push(mark);
                    part.quotations.push(quoted.to_owned());
                }
                _ => part.text.push(c),
            }
        }
        part
    }

    fn push(&mut self, c: char) {
        if c.is_whitespace() {
            if !self.text.ends_with(' ') {
                self.text.push(' ');
            }
        } else {
            self.text.extend(c.to_lowercase());
        }
    }
}

fn closing(open: char) -> Option<char> {
    Some(match open {
        '"' => '"',
        '“' => '”',
        '「' => '」',
        '『' => '』',
        '《' => '》',
        '`' => '`',
        _ => return None,
    })
}

fn is_private(c: char) -> bool {
    ('\u{E000}'..='\u{F8FF}').contains(&c)
}

fn half_width(c: char) -> char {
    match c {
        '。' => '.',
        '’' | '‘' => '\'',
        '–' | '—' | '～' | '−' => '-',
        '\u{FF01}'..='\u{FF5E}' => char::from_u32(u32::from(c) - 0xFEE0).unwrap_or(c),
        c => c,
    }
}

/// The text without spaces beside characters outside ASCII, as between Chinese and Latin words.
fn closed_up(text: &str) -> String {
    let mut closed = String::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let wide = |c: char| !c.is_ascii();
        let beside =
            closed.chars().next_back().is_some_and(wide) || chars.peek().is_some_and(|c| wide(*c));
        if c != ' ' || !beside {
            closed.push(c);
        }
    }
    closed
}

/// The text without the number of the list item in front and the mark at the end.
fn core(text: &str) -> &str {
    let text = text.trim();
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let rest = &text[digits..];
    let after = rest.strip_prefix(['.', ')', '、']).filter(|_| (1..=2).contains(&digits));
    // 7 使用…: a number without a mark, in front of a verb.
    let verb =
        rest.strip_prefix(' ').filter(|rest| VERBS.iter().any(|verb| rest.starts_with(verb)));
    let after = after.or(verb.filter(|_| (1..=2).contains(&digits)));
    let text =
        after.filter(|after| !after.starts_with(|c: char| c.is_ascii_digit())).unwrap_or(text);
    let text = text.strip_prefix("- ").unwrap_or(text);
    text.trim().trim_end_matches(['.', ';', '!', ',', ' '])
}

#[cfg(test)]
mod tests {
    use super::Normal;

    #[test]
    fn a_text_loses_its_number_and_mark_and_quotations_become_one_character() {
        let normal = Normal::read(" 3. Use “Tea Time”， １２ words。").expect("normal");
        assert_eq!(normal.text, "use \u{E000}, 12 words");
        assert_eq!(normal.quotation('\u{E000}'), Some("Tea Time"));
        assert_eq!(Normal::read("1.5 pages.").expect("normal").text, "1.5 pages");
        for odd in ["", "1.", "an \"open quotation", "a” b", "a\u{E000}b", &"x".repeat(301)] {
            assert!(Normal::read(odd).is_none(), "{odd}");
        }
    }
}

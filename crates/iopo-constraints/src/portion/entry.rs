//! The entries of the list that a response consists of.

use super::{
    mark::{MOST_STYLES, Style, depth, is_heading, is_rule, mark, style},
    paragraphs, title,
};
use crate::{
    lines::{self, outside_code},
    text,
};

/// An entry of a list.
#[derive(Debug, Default)]
pub(super) struct Entry {
    /// The words in front of the text: a heading, or words in bold or before a colon.
    head: String,
    body: String,
    /// The cells of a row, each with the name of its column.
    cells: Vec<(String, String)>,
}

impl Entry {
    pub(super) fn whole(&self) -> String {
        if self.body.trim().is_empty() {
            self.head.clone()
        } else {
            format!("{}\n{}", self.head, self.body)
        }
    }

    /// The part with a label, else the entry without its head.
    pub(super) fn labeled(&self, label: &str) -> String {
        let cell = self.cells.iter().find(|(name, _)| text::fold(name).contains(label));
        if let Some((_, cell)) = cell {
            return cell.clone();
        }
        let line = lines::filled(&self.body).find_map(|line| behind_label(line, label));
        match line {
            Some(text) => text.to_owned(),
            None if self.body.trim().is_empty() => self.head.clone(),
            None => self.body.clone(),
        }
    }
}

/// The text behind the colon of a line whose words before it contain a label.
pub(super) fn behind_label<'a>(line: &'a str, label: &str) -> Option<&'a str> {
    let (name, rest) = line.split_once([':', '：'])?;
    let short = name.chars().nth(MOST_LABEL_CHARS).is_none();
    let rest = rest.trim_start_matches(['*', ' ']);
    (short && text::fold(name).contains(label) && text::has_text(rest)).then_some(rest)
}

/// The longest words before a colon that are a label, in characters.
pub(super) const MOST_LABEL_CHARS: usize = 24;

/// The entries of the response: see [`Unit::Entry`].
pub(super) fn entries(response: &str) -> Vec<Entry> {
    if let Some(outer) = entry_style(response) {
        return collect(response, |line| {
            mark(line).filter(|_| style(line) == outer).map(|(_, rest)| rest)
        });
    }
    let is_title = title(response).is_some();
    let headings = outside_code(response).filter(|line| is_heading(line)).count();
    if headings > 1 + usize::from(is_title) {
        let deepest = outside_code(response).filter(|line| is_heading(line)).map(depth).max();
        return collect(response, |line| {
            (is_heading(line) && Some(depth(line)) == deepest).then_some(line)
        });
    }
    let bullet = |line: &str| lines::item(line).is_some() && !line.starts_with([' ', '\t']);
    if outside_code(response).filter(|line| bullet(line)).count() > 1 {
        return collect(response, |line| {
            lines::item(line).filter(|_| bullet(line)).map(|(_, rest)| rest)
        });
    }
    let rows = rows(response);
    if !rows.is_empty() {
        return rows.iter().map(|(header, row)| of_row(header, row)).collect();
    }
    let whole = |body| Entry { body, ..Entry::default() };
    paragraphs(response).into_iter().map(whole).collect()
}

/// The style of the marks that entries start with: numbered headings and steps first, else the most frequent style at the
/// smallest indent.
pub(super) fn entry_style(response: &str) -> Option<Style> {
    let mut counts: Vec<(Style, usize)> = Vec::new();
    for style in outside_code(response).filter(|line| mark(line).is_some()).map(style) {
        if let Some((_, count)) = counts.iter_mut().find(|(known, _)| *known == style) {
            *count += 1;
        } else if counts.len() < MOST_STYLES {
            counts.push((style, 1));
        }
    }
    counts.retain(|(_, count)| *count > 1);
    let rank = |(style, count): &&(Style, usize)| {
        let is_first = matches!(style.1, '#' | '步' | '第' | 'S' | 's');
        (is_first, usize::MAX - style.0, *count)
    };
    counts.iter().max_by_key(rank).map(|(style, _)| *style)
}

/// The entries that start at the lines for which `start` returns the text.
pub(super) fn collect<'a>(
    response: &'a str,
    start: impl Fn(&'a str) -> Option<&'a str>,
) -> Vec<Entry> {
    let mut found: Vec<Entry> = Vec::new();
    // Whether lines belong to the last entry, and whether its first line has text of its own.
    let (mut open, mut has_own, mut blank) = (false, false, false);
    for line in outside_code(response) {
        let trimmed = line.trim();
        if trimmed.is_empty() {
            blank = true;
            continue;
        }
        if let Some(text) = start(line) {
            let (head, body) = split_head(line, text);
            has_own = !body.is_empty();
            found.push(Entry { head, body, cells: Vec::new() });
            open = true;
        } else if is_heading(trimmed) || is_rule(trimmed) {
            open = false;
        } else if open {
            // Behind an item with text, a paragraph at the margin belongs to the whole.
            let belongs = !(blank && has_own)
                || line.starts_with([' ', '\t', '　'])
                || lines::item(trimmed).is_some();
            open = belongs;
            if let Some(last) = found.last_mut().filter(|_| belongs) {
                last.body.push('\n');
                last.body.push_str(trimmed);
            }
        }
        blank = false;
    }
    found
}

/// The head and the text of the first line of an entry: "**Tea**: hot" is "Tea" and "hot".
pub(super) fn split_head(line: &str, text: &str) -> (String, String) {
    let clean = |text: &str| text.trim().trim_matches(['*', '#', ' ', ':', '：', '】']).to_owned();
    if is_heading(line) || (text.trim().ends_with("**") && text.matches("**").count() <= 2) {
        return (clean(text), String::new());
    }
    let bold = text.find("**").filter(|_| text.trim_start().starts_with("**"));
    let close = bold.and_then(|at| text[at + 2..].find("**").map(|end| at + end + 4));
    let colon = text.char_indices().find(|(_, c)| matches!(c, ':' | '：'));
    let colon = colon
        .filter(|(at, _)| text[..*at].chars().nth(MOST_LABEL_CHARS).is_none())
        .map(|(at, c)| at + c.len_utf8());
    match close.or(colon) {
        Some(end) => {
            (clean(&text[..end]), text[end..].trim_matches(['*', ' ', ':', '：', '-']).to_owned())
        }
        None => (String::new(), text.trim().to_owned()),
    }
}

/// The rows of the tables, each with its header.
pub(super) fn rows(response: &str) -> Vec<(&str, &str)> {
    let mut found = Vec::new();
    let (mut header, mut before) = (None, "");
    for line in response.split('\n') {
        if !lines::is_row(line) {
            header = None;
        } else if lines::is_rule(line) && lines::is_row(before) {
            header = Some(before);
        } else if let Some(header) = header {
            found.push((header, line));
        }
        before = line;
    }
    found
}

pub(super) fn of_row(header: &str, row: &str) -> Entry {
    let cells = |line: &str| -> Vec<String> {
        let line = line.trim().trim_matches('|');
        line.split('|').map(|cell| cell.trim().to_owned()).collect()
    };
    let cells: Vec<(String, String)> = cells(header).into_iter().zip(cells(row)).collect();
    let head = cells.first().map(|(_, cell)| cell.clone()).unwrap_or_default();
    let body: Vec<&str> = cells.iter().skip(1).map(|(_, cell)| cell.as_str()).collect();
    Entry { head, body: body.join("\n"), cells }
}

pub(super) fn labeled(response: &str, label: &str) -> Vec<String> {
    entries(response).iter().map(|entry| entry.labeled(label)).collect()
}

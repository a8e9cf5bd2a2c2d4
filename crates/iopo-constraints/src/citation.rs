//! Citations of sources, and the entries of lists of references.

use serde::{Deserialize, Serialize};

use crate::{lines, text};

/// A style of citations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CitationStyle {
    /// The author and the year, as APA has it: `(Smith, 2020)` or `Smith (2020)` in the text, and references with the year
    /// in parentheses behind the authors: `Smith, J. (2020). Tea.`
    Apa,
    /// Numbers in square brackets: `[1]`.
    Numbered,
}

impl CitationStyle {
    pub(crate) const ALL: [Self; 2] = [Self::Apa, Self::Numbered];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Apa => "APA",
            Self::Numbered => "numbered",
        }
    }
}

/// The number of citations in a style: in the text, and entries of the list of references.
pub(crate) fn citations(style: CitationStyle, response: &str) -> usize {
    match style {
        CitationStyle::Apa => {
            let entries = references(response).into_iter().filter(|entry| is_apa(entry)).count();
            entries + author_year_citations(response).len()
        }
        CitationStyle::Numbered => numbers(response).len(),
    }
}

/// The sources that a response cites: the entries of its list of references; without a list, the different citations in
/// the text.
pub(crate) fn sources(response: &str) -> Vec<String> {
    let listed = references(response);
    if !listed.is_empty() {
        return listed.into_iter().map(str::to_owned).collect();
    }
    let mut found = author_year_citations(response);
    found.extend(numbers(response));
    found.sort();
    found.dedup();
    found
}

/// The numbers in square brackets.
fn numbers(response: &str) -> Vec<String> {
    let inside = response.split('[').skip(1).filter_map(|rest| rest.split_once(']'));
    let is_number = |inner: &str, after: &str| {
        (1..=3).contains(&inner.len())
            && inner.bytes().all(|byte| byte.is_ascii_digit())
            && !after.starts_with('(')
    };
    inside.filter(|(inner, after)| is_number(inner, after)).map(|(n, _)| n.to_owned()).collect()
}

/// The number of references in a list that are not in the style.
pub(crate) fn foreign(style: CitationStyle, response: &str) -> usize {
    let is_good = |entry: &&str| match style {
        CitationStyle::Apa => is_apa(entry),
        CitationStyle::Numbered => is_numbered(entry),
    };
    let references = references(response);
    references.len() - references.iter().filter(|entry| is_good(entry)).count()
}

/// The longest line that names the list of references, in characters.
const MOST_NAME_CHARS: usize = 24;

/// The entries of the lists of references: the lines below 参考文献 or References up to the next heading, and lines that
/// start with a number in square brackets.
pub(crate) fn references(response: &str) -> Vec<&str> {
    const NAMES: [&str; 7] = [
        "参考文献",
        "參考文獻",
        "参考资料",
        "引用文献",
        "references",
        "reference list",
        "bibliography",
    ];
    let mut found = Vec::new();
    let mut open = false;
    for line in lines::filled(response).map(str::trim) {
        let short = line.chars().nth(MOST_NAME_CHARS).is_none();
        let folded = text::fold(line);
        let bare = folded.trim_matches(|c: char| !c.is_alphanumeric());
        let named = NAMES.iter().any(|name| bare.ends_with(name) || bare.starts_with(name));
        if short && named {
            open = true;
        } else if lines::heading(line).is_some() || (line.starts_with("**") && line.ends_with("**"))
        {
            open = false;
        } else if (open && text::has_text(line)) || is_numbered(line) {
            found.push(line);
        }
    }
    found
}

/// Whether a line starts with a number in square brackets and has text behind it.
fn is_numbered(line: &str) -> bool {
    let line = lines::item(line).map_or(line, |(_, body)| body);
    let inner = line.strip_prefix('[').and_then(|rest| rest.split_once(']'));
    inner.is_some_and(|(number, rest)| {
        (1..=3).contains(&number.len())
            && number.bytes().all(|byte| byte.is_ascii_digit())
            && !rest.starts_with(['(', ':'])
            && text::has_text(rest)
    })
}

/// The longest names of authors in a reference, in characters.
const MOST_AUTHOR_CHARS: usize = 200;

/// Whether a reference has the year in parentheses between its authors and its title.
fn is_apa(entry: &str) -> bool {
    let entry = lines::item(entry).map_or(entry, |(_, body)| body);
    if is_numbered(entry) {
        return false;
    }
    let open = entry.char_indices().find(|(_, c)| matches!(c, '(' | '（'));
    let Some((at, c)) = open else { return false };
    let (author, rest) = (&entry[..at], &entry[at + c.len_utf8()..]);
    let Some(close) = rest.find([')', '）']) else { return false };
    let (year, title) = (&rest[..close], &rest[close..]);
    let short = author.chars().nth(MOST_AUTHOR_CHARS).is_none();
    short && text::has_text(author) && is_year(year) && text::has_text(title)
}

/// Whether a text starts with a year, or says that there is none.
fn is_year(text: &str) -> bool {
    let text = text.trim();
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let is_four = digits == 4 && text.starts_with(['1', '2']);
    (is_four && text.chars().nth(20).is_none()) || text == "n.d."
}

/// The most letters of a name before a year in parentheses.
const MOST_NAME: usize = 12;

/// Citations such as `(Smith, 2020)`, `Smith (2020)` and `张三（2020）`, with the letters before a year in parentheses.
fn author_year_citations(response: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut open: Option<usize> = None;
    for (at, c) in response.char_indices() {
        match c {
            '(' | '（' => open = Some(at),
            '\n' => open = None,
            ')' | '）' => {
                let Some(start) = open.take() else { continue };
                let inner = response[start..at].trim_start_matches(['(', '（']);
                let before = response[..start].trim_end_matches(' ');
                let name: String = before
                    .chars()
                    .rev()
                    .take_while(|c| c.is_alphabetic())
                    .take(MOST_NAME)
                    .collect();
                if is_year(inner) && !name.is_empty() {
                    found.push(format!("{name} {}", inner.trim()));
                } else if is_parenthetical(inner) {
                    found.push(inner.trim().to_owned());
                }
            }
            _ => {}
        }
    }
    found
}

/// The longest text in parentheses that is a citation, in bytes.
const MOST_INNER: usize = 200;

/// Whether the text in parentheses is a name, a comma and a year.
fn is_parenthetical(inner: &str) -> bool {
    let inner = inner.split([';', '；']).next().unwrap_or(inner);
    let Some(at) = inner.find([',', '，']).filter(|_| inner.len() <= MOST_INNER) else {
        return false;
    };
    // The year stands behind the last name: (Smith, Lee, & Wu, 2020, p. 3).
    let name = &inner[..at];
    let years = inner[at..].split([',', '，']).any(|part| is_year(part.trim()));
    name.chars().any(char::is_alphabetic) && !name.contains(|c: char| c.is_ascii_digit()) && years
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn apa_has_the_year_behind_the_authors() {
        for text in [
            "Tea is hot (Smith, 2020).",
            "Smith (2020) says so.",
            "张三（2020）指出，茶很好。",
            "茶很好（张三 & 李四, 2019, p. 3）。",
            "## 参考文献\n1. Smith, J. (2020). Tea. *Journal*, 12(3), 4-5.",
            "References\nLu, Y. (n.d.). The classic of tea. Press.",
        ] {
            assert!(citations(CitationStyle::Apa, text) > 0, "{text}");
            assert_eq!(foreign(CitationStyle::Apa, text), 0, "{text}");
        }
        for text in ["茶很好[1]。", "In 2020, tea", "tea (hot, very)", "(2020, 3)"] {
            assert_eq!(citations(CitationStyle::Apa, text), 0, "{text}");
        }
    }

    #[test]
    fn references_of_other_styles_are_foreign() {
        for text in [
            "参考文献\n[1] 陆羽. 茶经[M]. 北京: 书局, 2020.",
            "**参考文献：**\n- 陆羽. 茶经. 书局, 2020.",
            "References\nSmith, John. \"Tea.\" *Journal*, vol. 12, no. 3, 2020, pp. 4-5.",
        ] {
            assert_eq!(references(text).len(), 1, "{text}");
            assert_eq!(foreign(CitationStyle::Apa, text), 1, "{text}");
        }
        assert_eq!(citations(CitationStyle::Numbered, "茶[1]，水[12]，[3](x)"), 2);
    }
}

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

/// The numbers in square brackets, outside code. The index in `a[1]` is no citation.
fn numbers(response: &str) -> Vec<String> {
    prose(response).flat_map(numbers_of).collect()
}

/// The lines outside fenced code blocks.
fn prose(response: &str) -> impl Iterator<Item = &str> {
    let mut open = false;
    lines::filled(response).filter(move |line| {
        let fence = line.trim_start().starts_with("```");
        open ^= fence;
        !open && !fence
    })
}

fn numbers_of(line: &str) -> Vec<String> {
    let mut found = Vec::new();
    // Every second piece is code: `a[1]`.
    for piece in line.split('`').step_by(2) {
        // Whether the bracket before this one was a citation, which ends where this one starts.
        let mut stacked = None;
        for (at, _) in piece.match_indices('[') {
            let Some((inner, after)) = piece[at + 1..].split_once(']') else { break };
            let is_number = (1..=3).contains(&inner.len())
                && inner.bytes().all(|byte| byte.is_ascii_digit())
                && !after.starts_with(['(', ':']);
            if is_number && (stacked == Some(at) || !is_indexed(&piece[..at])) {
                found.push(inner.to_owned());
                stacked = Some(at + inner.len() + 2);
            }
        }
    }
    found
}

/// Whether a text ends with the name of a variable or another index, so that a number in brackets behind it is an index.
fn is_indexed(before: &str) -> bool {
    let name: Vec<char> = before
        .chars()
        .rev()
        .take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | ']'))
        .collect();
    // "tea[1]" and "2020[1]" cite a source.
    let is_word = name.len() >= LEAST_WORD && name.iter().all(char::is_ascii_alphabetic);
    let is_number = name.iter().all(char::is_ascii_digit);
    !(is_word || is_number)
}

/// The fewest letters of a word that a citation can stand behind.
const LEAST_WORD: usize = 3;

/// The number of references in a list that are not in the style. For APA, numbers in brackets in the text are foreign too.
pub(crate) fn foreign(style: CitationStyle, response: &str) -> usize {
    let is_good = |entry: &&str| match style {
        CitationStyle::Apa => is_apa(entry),
        CitationStyle::Numbered => is_numbered(entry),
    };
    let references = references(response);
    let listed = references.len() - references.iter().filter(|entry| is_good(entry)).count();
    let cited = match style {
        CitationStyle::Apa => {
            let text = prose(response).filter(|line| !references.contains(&line.trim()));
            text.flat_map(numbers_of).count()
        }
        CitationStyle::Numbered => 0,
    };
    listed + cited
}

/// The longest line that names the list of references, in characters.
const MOST_NAME_CHARS: usize = 40;

/// The entries of the lists of references: the lines below a line that says 参考文献 or References and nothing else, up to
/// the next heading, and lines that start with a number in square brackets.
pub(crate) fn references(response: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut open = false;
    for line in prose(response).map(str::trim) {
        if names_references(line) {
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

/// Whether a line names the list of references, beside numbers, marks and a colon: "## 7. References:", 七、参考文献列表.
fn names_references(line: &str) -> bool {
    const NAMES: [&str; 9] = [
        "参考文献",
        "參考文獻",
        "参考资料",
        "引用的文献",
        "引用文献",
        "list of references",
        "reference list",
        "references",
        "bibliography",
    ];
    // Words that can stand beside the name: 参考文献（APA格式）.
    const BESIDE: [&str; 12] = [
        "列表", "清单", "部分", "引用", "apa", "格式", "样式", "style", "format", "第", "章", "节",
    ];
    if line.chars().nth(MOST_NAME_CHARS).is_some() {
        return false;
    }
    let folded = text::fold(line);
    let Some(name) = NAMES.iter().find(|name| folded.contains(**name)) else { return false };
    let mut rest = folded.replace(name, " ");
    for word in NAMES.iter().chain(&BESIDE) {
        rest = rest.replace(word, " ");
    }
    let numeral = |c: char| "一二三四五六七八九十".contains(c);
    let mut words = rest.split(|c: char| !c.is_alphabetic()).filter(|word| !word.is_empty());
    words.all(|word| word.chars().all(numeral) || word.chars().all(|c| "ivx".contains(c)))
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

/// Whether a reference has the year in parentheses between its authors and its title. Words in parentheses without a digit
/// belong to the authors: (Eds.), (WHO).
fn is_apa(entry: &str) -> bool {
    let entry = lines::item(entry).map_or(entry, |(_, body)| body);
    if is_numbered(entry) {
        return false;
    }
    let mut from = 0;
    while let Some(at) = entry[from..].find(['(', '（']).map(|at| at + from) {
        let open = entry[at..].chars().next().map_or(1, char::len_utf8);
        let rest = &entry[at + open..];
        let Some(close) = rest.find([')', '）']) else { return false };
        let (author, inner, title) = (&entry[..at], &rest[..close], &rest[close..]);
        if is_date(inner) {
            let short = author.chars().nth(MOST_AUTHOR_CHARS).is_none();
            return short && text::has_text(author) && text::has_text(title);
        }
        if inner.contains(|c: char| c.is_ascii_digit()) {
            return false;
        }
        from = at + open + close;
    }
    false
}

/// Whether a text is a year as citations have it: 2020, 2020a, or n.d.
fn is_year(text: &str) -> bool {
    let text = text.trim();
    let Some(digits) = text.get(..4).filter(|digits| digits.bytes().all(|b| b.is_ascii_digit()))
    else {
        return matches!(text, "n.d." | "n.d" | "in press");
    };
    let letter = &text[4..];
    ("1500"..="2099").contains(&digits)
        && (letter.is_empty() || (letter.len() == 1 && letter.as_bytes()[0].is_ascii_lowercase()))
}

/// Whether a text is a year, with a month and a day if there is a comma: 2020, May 3.
fn is_date(text: &str) -> bool {
    let (year, rest) = text.split_once([',', '，']).unwrap_or((text, ""));
    is_year(year.trim_end_matches('年')) && rest.chars().nth(20).is_none()
}

/// The most letters of a name before a year in parentheses.
const MOST_NAME: usize = 24;

/// Citations such as `(Smith, 2020)`, `Smith (2020)` and `张三（2020）`, with the letters before a year in parentheses.
///
/// A name before a year is an author if several authors are named, if the text says what they say, or if the list of
/// references has the name: 世界杯（2018） cites nothing.
fn author_year_citations(response: &str) -> Vec<String> {
    let references = references(response);
    let mut found = Vec::new();
    for line in prose(response).filter(|line| !references.contains(&line.trim())) {
        let mut open: Option<usize> = None;
        for (at, c) in line.char_indices() {
            match c {
                '(' | '（' => open = Some(at),
                ')' | '）' => {
                    let Some(start) = open.take() else { continue };
                    let inner = line[start..at].trim_start_matches(['(', '（']);
                    let before = line[..start].trim_end_matches(' ');
                    let after = line[at + c.len_utf8()..].trim_start();
                    if is_parenthetical(inner) {
                        found.push(inner.trim().to_owned());
                    } else if is_dated(inner)
                        && let Some(name) = author(before, after, &references)
                    {
                        found.push(format!("{name} {}", inner.trim()));
                    }
                }
                _ => {}
            }
        }
    }
    found
}

/// Whether the text in parentheses behind an author is a year, with a page if there is a comma: 2020, p. 3.
fn is_dated(inner: &str) -> bool {
    let (year, page) = inner.split_once([',', '，']).unwrap_or((inner, "p"));
    let page = page.trim();
    is_year(year) && (page.starts_with(['p', '第', '页']) || is_year(page))
}

/// The name of the author at the end of a text before a year.
fn author(before: &str, after: &str, references: &[&str]) -> Option<String> {
    const SEVERAL: [&str; 5] = ["et al.", "et al", "等人", "等", "团队"];
    const SAYS: [&str; 32] = [
        "指出",
        "认为",
        "提出",
        "发现",
        "表明",
        "研究",
        "的研究",
        "强调",
        "证明",
        "的报告",
        "主张",
        "论证",
        "所述",
        "在《",
        "在其",
        "says",
        "said",
        "found",
        "finds",
        "argue",
        "show",
        "report",
        "state",
        "suggest",
        "note",
        "propose",
        "point",
        "demonstrate",
        "describe",
        "conclude",
        "claim",
        "explain",
    ];
    let several = SEVERAL.iter().find_map(|words| before.strip_suffix(words));
    let before_words = several.unwrap_or(before).trim_end();
    let name: String = before_words
        .chars()
        .rev()
        .take_while(|c| c.is_alphabetic())
        .take(MOST_NAME)
        .collect::<Vec<_>>()
        .into_iter()
        .rev()
        .collect();
    // An author has a name, not a word: "as shown (2020)".
    let is_name = name.chars().next().is_some_and(|c| !c.is_lowercase());
    let is_listed = || references.iter().any(|entry| ends_with_author(&name, entry));
    let after = text::fold(after);
    let says = || SAYS.iter().any(|word| after.starts_with(word));
    (is_name && (several.is_some() || says() || is_listed())).then_some(name)
}

/// Whether a text without spaces ends with the author that a reference starts with: 根据张三 and 张三. (2020).
fn ends_with_author(text: &str, entry: &str) -> bool {
    let entry = lines::item(entry).map_or(entry, |(_, body)| body);
    let author = entry.split(|c: char| !c.is_alphabetic()).find(|word| !word.is_empty());
    author.is_some_and(|author| author.chars().nth(1).is_some() && text.ends_with(author))
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
    let years = inner[at..].split([',', '，']).any(is_year);
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
        for text in [
            "能量(2000 kcal)。",
            "爱因斯坦（1879-1955）是物理学家。",
            "世界杯（2018）很精彩。",
            "Titanic (1997) is a film.",
            "For tea, see the references\nSmith (2020) is a line.",
        ] {
            assert_eq!(citations(CitationStyle::Apa, text), 0, "{text}");
        }
        for entry in [
            "Lu, Y., & Cai, X. (Eds.). (2019). Tea. Press.",
            "World Health Organization (WHO). (2020). Tea. WHO.",
            "陆羽. (2020, 5月3日). 茶经. 书局.",
        ] {
            let text = format!("七、参考文献列表（APA格式）：\n- {entry}");
            assert_eq!(citations(CitationStyle::Apa, &text), 1, "{entry}");
            assert_eq!(foreign(CitationStyle::Apa, &text), 0, "{entry}");
        }
    }

    #[test]
    fn numbered_citations_are_no_apa_and_indexes_are_no_citations() {
        let text = "茶很好[1]。\n\n参考文献\n1. 陆羽. (2020). 茶经. 书局.";
        assert_eq!(foreign(CitationStyle::Apa, text), 1);
        assert_eq!(foreign(CitationStyle::Apa, &text.replace("[1]", "（陆羽, 2020）")), 0);
        for text in ["a[1] = 2", "`tea[1]` is hot", "```\ntea [1]\n```", "x_1[2][3]"] {
            assert_eq!(citations(CitationStyle::Numbered, text), 0, "{text}");
        }
        assert_eq!(citations(CitationStyle::Numbered, "Tea is hot[1][2]. In 2020[3], it was."), 3);
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

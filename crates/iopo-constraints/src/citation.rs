//! Citations of sources, and the entries of lists of references.

use serde::{Deserialize, Serialize};

use crate::{
    lines,
    references::{is_apa, is_numbered, is_year, references},
    text,
};

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

/// The number of citations in a style in the text, beside the list of references.
pub(crate) fn in_text(style: CitationStyle, response: &str) -> usize {
    match style {
        CitationStyle::Apa => author_year_citations(response).len(),
        CitationStyle::Numbered => {
            let references = references(response);
            let text = prose(response).filter(|line| !references.contains(&line.trim()));
            text.flat_map(numbers_of).count()
        }
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

/// The filled lines outside fenced code blocks, of a response that can be in a block as a whole.
pub(crate) fn prose(response: &str) -> impl Iterator<Item = &str> {
    lines::outside_code(lines::unwrapped(response)).filter(|line| !line.trim().is_empty())
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

/// Whether a text without spaces ends with an author of a reference: 根据张三 and 张三. (2020).
fn ends_with_author(text: &str, entry: &str) -> bool {
    let entry = lines::item(entry).map_or(entry, |(_, body)| body);
    let authors = entry.split(['(', '（']).next().unwrap_or(entry);
    let mut names = authors.split(|c: char| !c.is_alphabetic()).take(MOST_AUTHORS);
    names.any(|name| name.chars().nth(1).is_some() && text.ends_with(name))
}

/// The most words of the authors of a reference that are compared.
const MOST_AUTHORS: usize = 40;

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

    /// Reports of which all, or none, are in APA style with a list.
    fn judged(text: &str) -> (usize, usize, usize) {
        let style = CitationStyle::Apa;
        (in_text(style, text), references(text).len(), foreign(style, text))
    }

    #[test]
    fn citations_in_the_text_name_author_and_year() {
        let list = "参考文献\nSmith, J., & Lee, K. (2020). Tea. Press.\n王小明. (2021). 茶. 书局.";
        for cited in [
            "茶好（王小明, 2021）。",
            "Tea helps (Smith & Lee, 2020, p. 4; 王小明，2021).",
            "Smith & Lee (2020) say so.",
            "王小明（2021）的结论不同。",
            "Smith et al. (2020) 的结论相同。",
            "王小明等人（2021）",
        ] {
            assert_eq!(judged(&format!("{cited}\n\n{list}")), (1, 2, 0), "{cited}");
        }
        for plain in ["社会学家王小明认为茶好。", "茶（2021）很好。", "2021年，茶很好（约300种）。"]
        {
            assert_eq!(judged(&format!("{plain}\n\n{list}")), (0, 2, 0), "{plain}");
        }
        assert_eq!(judged(&format!("茶好[1]。\n\n{list}")), (0, 2, 1));
        assert_eq!(in_text(CitationStyle::Numbered, "茶好[1]。\n[1] 王小明. 茶. 2020"), 1);
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

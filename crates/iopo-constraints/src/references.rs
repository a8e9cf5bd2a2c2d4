//! Lists of references, and the form of their entries.

use crate::{citation::prose, lines, text};

/// The longest line that names the list of references, in characters.
const MOST_NAME_CHARS: usize = 40;

/// The entries of the lists of references: the lines below a line that says 参考文献 or References and nothing else, and lines
/// that start with a number in square brackets.
///
/// A list ends at a heading, a bold line, a divider behind entries, or a remark behind entries such as 注：…. Lines in
/// parentheses and lines that neither have a year nor the form of an entry do not count.
pub(crate) fn references(response: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut open = false;
    // Whether the open list has entries.
    let mut filled = false;
    for line in prose(response).map(str::trim) {
        let is_head = lines::heading(line).is_some()
            || (line.starts_with("**") && line.trim_end_matches([':', '：']).ends_with("**"));
        if names_references(line) {
            (open, filled) = (true, false);
        } else if is_head {
            open = open && names_group(line);
        } else if is_divider(line) || is_remark(line) {
            open &= !filled;
        } else if is_numbered(line) || (open && is_entry(line)) {
            found.push(line);
            filled = true;
        }
    }
    found
}

/// Whether a line consists of dashes, asterisks, underscores or equals signs.
fn is_divider(line: &str) -> bool {
    let first = line.chars().next().filter(|c| "-*_=—".contains(*c));
    line.chars().nth(2).is_some() && line.chars().all(|c| Some(c) == first || c == ' ')
}

/// Whether a line is a remark on the text or the list.
fn is_remark(line: &str) -> bool {
    const STARTS: [&str; 20] = [
        "注",
        "说明",
        "備註",
        "备注",
        "修改说明",
        "编辑说明",
        "附件",
        "附录",
        "请注意",
        "请",
        "以上",
        "以下",
        "全文",
        "本文",
        "本报告",
        "字数",
        "总字数",
        "希望",
        "如需",
        "如果",
    ];
    const ENGLISH: [&str; 6] =
        ["note", "notes", "please", "disclaimer", "word count", "these references"];
    let marks = |c: char| c.is_whitespace() || "*_>-~•".contains(c);
    let bare = text::fold(line.trim_matches(marks));
    let enclosed =
        bare.starts_with(['(', '（', '[', '【']) && bare.ends_with([')', '）', ']', '】']);
    let english = |start: &&str| {
        bare.strip_prefix(*start).is_some_and(|rest| !rest.starts_with(char::is_alphanumeric))
    };
    let chinese = STARTS.iter().any(|start| bare.starts_with(start));
    enclosed || ((chinese || ENGLISH.iter().any(english)) && !is_apa(line))
}

/// Whether a line below the name of a list can be one of its entries: it has a year, or the mark of an item.
fn is_entry(line: &str) -> bool {
    let body = lines::item(line).map_or(line, |(_, body)| body);
    // An address on a line of its own continues the entry above.
    let continues = ["http://", "https://", "doi:", "DOI:", "DOI："]
        .iter()
        .any(|start| line.starts_with(start));
    let is_item = body.len() < line.len();
    text::has_text(line) && !continues && (is_item || is_apa(line) || has_form(line))
}

/// Whether a line has a year, or the mark of a type of document such as [J].
fn has_form(line: &str) -> bool {
    let typed = ["[J", "[M", "[D", "[C", "[N", "[R", "[EB", "[OL"];
    if typed.iter().any(|mark| line.contains(mark)) {
        return true;
    }
    let mut rest = line;
    while let Some(at) = rest.find(|c: char| c.is_ascii_digit()) {
        let digits: usize = rest[at..].bytes().take_while(u8::is_ascii_digit).count();
        let before = rest[..at].chars().next_back();
        let number = &rest[at..at + digits];
        rest = &rest[at + digits..];
        let after = rest.chars().next();
        // 1500字 is a length.
        let alone = !before.is_some_and(|c| c.is_ascii_alphanumeric() || "./-".contains(c))
            && !after.is_some_and(|c| c.is_alphanumeric() && c != '年');
        if alone && digits == 4 && is_year(number) {
            return true;
        }
    }
    false
}

/// Whether a heading in a list of references names a group of its entries: 中文文献, Books.
fn names_group(line: &str) -> bool {
    const GROUPS: [&str; 11] = [
        "中文文献",
        "英文文献",
        "外文文献",
        "期刊文章",
        "期刊论文",
        "学术期刊",
        "书籍",
        "专著",
        "网络资源",
        "books",
        "journal articles",
    ];
    let bare = text::fold(line);
    let bare = bare.trim_matches(|c: char| !c.is_alphabetic());
    GROUPS.iter().any(|group| bare.strip_suffix(group).is_some_and(|rest| rest.chars().count() < 4))
}

/// Whether a line names the list of references, beside numbers, marks and a colon: "## 7. References:", 七、参考文献列表.
pub(crate) fn names_references(line: &str) -> bool {
    const NAMES: [&str; 12] = [
        "参考文献",
        "參考文獻",
        "参考资料",
        "參考資料",
        "参考书目",
        "引用的文献",
        "引用文献",
        "list of references",
        "reference list",
        "references",
        "bibliography",
        "文献列表",
    ];
    // Words that can stand beside the name: 参考文献（APA格式）.
    const BESIDE: [&str; 30] = [
        "列表", "清单", "部分", "引用", "apa", "格式", "样式", "樣式", "规范", "規範", "标准",
        "標準", "风格", "按照", "按", "遵循", "采用", "採用", "符合", "使用", "示例", "主要",
        "style", "format", "edition", "7th", "第", "章", "节", "版",
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
pub(crate) fn is_numbered(line: &str) -> bool {
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
pub(crate) fn is_apa(entry: &str) -> bool {
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
pub(crate) fn is_year(text: &str) -> bool {
    let text = text.trim();
    let Some(digits) = text.get(..4).filter(|digits| digits.bytes().all(|b| b.is_ascii_digit()))
    else {
        return matches!(text, "n.d." | "n.d" | "in press" | "无日期");
    };
    let letter = &text[4..];
    ("1500"..="2099").contains(&digits)
        && (letter.is_empty() || (letter.len() == 1 && letter.as_bytes()[0].is_ascii_lowercase()))
}

/// Whether a text is a year, with a month and a day if there is a comma: 2020, May 3.
fn is_date(text: &str) -> bool {
    // 2020年5月3日, and 1890/1981 of a reprint.
    let (year, rest) = text.split_once([',', '，', '年', '/']).unwrap_or((text, ""));
    is_year(year) && rest.chars().nth(20).is_none()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::citation::{CitationStyle, foreign, in_text};

    /// Reports of which all, or none, are in APA style with a list.
    fn judged(text: &str) -> (usize, usize, usize) {
        let style = CitationStyle::Apa;
        (in_text(style, text), references(text).len(), foreign(style, text))
    }

    #[test]
    fn lists_in_apa_end_where_a_reader_sees_it() {
        const ENTRIES: &str = "Elliot, A. J., & Maier, M. A. (2014). Color psychology. *Annual Review of Psychology*, 65, 95-120. https://doi.org/10.1146/annurev-psych-010213-115035\n\n\
            王小明, 李华, & 张伟. (2021). 颜色与性格. *心理学报*, 53(4), 12-25.\n\n\
            World Health Organization. (n.d.). *Mental health*. https://www.who.int/2019/health";
        for ending in [
            "",
            "\n\n---\n\n（注：以上文献仅为示例，请核实。）",
            "\n\n（全文约1800字）",
            "\n\n注：以上文献为2023年的示例。",
            "\n\n*注：参考文献仅供参考，请于2024年核实。*",
            "\n\n> **说明**：本文写于2024年。",
            "\n\n修改说明：\n- 删除了2019年的数据。\n- 统一了语气。",
            "\n\n**修改说明**\n1. 调整了结构。",
            "\n\n***\n\n以上是关于颜色的论文，共3200字。",
            "\n\n附件：SVG文件（2024）",
            "\n\nNote: The references of 2014 are real.",
            "\n\n希望这篇论文对您有所帮助！",
        ] {
            for name in [
                "## 参考文献",
                "**參考文獻（APA第7版）**",
                "参考文献（按APA格式）：",
                "# 七、References",
            ] {
                let text = format!(
                    "颜色影响情绪（Elliot & Maier, 2014）。\n\n{name}\n\n{ENTRIES}{ending}"
                );
                assert_eq!(judged(&text), (1, 3, 0), "{name} {ending}");
            }
        }
        let grouped = "茶好（王小明等, 2021）。\n## 参考文献\n### 中文文献\n王小明. (2021). 茶. 书局.\n### 英文文献\n- Wu, X. (2020). Tea.\n## 附录\n1. 问卷";
        assert_eq!(judged(grouped), (1, 2, 0));
    }

    #[test]
    fn realistic_references_are_told_apart() {
        for entry in [
            "- Elliot, A. J. (2015). Color and psychological functioning. *Frontiers in Psychology, 6*, 368. https://doi.org/10.3389/fpsyg.2015.00368",
            "Smith, J. A., Brown, K., ... Wu, X. (2020, May 3). *Tea*. Oxford University Press.",
            "1. Kingma, D. P., et al. (2014). Adam. arXiv:1412.6980.",
            "• 中国互联网络信息中心. (2023年8月28日). 第52次报告. https://www.cnnic.net.cn",
            "陈明, 等. （2019）. 人工智能教育. 教育研究, 40(2), 3-9.",
            "Freud, S. (1890/1981). *Dreams*. Press.",
            "Kumar, R. (Ed.). (2022). *Learning* (3rd ed.). Springer.",
        ] {
            let text = format!("参考文献\n{entry}");
            assert_eq!(judged(&text), (0, 1, 0), "{entry}");
        }
        for entry in [
            "[1] 王小明. 颜色与性格[J]. 心理学报, 2021, 53(4): 12-25.",
            "1. 王小明, 李华. 颜色与性格[J]. 心理学报, 2021(4): 12-25.",
            "王小明. 颜色与性格. 心理学报, 2021.",
            "- Smith, John. \"Tea and Health.\" *Journal of Tea*, vol. 3, no. 2, 2020, pp. 4-9.",
            "Smith J. Tea and health. J Tea. 2020;3(2):4-9.",
            "1. 《颜色心理学》，王小明，人民出版社",
            "[1] Smith, J. (2020). Tea. Press.",
        ] {
            let text = format!("## 参考文献\n{entry}\n\n（全文完）");
            assert_eq!(judged(&text), (0, 1, 1), "{entry}");
        }
    }
}

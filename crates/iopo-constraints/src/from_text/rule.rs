//! Rules: patterns of whole texts, each with the kind that it proposes.

use std::sync::OnceLock;

use regex::Regex;

use super::{
    normal::Normal,
    number,
    proposal::{Proposal, Subject},
    task::Task,
};
use crate::constraint::Constraint;

/// A pattern and the kind that a matching text states.
///
/// A pattern lists every word that it accepts; it has no place for other words. Its named groups are the parameters:
/// `n`, `low` and `high` are numbers; `over` and `under` are limits that are themselves excluded; `about` is a number
/// with ±10 %, as are `about_low` and `about_high` of a range; `phrase`, `title`, `word` and the like are one string;
/// `phrases`, `keys`, `columns`, `names` and `elements` are lists, `quoted` is a text whose quotations are phrases, and
/// `count` is the stated length of a list. `doc` and `part` are the noun for the response, `noun` the one for its entries,
/// and `section` the name of a part of it. `each` is the word that the limit of a part needs.
#[derive(Debug)]
pub(super) struct Rule {
    id: &'static str,
    /// Parameters that the text does not spell out, as JSON.
    implied: &'static str,
    pattern: &'static str,
    /// A text without one of these words cannot match.
    needs: &'static [&'static str],
}

impl Rule {
    pub(super) const fn new(
        id: &'static str,
        implied: &'static str,
        pattern: &'static str,
    ) -> Self {
        Self { id, implied, pattern, needs: &[] }
    }

    /// The same rule, tried only for texts that contain one of these words. This saves time.
    pub(super) const fn needing(self, needs: &'static [&'static str]) -> Self {
        Self { needs, ..self }
    }
}

/// A rule whose pattern is compiled when a text needs it.
#[derive(Debug)]
struct Compiled {
    id: &'static str,
    implied: &'static str,
    needs: &'static [&'static str],
    pattern: String,
    regex: OnceLock<Option<Regex>>,
}

/// The rules of a language.
#[derive(Debug)]
pub(super) struct Grammar {
    rules: Vec<Compiled>,
}

impl Grammar {
    /// Reads rules. `parts` are names and patterns; a pattern refers to a part as `{name}`.
    pub(super) fn new(parts: &[(&str, &str)], rules: &[&[&[Rule]]]) -> Self {
        let mut known: Vec<(String, String)> = Vec::new();
        let expand = |pattern: &str, known: &[(String, String)]| {
            known
                .iter()
                .fold(pattern.to_owned(), |text, (name, part)| text.replace(name.as_str(), part))
        };
        for (name, part) in parts {
            let part = expand(part, &known);
            known.push((format!("{{{name}}}"), part));
        }
        let read = |rule: &Rule| Compiled {
            id: rule.id,
            implied: rule.implied,
            needs: rule.needs,
            pattern: format!("^(?:{})$", expand(rule.pattern, &known)),
            regex: OnceLock::new(),
        };
        let rules = rules.iter().flat_map(|groups| groups.iter().copied().flatten());
        Self { rules: rules.map(read).collect() }
    }

    /// The error of the first pattern that does not compile.
    #[cfg(test)]
    pub(super) fn error(&self) -> Option<regex::Error> {
        self.rules.iter().find_map(|rule| Regex::new(&rule.pattern).err())
    }

    /// The constraint of the first rule that matches the whole text and says what the text says.
    pub(super) fn read(&self, normal: &Normal, task: Option<&Task>) -> Option<Constraint> {
        self.reading(normal, task).map(|(constraint, _)| constraint)
    }

    /// Like [`Grammar::read`], with what the text calls the response.
    pub(super) fn reading(
        &self,
        normal: &Normal,
        task: Option<&Task>,
    ) -> Option<(Constraint, Subject)> {
        self.rules.iter().find_map(|rule| {
            let proposal = rule.propose(normal)?;
            let constraint = proposal.constraint()?;
            proposal.is_said_back(normal, task).then_some((constraint, proposal.subject))
        })
    }
}

impl Compiled {
    fn propose(&self, normal: &Normal) -> Option<Proposal> {
        let can_match = |word: &&str| normal.text.contains(*word);
        if !self.needs.is_empty() && !self.needs.iter().any(can_match) {
            return None;
        }
        // A pattern that does not compile matches nothing. A test compiles all of them.
        let regex = self.regex.get_or_init(|| Regex::new(&self.pattern).ok()).as_ref()?;
        let found = regex.captures(&normal.text)?;
        let mut proposal = Proposal::new(self.id, self.implied)?;
        for name in regex.capture_names().flatten() {
            let Some(value) = found.name(name) else { continue };
            let value = value.as_str();
            match name {
                "each" => value.clone_into(&mut proposal.each),
                "noun" => proposal.subject = Subject::Entry(value.to_owned()),
                "section" => {
                    proposal.subject = Subject::Section(value.to_owned());
                    proposal.set_string("name", value);
                }
                "object" => proposal.subject = Subject::Object(value.to_owned()),
                "in_json" => proposal.subject = Subject::Json,
                "headings" => proposal.set_list("names", code_names(normal, value)),
                "quoted" => proposal.set_list("phrases", code_names(normal, value)),
                "sources" => proposal.subject = Subject::References,
                "code" => proposal.is_about_code = true,
                "exact" => {
                    let n = number::whole(value)?;
                    proposal.set_number("low", n, n);
                    proposal.set_number("high", n, n);
                }
                "doc" => proposal.subject = Subject::Document(value.to_owned()),
                "part" => proposal.subject = Subject::Part(value.to_owned()),
                "n" | "low" | "high" | "parts" | "sentences" | "words" | "sentence"
                | "position" => {
                    let n = number::whole(value)?;
                    proposal.set_number(name, n, n);
                }
                "over" | "under" => {
                    let n = number::whole(value)?;
                    let limit = if name == "over" { n + 1 } else { n.checked_sub(1)? };
                    proposal.set_number("n", limit, n);
                }
                "about" => {
                    let n = number::whole(value)?;
                    proposal.set_number("low", n - n / 10, n);
                    proposal.set_number("high", n + n / 10, n);
                }
                "about_low" => {
                    let n = number::whole(value)?;
                    proposal.set_number("low", n - n / 10, n);
                }
                "about_high" => {
                    let n = number::whole(value)?;
                    proposal.set_number("high", n + n / 10, n);
                }
                "phrase" | "title" | "name" | "label" | "word" | "first" | "second" => {
                    proposal.set_string(name, &string(normal, value)?);
                }
                "phrases" | "keys" | "columns" | "names" => {
                    take_list(&mut proposal, normal, name, value)?;
                }
                "code_names" => {
                    let names = code_names(normal, value);
                    // Words such as 绿茶 are no names.
                    if !names.iter().all(|name| name.is_ascii()) {
                        return None;
                    }
                    proposal.set_list("names", names);
                }
                "style" => proposal.set_string("style", style(value)?),
                "elements" => proposal.set_list(name, elements(value)?),
                "count" | "count2" => proposal.expect_length(number::whole(value)?),
                _ => return None,
            }
        }
        Some(proposal)
    }
}

/// Takes a list of items as a parameter; `None` if the items are no names that a response has to use.
fn take_list(proposal: &mut Proposal, normal: &Normal, name: &str, value: &str) -> Option<()> {
    let (items, stated) = list(normal, value)?;
    let named = items.len();
    let items = if name == "names" { headed(items, proposal) } else { items };
    // The body of an outline is a part with a name.
    let is_outline = ["大纲", "提纲"].iter().any(|noun| normal.text.contains(noun));
    if is_outline && items.len() < named {
        return None;
    }
    let items: Vec<String> = match name {
        "names" => items.iter().map(|item| bare_name(item)).collect(),
        "columns" => items.iter().map(|item| bare_column(item)).collect(),
        _ => items,
    };
    let plain = |item: &String| NO_HEADINGS.contains(&item.as_str());
    // Few names, such as 引言 and 结论, need no headings. Long ones do: 市场分析, 推广策略 and 预算规划.
    let is_long = |item: &String| item.chars().nth(3).is_some();
    let least = if items.iter().all(is_long) { LEAST_PARTS - 1 } else { LEAST_PARTS };
    let few = named < least || items.len() < LEAST_PARTS - 1;
    if name == "names" && (few || items.iter().any(plain)) {
        return None;
    }
    // 每一行包含日期、时间安排等信息 says what rows tell, rather than the names of columns.
    let is_told = (normal.text.contains("每一行") || normal.text.contains("是否有"))
        && normal.text.contains("等信息")
        || normal.text.contains("信息,包括");
    if name == "columns" && is_told {
        return None;
    }
    proposal.set_list(name, items);
    if let Some(stated) = stated {
        proposal.expect_length(stated);
    }
    Some(())
}

/// The names of parts that have a heading. The body of a text has none, and a title is no heading above a part.
fn headed(names: Vec<String>, proposal: &mut Proposal) -> Vec<String> {
    proposal.has_title |= names.iter().any(|name| name == "标题");
    let is_part = |name: &String| name != "标题" && !BODY.contains(&name.as_str());
    names.into_iter().filter(is_part).collect()
}

/// Names of the body of a text.
const BODY: &[&str] = &["正文", "正文部分", "主体", "主体部分", "主体内容", "主体分析"];

/// A quotation, or words without quotation marks.
fn string(normal: &Normal, value: &str) -> Option<String> {
    let mark = value.chars().next()?;
    Some(normal.quotation(mark).map_or_else(|| value.trim().to_owned(), str::to_owned))
}

/// What the length of a list counts, behind its last item.
const COUNTERS: &[&str] = &[
    "个主要部分",
    "个关键部分",
    "个部分",
    "个字段",
    "个栏目",
    "个主要",
    "个关键",
    "部分",
    "栏目",
    "列",
    "栏",
    "个",
];

/// The digits of small Chinese numerals.
const NUMERALS: &str = "一二两三四五六七八九十";

/// The items of a list such as A、B和C or "A", "B" and "C", and their number if the list ends with it, as in 三列.
fn list(normal: &Normal, value: &str) -> Option<(Vec<String>, Option<usize>)> {
    let mut value = value;
    let mut stated = None;
    for counter in COUNTERS {
        let Some(rest) = value.strip_suffix(counter) else { continue };
        let bare = rest.trim_end_matches(|c| NUMERALS.contains(c));
        if let Some(number) = number::whole(&rest[bare.len()..]) {
            stated = Some(number);
            value = bare;
            break;
        }
    }
    // A number that is still there counts something else.
    if value.contains('个')
        && value.split('个').any(|part| part.ends_with(|c| NUMERALS.contains(c)))
    {
        return None;
    }
    let value = value.replace("以及", "、").replace(" and ", "、");
    // 与 joins quotations, but is part of names such as 结论与建议. Only one pattern accepts 或 between quotations.
    let is_quoted = normal.quotation(value.chars().next()?).is_some();
    let joins = |c: char| "、,和|".contains(c) || (is_quoted && "与及或".contains(c));
    let items = value.split(joins).map(|item| item.trim().trim_matches('*'));
    let items: Option<Vec<String>> =
        items.filter(|item| !item.is_empty()).map(|item| string(normal, item)).collect();
    Some((items?, stated))
}

/// The quotations of a text, or the names of a list such as random模块和json模块. Chinese words beside the names say what
/// they are.
fn code_names(normal: &Normal, value: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut word = String::new();
    for c in value.chars().chain(['、']) {
        if c.is_ascii() && c != ',' {
            word.push(c);
            continue;
        }
        if !word.is_empty() {
            names.push(std::mem::take(&mut word));
        }
    }
    // Beside quotations, words such as npm in 登录你的npm账户 are no names.
    let mut quoted =
        value.chars().filter_map(|c| normal.quotation(c).map(str::to_owned)).peekable();
    let names = if quoted.peek().is_some() { quoted.collect() } else { names };
    let mut known: Vec<String> = Vec::new();
    for name in names {
        if !known.contains(&name) {
            known.push(name);
        }
    }
    known
}

/// The styles of words, with their names in the parameters.
fn style(word: &str) -> Option<&'static str> {
    Some(match word {
        "加粗" | "粗体" => "bold",
        "斜体" => "italic",
        "下划线" => "underline",
        _ => return None,
    })
}

/// Elements of a layout with their names in the parameters.
const ELEMENTS: &[(&str, &str)] = &[
    ("大标题", "heading"),
    ("子标题", "subheading"),
    ("小标题", "subheading"),
    ("副标题", "subheading"),
    ("段落标题", "heading"),
    ("标题", "heading"),
    ("编号列表", "numbered_list"),
    ("有序列表", "numbered_list"),
    ("无序列表", "bullet_list"),
    ("项目符号列表", "bullet_list"),
    ("项目列表", "list"),
    ("列表", "list"),
    ("表格", "table"),
    ("粗体", "bold"),
    ("加粗", "bold"),
    ("斜体", "italic"),
    ("粗体文字", "bold"),
    ("加粗文字", "bold"),
    ("斜体文字", "italic"),
    ("代码块", "code_block"),
    ("headings", "heading"),
    ("subheadings", "subheading"),
    ("lists", "list"),
    ("numbered lists", "numbered_list"),
    ("bullet points", "bullet_list"),
    ("tables", "table"),
];

/// The elements of a list such as 标题、子标题和列表.
fn elements(value: &str) -> Option<Vec<String>> {
    let value = ["以及", "和", "与", "及", ", and ", " and ", ", "]
        .iter()
        .fold(value.to_owned(), |value, joint| value.replace(joint, "、"));
    let id = |item: &str| {
        let (_, id) = ELEMENTS.iter().find(|(word, _)| *word == item)?;
        Some((*id).to_owned())
    };
    value.split('、').map(id).collect()
}

/// The name of a part without the word for a part behind it.
fn bare_name(item: &str) -> String {
    item.strip_suffix("部分").filter(|bare| !bare.is_empty()).unwrap_or(item).to_owned()
}

/// The name of a column without the words of 一列是国家名称，另一列是对应的首都名称.
fn bare_column(item: &str) -> String {
    let lead = ["另一列是", "另一列为", "一列是", "一列为"];
    let Some(name) = lead.iter().find_map(|lead| item.strip_prefix(lead)) else {
        return item.to_owned();
    };
    let name = name.strip_prefix("对应的").unwrap_or(name);
    name.strip_suffix("名称").filter(|bare| !bare.is_empty()).unwrap_or(name).to_owned()
}

/// The fewest names of parts that need headings.
const LEAST_PARTS: usize = 4;

/// Names for parts that every text has, which no heading states.
const NO_HEADINGS: &[&str] =
    &["开头", "结尾", "中间", "封面", "目录", "落款", "称呼", "签名", "个人基本信息"];

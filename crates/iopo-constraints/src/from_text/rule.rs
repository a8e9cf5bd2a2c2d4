//! Rules: patterns of whole texts, each with the kind that it proposes.

use regex::Regex;

use super::{normal::Normal, number, proposal::Proposal, stop};

/// A pattern and the kind that a matching text states.
///
/// The named groups of the pattern are the parameters: `n`, `low` and `high` are numbers; `over` and `under` are limits
/// that are themselves excluded; `about` is a number with ±10 %; `phrase`, `word` and the like are one string; `phrases`, `keys`,
/// `columns` and `names` are lists, and `count` is the stated length of a list.
#[derive(Debug)]
pub(super) struct Rule {
    id: &'static str,
    /// Parameters that the text does not spell out, as JSON.
    implied: &'static str,
    pattern: &'static str,
}

impl Rule {
    pub(super) const fn new(
        id: &'static str,
        implied: &'static str,
        pattern: &'static str,
    ) -> Self {
        Self { id, implied, pattern }
    }
}

/// A rule with its compiled pattern.
#[derive(Debug)]
struct Compiled {
    id: &'static str,
    implied: &'static str,
    regex: Regex,
    /// Whether the pattern accepts free words beside its own.
    is_free: bool,
}

/// The rules of a language.
#[derive(Debug)]
pub(super) struct Grammar {
    rules: Vec<Compiled>,
}

impl Grammar {
    /// Compiles rules. `parts` are names and patterns; a pattern refers to a part as `{name}`.
    ///
    /// # Errors
    /// Returns the error of the first pattern that does not compile.
    pub(super) fn new(parts: &[(&str, &str)], rules: &[&[Rule]]) -> Result<Self, regex::Error> {
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
        let compile = |rule: &Rule| {
            let regex = Regex::new(&format!("^(?:{})$", expand(rule.pattern, &known)))?;
            let is_free = ["{any}", "{object}"].iter().any(|part| rule.pattern.contains(part));
            Ok(Compiled { id: rule.id, implied: rule.implied, regex, is_free })
        };
        Ok(Self {
            rules: rules
                .iter()
                .copied()
                .flatten()
                .map(compile)
                .collect::<Result<_, regex::Error>>()?,
        })
    }

    /// The proposals of the rules that match the whole text, in order.
    pub(super) fn proposals<'a>(
        &'a self,
        normal: &'a Normal,
    ) -> impl Iterator<Item = Proposal> + use<'a> {
        self.rules.iter().filter_map(|rule| rule.propose(normal))
    }
}

impl Compiled {
    fn propose(&self, normal: &Normal) -> Option<Proposal> {
        let found = self.regex.captures(&normal.text)?;
        let mut proposal = Proposal::new(self.id, self.implied)?;
        for name in self.regex.capture_names().flatten() {
            let Some(value) = found.name(name) else { continue };
            let value = value.as_str();
            match name {
                "n" | "low" | "high" => {
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
                "phrase" | "name" | "word" | "first" | "second" => {
                    let string = string(normal, value)?;
                    let name = if self.id == "include_phrase" { "phrase" } else { name };
                    proposal.set_string(name, &string);
                }
                "phrases" | "keys" | "columns" | "names" => {
                    let (items, stated) = list(normal, value)?;
                    let plain = |item: &String| NO_HEADINGS.contains(&item.as_str());
                    if name == "names" && items.iter().any(plain) {
                        return None;
                    }
                    proposal.set_list(name, items);
                    if let Some(stated) = stated {
                        proposal.expect_length(stated);
                    }
                }
                "count" | "count2" => proposal.expect_length(number::whole(value)?),
                _ => return None,
            }
        }
        let doubtful =
            self.is_free && stop::is_doubtful(&proposal.without_items(normal), &proposal);
        (!doubtful).then_some(proposal)
    }
}

/// A quotation, or words without quotation marks.
fn string(normal: &Normal, value: &str) -> Option<String> {
    let mark = value.chars().next()?;
    Some(normal.quotation(mark).map_or_else(|| value.trim().to_owned(), str::to_owned))
}

/// The items of a list such as A、B和C or "A", "B" and "C", and their number if the list ends with it, as in 三列.
fn list(normal: &Normal, value: &str) -> Option<(Vec<String>, Option<usize>)> {
    let mut value = value;
    let mut stated = None;
    for counter in ["个字段", "个部分", "个主要", "个关键", "部分", "列", "栏目", "栏", "个", "等"]
    {
        let Some(rest) = value.strip_suffix(counter) else { continue };
        let bare = rest.trim_end_matches(|c| "一二两三四五六七八九十".contains(c));
        stated = number::whole(&rest[bare.len()..]);
        value = bare;
        break;
    }
    let value = value.replace("以及", "、").replace(" and ", "、");
    // 与 joins quotations, but is part of names such as 结论与建议.
    let is_quoted = normal.quotation(value.chars().next()?).is_some();
    let joins = |c: char| "、,和".contains(c) || (is_quoted && "与及".contains(c));
    let items = value.split(joins).map(|item| item.trim().trim_matches('*'));
    let items: Option<Vec<String>> =
        items.filter(|item| !item.is_empty()).map(|item| string(normal, item)).collect();
    Some((items?, stated))
}

/// Names for parts that every text has, which no heading states.
const NO_HEADINGS: &[&str] = &["标题", "正文", "主体", "主体部分", "开头", "结尾", "中间"];

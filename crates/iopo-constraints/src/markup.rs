//! Markup in a response: Markdown, italics, LaTeX, HTML, code.

use crate::{
    families::{MarkupFormat, Style},
    lines,
    measure::Measure,
    text::{fold, has_text},
};

/// The number of uses of a kind of markup.
pub(crate) fn count(format: MarkupFormat, response: &str) -> usize {
    match format {
        MarkupFormat::Markdown => {
            // 一、 is no mark of Markdown.
            let items = lines::filled(response).filter_map(lines::item).count();
            let counted = Measure::Markdown.count(response) + items;
            let quoted = |line: &&str| line.trim_start().starts_with("> ");
            let quotations = lines::filled(response).filter(quoted).count();
            counted + italics(response) + quotations + response.matches("](").count()
        }
        MarkupFormat::Italic => italics(response),
        MarkupFormat::Latex => latex(response),
        MarkupFormat::LatexDocument => {
            let commands = ["\\documentclass", "\\begin{document}", "\\section"].iter();
            commands.map(|command| response.matches(command).count()).sum()
        }
        MarkupFormat::Html => elements(response),
        MarkupFormat::Underline => response.matches("</u>").count(),
        MarkupFormat::Code => response.matches('`').count(),
        MarkupFormat::Comments => comments(response),
        MarkupFormat::CodeBlock => response.lines().filter(|line| is_fence(line)).count(),
        MarkupFormat::Link => {
            let addresses = ["http://", "https://", "]("].iter();
            addresses.map(|start| response.matches(start).count()).sum()
        }
    }
}

/// The number of phrases between single asterisks or underscores, or between three asterisks, each on one line.
fn italics(response: &str) -> usize {
    ['*', '_']
        .iter()
        .map(|mark| response.split('\n').map(|line| runs(line, *mark)).sum::<usize>())
        .sum()
}

/// The number of phrases of a line between runs of one or three marks.
fn runs(line: &str, mark: char) -> usize {
    let mut found = 0;
    let mut open: Option<(usize, usize)> = None;
    let mut at = 0;
    while let Some(offset) = line[at..].find(mark) {
        let start = at + offset;
        let run = line[start..].chars().take_while(|c| *c == mark).count();
        let end = start + run;
        at = end;
        let before = line[..start].chars().next_back();
        let after = line[end..].chars().next();
        // A snake_case name is no emphasis.
        let inside = mark == '_'
            && before.is_some_and(char::is_alphanumeric)
            && after.is_some_and(char::is_alphanumeric);
        if !matches!(run, 1 | 3) || inside {
            continue;
        }
        let closes = before.is_some_and(|c| !c.is_whitespace());
        match open.take() {
            Some((from, width)) if width == run && closes && has_text(&line[from..start]) => {
                found += 1;
            }
            _ if after.is_some_and(|c| !c.is_whitespace()) => open = Some((end, run)),
            _ => {}
        }
    }
    found
}

/// The number of phrases in a style inside of lines. A phrase that is the whole line is a heading.
pub(crate) fn emphasized(style: Style, response: &str) -> usize {
    let mut open = false;
    let mut found = 0;
    for line in response.split('\n') {
        open ^= is_fence(line);
        if !open && lines::heading(line).is_none() {
            found += inside(style, line);
        }
    }
    found
}

fn inside(style: Style, line: &str) -> usize {
    let (start, end) = match style {
        Style::Bold => ("**", "**"),
        Style::Italic => ("", ""),
        Style::Underline => ("<u>", "</u>"),
        Style::Code => ("`", "`"),
    };
    let body = lines::item(line).map_or_else(|| line.trim(), |(_, body)| body.trim_end());
    if start.is_empty() {
        // A list item or a sentence in italics is no heading.
        let is_text = lines::item(line).is_some() || body.contains(['。', '！', '？']);
        let whole = body.starts_with(['*', '_']) && body.ends_with(['*', '_']) && !is_text;
        let count: usize = ['*', '_'].iter().map(|mark| runs(line, *mark)).sum();
        return if whole && count == 1 { 0 } else { count };
    }
    let (mut found, mut rest) = (0, body);
    let mut outside = false;
    while let Some((before, after)) = rest.split_once(start) {
        let Some((inner, behind)) = after.split_once(end) else { break };
        found += usize::from(has_text(inner));
        outside |= has_text(before);
        rest = behind;
    }
    if outside || has_text(rest) || found > 1 { found } else { 0 }
}

/// The number of LaTeX commands (`\name`), delimiters (`\(`, `\[`) and formulas between dollar signs.
fn latex(response: &str) -> usize {
    let mut chars = response.chars().peekable();
    let mut found = 0;
    while let Some(c) = chars.next() {
        let next = chars.peek();
        found += usize::from(
            c == '\\' && next.is_some_and(|c| c.is_ascii_alphabetic() || "([".contains(*c)),
        );
    }
    found + response.split('\n').map(formulas).sum::<usize>()
}

/// The number of `$…$` of a line with a mathematical sign inside. An amount of money has none.
fn formulas(line: &str) -> usize {
    line.split('$')
        .skip(1)
        .step_by(2)
        .filter(|inner| inner.contains(['=', '^', '_', '\\', '+']))
        .count()
}

/// The number of HTML elements that are closed.
fn elements(response: &str) -> usize {
    let mut found = 0;
    let mut rest = response;
    while let Some((_, after)) = rest.split_once("</") {
        let name: String = after.chars().take_while(char::is_ascii_alphanumeric).collect();
        let behind = &after[name.len()..];
        found += usize::from(!name.is_empty() && behind.starts_with('>'));
        rest = after;
    }
    found
}

/// Marks of code blocks with data or output instead of code.
const DATA: [&str; 6] = ["json", "text", "txt", "output", "plaintext", "console"];

/// The lines of the code blocks, or of the whole response if it has no code block. Blocks of data and output do not count.
pub(crate) fn code(response: &str) -> Vec<&str> {
    if !response.lines().any(is_fence) {
        return lines::filled(response).collect();
    }
    let (mut open, mut is_data) = (false, false);
    let in_block = |line: &&str| {
        if is_fence(line) {
            open = !open;
            is_data = open && DATA.contains(&fold(line.trim().trim_matches('`')).trim());
            return false;
        }
        open && !is_data
    };
    lines::filled(response).filter(in_block).collect()
}

pub(crate) fn is_fence(line: &str) -> bool {
    line.trim_start().starts_with("```")
}

/// The number of filled lines of code.
pub(crate) fn code_lines(response: &str) -> usize {
    programs(response).iter().map(Vec::len).sum()
}

/// The filled lines of each code block, or of the whole response if it has none. Blocks of data and output do not count,
/// and blocks without a language only if no block has one.
pub(crate) fn programs(response: &str) -> Vec<Vec<&str>> {
    let mut found: Vec<(bool, Vec<&str>)> = Vec::new();
    let (mut open, mut is_data, mut has_fence) = (false, false, false);
    for line in lines::filled(response) {
        if is_fence(line) {
            (open, has_fence) = (!open, true);
            let mark = fold(line.trim().trim_matches('`'));
            is_data = DATA.contains(&mark.trim());
            if open && !is_data {
                found.push((has_text(&mark), Vec::new()));
            }
        } else if open
            && !is_data
            && let Some((_, block)) = found.last_mut()
        {
            block.push(line);
        }
    }
    if !has_fence {
        return vec![lines::filled(response).collect()];
    }
    let any_marked = found.iter().any(|(marked, _)| *marked);
    found.retain(|(marked, block)| (*marked || !any_marked) && !block.is_empty());
    found.into_iter().map(|(_, block)| block).collect()
}

/// The number of code blocks that are marked with a language in lower case.
pub(crate) fn code_blocks(response: &str, language: &str) -> usize {
    let marks = response.lines().filter_map(|line| line.trim_start().strip_prefix("```"));
    marks.filter(|mark| fold(mark.trim()) == language).count()
}

/// The code of a response, in lower case: its code blocks and code spans, or all of it if it has no backtick.
fn written_in_code(response: &str) -> String {
    if !response.contains('`') {
        return fold(response);
    }
    let mut open = false;
    let mut found = String::new();
    for line in response.split('\n') {
        if is_fence(line) {
            open = !open;
            continue;
        }
        let spans = line.split('`').skip(1).step_by(2);
        if open {
            found.push_str(line);
        } else {
            spans.for_each(|span| found.extend([span, "\n"]));
        }
        found.push('\n');
    }
    fold(&found)
}

/// The number of times that code has a name in lower case, not within a longer name.
pub(crate) fn named_in_code(response: &str, name: &str) -> usize {
    let code = written_in_code(response);
    let name = stem(name);
    code.match_indices(name).filter(|(at, name)| is_whole(&code, *at, name)).count()
}

/// The number of times that a text has a name in its case, not within a longer name.
pub(crate) fn names(response: &str, name: &str) -> usize {
    response.match_indices(name).filter(|(at, name)| is_whole(response, *at, name)).count()
}

/// Whether a name at a place is not within a longer name. Chinese characters beside it join nothing.
fn is_whole(text: &str, at: usize, name: &str) -> bool {
    let joins =
        |c: char| c.is_ascii_alphanumeric() || c == '_' || (c == '-' && name.starts_with('-'));
    let before = text[..at].chars().next_back();
    let after = text[at + name.len()..].chars().next();
    // A tag starts a name itself.
    (name.starts_with('<') || !before.is_some_and(joins)) && !after.is_some_and(joins)
}

/// The part of a name in lower case that code has in any case: `<p` of `<p>`, and the last part of `java.time.localdate`.
pub(crate) fn stem(name: &str) -> &str {
    let without = |suffix| name.strip_suffix(suffix).filter(|name| !name.is_empty());
    // Code names express, where texts say Express.js.
    let name = without("()").or_else(|| tag(name)).or_else(|| without(".js")).unwrap_or(name);
    // Names of two parts, such as array.isarray and mkfs.ext4, are written in full.
    let is_path = name.split('.').count() > 2 && !name.ends_with('.');
    if is_path { name.rsplit('.').next().unwrap_or(name) } else { name }
}

fn tag(name: &str) -> Option<&str> {
    name.strip_suffix('>').filter(|open| open.starts_with('<') && open.len() > 1)
}

/// Names of functions that the code calls, at most three.
pub(crate) fn called(response: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    if !response.contains("```") {
        return found;
    }
    for line in code(response) {
        for (at, _) in line.match_indices('(') {
            let start =
                line[..at].trim_end_matches(|c: char| c.is_ascii_alphanumeric() || c == '_');
            let name = &line[start.len()..at];
            let is_whole = !start.ends_with(char::is_alphanumeric);
            let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic()) && name.len() < 40;
            let is_name = is_name && is_whole;
            if is_name && found.len() < 3 && !found.iter().any(|known| known == name) {
                found.push(name.to_owned());
            }
        }
    }
    found
}

/// The number of lines with a comment in code blocks.
fn comments(response: &str) -> usize {
    const STARTS: [&str; 5] = ["//", "#", "/*", "--", "<!--"];
    if !response.lines().any(is_fence) {
        return 0;
    }
    let code = code(response).into_iter();
    code.filter(|line| {
        let line = line.trim_start();
        let within = [" // ", " # ", " -- ", " /* "].iter().any(|mark| line.contains(mark));
        within || STARTS.iter().any(|start| line.starts_with(start) && has_text(line))
    })
    .count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_is_found() {
        let uses = |format, text| count(format, text) > 0;
        for text in ["# Tea", "- tea", "*tea*", "[tea](x)", "> tea", "`tea`", "**tea**"] {
            assert!(uses(MarkupFormat::Markdown, text), "{text}");
        }
        for text in
            ["Tea.", "一、绿茶很香。", "1、绿茶很香。", "2 * 3 * 4", "snake_case_name", "a > b"]
        {
            assert!(!uses(MarkupFormat::Markdown, text), "{text}");
        }
        assert!(uses(MarkupFormat::Italic, "_tea_") && uses(MarkupFormat::Italic, "***tea***"));
        assert!(!uses(MarkupFormat::Italic, "**tea**") && !uses(MarkupFormat::Italic, "* tea"));
        assert!(uses(MarkupFormat::Latex, r"\frac{1}{2}") && uses(MarkupFormat::Latex, "$x=1$"));
        assert!(
            !uses(MarkupFormat::Latex, "It costs $5 or $6.") && !uses(MarkupFormat::Latex, "a\\ b")
        );
        assert!(uses(MarkupFormat::Html, "<p>tea</p>") && !uses(MarkupFormat::Html, "a < b </ c"));
    }

    #[test]
    fn emphasis_stands_inside_of_a_line() {
        let uses = |style, text| emphasized(style, text) > 0;
        for text in ["A **tea** here.", "- **Tea**: hot", "**a** and", "**a** **b**"] {
            assert!(uses(Style::Bold, text), "{text}");
        }
        for text in
            ["**Tea**", "# A **tea**", "1. **Tea**", "** **", "```\na **b** c\n```", "a ** b"]
        {
            assert!(!uses(Style::Bold, text), "{text}");
        }
        assert!(uses(Style::Italic, "A *tea*.") && !uses(Style::Italic, "*Tea*"));
        assert!(uses(Style::Underline, "A <u>tea</u>") && !uses(Style::Underline, "<u>Tea</u>"));
        assert!(uses(Style::Code, "A `tea`") && !uses(Style::Code, "`tea`"));
    }

    #[test]
    fn code_lines_are_counted_in_blocks() {
        assert_eq!(code_lines("Code:\n```python\na = 1\n\nb = 2\n```\nDone."), 2);
        assert_eq!(code_lines("a = 1\nb = 2"), 2);
        let commented = "```Python\na = 1  # one\n```";
        assert!(
            count(MarkupFormat::Comments, commented) == 1 && code_blocks(commented, "python") == 1
        );
        assert_eq!(count(MarkupFormat::Comments, "# A heading"), 0);
        let with_output = "```python\na = 1\n```\n输出：\n```\n1\n2\n3\n```\n```js\nb\nc\n```";
        assert_eq!(code_lines(with_output), 3);
        assert_eq!(programs(with_output), [vec!["a = 1"], vec!["b", "c"]]);
        assert_eq!(code_lines("```\na\n```\n```\nb\n```"), 2);
    }

    #[test]
    fn a_name_keeps_its_case() {
        assert_eq!(names("const 购物车 = ShoppingCart对象", "ShoppingCart"), 1);
        assert_eq!(names("const shoppingCart = MyShoppingCart", "ShoppingCart"), 0);
    }

    #[test]
    fn names_in_code_are_whole() {
        let has = |name, text| named_in_code(text, name) > 0;
        let code = "We use NumPy.\n```python\nimport random\nx = model.fit(data)\n```\nRun `kubectl apply -f a`.";
        for name in ["random", "fit", "fit()", "model.fit", "kubectl apply"] {
            assert!(has(name, code), "{name}");
        }
        for name in ["numpy", "rand", "apply -", "kubectl get", "ode"] {
            assert!(!has(name, code), "{name}");
        }
        assert!(has("<p>", "<p class=\"a\">") && !has("<p>", "<pre>") && !has("<p>", "</p>"));
        assert!(has("java.time.localdate", "LocalDate a") && !has("array.isarray", "isArray(a)"));
        assert!(has("-fvisibility", "`gcc -fvisibility=hidden`"));
        assert!(!has("-fvisibility", "`gcc -fvisibility-inlines-hidden`"));
        assert!(has("relu", "`采用ReLU激活函数`") && !has("relu", "`采用LeakyReLU激活`"));
        assert_eq!(called("```\nprint(len(a))\n```"), ["print", "len"]);
    }
}

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
            let measures = [Measure::Markdown, Measure::Items];
            let counted: usize = measures.iter().map(|measure| measure.count(response)).sum();
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
        let whole = body.starts_with(['*', '_']) && body.ends_with(['*', '_']);
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

/// The lines of the code blocks, or of the whole response if it has no code block.
pub(crate) fn code(response: &str) -> Vec<&str> {
    if !response.lines().any(is_fence) {
        return lines::filled(response).collect();
    }
    let mut open = false;
    let in_block = |line: &&str| {
        if is_fence(line) {
            open = !open;
            return false;
        }
        open
    };
    lines::filled(response).filter(in_block).collect()
}

fn is_fence(line: &str) -> bool {
    line.trim_start().starts_with("```")
}

/// The number of filled lines of code.
pub(crate) fn code_lines(response: &str) -> usize {
    code(response).len()
}

/// The number of code blocks that are marked with a language in lower case.
pub(crate) fn code_blocks(response: &str, language: &str) -> usize {
    let marks = response.lines().filter_map(|line| line.trim_start().strip_prefix("```"));
    marks.filter(|mark| fold(mark.trim()) == language).count()
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
        for text in ["Tea.", "2 * 3 * 4", "snake_case_name", "a > b"] {
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
    }
}

//! The text that a reader sees of a response in LaTeX or HTML.

use std::{borrow::Cow, sync::LazyLock};

use regex::Regex;

use crate::lines;

fn pattern(pattern: &str) -> Option<Regex> {
    Regex::new(pattern).ok()
}

/// Commands whose arguments are no text.
static HIDDEN: LazyLock<Option<Regex>> = LazyLock::new(|| {
    pattern(concat!(
        r"(?m)(?:^|[^\\])%.*$|\\(?:begin|end|label|ref|eqref|cite[a-z]*|usepackage|documentclass|bibliography[a-z]*|",
        r"includegraphics|setlength|setcounter|vspace|hspace|input|linespread|newcommand|renewcommand|pagestyle)",
        r"\*?(?:\[[^\]\n]*\]|\{[^{}\n]*\})*",
    ))
});

/// The names of other commands. Their arguments are text, as in `\section{…}`.
static COMMAND: LazyLock<Option<Regex>> =
    LazyLock::new(|| pattern(r"\\(?:[a-zA-Z]+\*?(?:\[[^\]\n]*\])?|.)"));

/// Parts of HTML that no reader sees.
static UNSEEN: LazyLock<Option<Regex>> = LazyLock::new(|| {
    pattern(
        r"(?is)<!--.*?-->|<style\b.*?</style\s*>|<script\b.*?</script\s*>|<title\b.*?</title\s*>|<[!/]?[a-z][^<>]*>|&[a-z]{1,10};",
    )
});

/// The response without the marks of LaTeX or HTML, if it is a document in one of them. Text around a block of code with
/// the document is no part of it.
pub(crate) fn readable(response: &str) -> Cow<'_, str> {
    let latex =
        block(response, &["latex", "tex"]).or_else(|| response.contains(BEGIN).then_some(response));
    if let Some(latex) = latex {
        return Cow::Owned(without_commands(latex));
    }
    let page = |text: &str| ["</html", "</body", "</p>"].iter().any(|tag| text.contains(tag));
    let html = block(response, &["html"]).or(Some(response)).filter(|text| page(text));
    match (html, UNSEEN.as_ref()) {
        (Some(html), Some(unseen)) => Cow::Owned(unseen.replace_all(html, " ").into_owned()),
        _ => Cow::Borrowed(response),
    }
}

const BEGIN: &str = r"\begin{document}";

fn without_commands(latex: &str) -> String {
    let body = latex.split_once(BEGIN).map_or(latex, |(_, body)| body);
    let body = body.split(r"\end{document}").next().unwrap_or(body);
    let (Some(hidden), Some(command)) = (HIDDEN.as_ref(), COMMAND.as_ref()) else {
        return body.to_owned();
    };
    let text = hidden.replace_all(body, " ");
    command.replace_all(&text, " ").into_owned()
}

/// The inside of the first fenced block in one of these languages.
fn block<'a>(response: &'a str, languages: &[&str]) -> Option<&'a str> {
    let mut start = None;
    for (at, line) in lines::all(response) {
        let Some(fence) = line.trim().strip_prefix("```") else { continue };
        match start {
            Some(start) => return response.get(start..at),
            None if languages.contains(&fence.trim().to_lowercase().as_str()) => {
                start = Some(at + line.len() + 1);
            }
            None => {}
        }
    }
    response.get(start?..)
}

#[cfg(test)]
mod tests {
    use super::readable;
    use crate::han::characters;

    #[test]
    fn commands_and_tags_are_no_characters() {
        let latex = "好的：\n```latex\n\\documentclass[12pt]{article}\n\\usepackage{ctex}\n\\begin{document}\n\\section{茶}\n% 注释\n绿茶\\textbf{很}香\\cite{lu}。\n\\begin{itemize}\n\\item 红茶\n\\end{itemize}\n\\end{document}\n```\n完";
        assert_eq!(characters(&readable(latex)), "茶绿茶很香红茶".chars().count());
        let html = "<html><head><title>茶页</title><style>p { color: red }</style></head>\n<body><p class=\"a\">绿茶&nbsp;很<b>香</b></p></body></html>";
        assert_eq!(characters(&readable(html)), 4);
        // Other texts stay as they are, also with a tag or a command.
        for text in ["喝茶 <3 b>", "用 \\section 命令", "```\n\\section{茶}\n```", "<b>茶</b>", ""]
        {
            assert_eq!(readable(text), text);
        }
    }
}

//! The text that a reader sees of a response in LaTeX or HTML.

mod html;
mod latex;

use std::{borrow::Cow, ops::Range};

use crate::{han::characters, lines};

/// The response without the marks of LaTeX or HTML, if it is a document in one of them.
///
/// A LaTeX document has `\begin{document}` and `\end{document}`, and an HTML page starts a line with `<html` or `<body`, in a
/// block of code or without one. A response can have several. Text around the documents is left out if they have at least as
/// many characters; otherwise the response stays as it is, and so does one with a mere snippet.
///
/// The time is linear in the length of the response.
pub(crate) fn readable(response: &str) -> Cow<'_, str> {
    let (mut inside, mut outside, mut is_document) = (String::new(), 0, false);
    for (language, text) in segments(lines::unwrapped(response)) {
        let around = read(language, text, &mut inside);
        is_document |= around.is_some();
        outside += around.unwrap_or_else(|| characters(text));
    }
    if is_document && characters(&inside) >= outside {
        Cow::Owned(inside)
    } else {
        Cow::Borrowed(response)
    }
}

/// Whether a response is a document in LaTeX or HTML: see [`readable`].
pub(crate) fn is_document(response: &str) -> bool {
    matches!(readable(response), Cow::Owned(_))
}

/// A document in a text.
struct Document<'a> {
    /// The place of the document with its preamble.
    range: Range<usize>,
    /// The part with text for readers.
    body: &'a str,
    /// The number of characters in front of the body that belong to no document.
    stray: usize,
}

/// Appends the readable text of the documents in a text, which is a code block if it has a language, and returns the number
/// of characters around them. `None` if there is no document.
fn read(language: Option<&str>, text: &str, out: &mut String) -> Option<usize> {
    let is_block = language.is_some();
    let can_be = |names: &[&str]| {
        language.is_none_or(|name| {
            name.is_empty() || names.iter().any(|known| known.eq_ignore_ascii_case(name))
        })
    };
    let documents = if can_be(&["latex", "tex"]) { latex::documents(text) } else { Vec::new() };
    if !documents.is_empty() {
        for document in &documents {
            latex::read(document.body, out);
            out.push('\n');
        }
        return Some(if is_block { 0 } else { around(text, &documents) });
    }
    let pages = if can_be(&["html", "xhtml", "htm"]) { html::pages(text) } else { Vec::new() };
    if pages.is_empty() {
        return None;
    }
    if is_block {
        html::read(text, out);
        return Some(0);
    }
    for page in &pages {
        html::read(page.body, out);
        out.push('\n');
    }
    Some(around(text, &pages))
}

/// The number of characters around the documents of a text.
fn around(text: &str, documents: &[Document<'_>]) -> usize {
    let mut start = 0;
    let mut count = 0;
    for document in documents {
        count += characters(&text[start..document.range.start]) + document.stray;
        start = document.range.end;
    }
    count + characters(&text[start..])
}

/// The texts between the fences of code blocks. Those inside of blocks have the name of a language, which can be empty.
fn segments(response: &str) -> Vec<(Option<&str>, &str)> {
    let mut found = Vec::new();
    let (mut language, mut start) = (None, 0);
    for (at, line) in lines::all(response) {
        let label = line.trim().trim_start_matches('`');
        // ```a``` on one line is no fence.
        if line.trim().len() - label.len() < 3 || label.contains('`') {
            continue;
        }
        found.push((language, &response[start..at]));
        language = match language {
            Some(_) => None,
            None => Some(label.split_whitespace().next().unwrap_or_default()),
        };
        start = response.len().min(at + line.len() + 1);
    }
    found.push((language, &response[start..]));
    found
}

#[cfg(test)]
mod tests {
    use super::{is_document, readable};
    use crate::han::characters;

    fn count(response: &str) -> usize {
        characters(&readable(response))
    }

    const LATEX: &str = "\\documentclass[12pt]{article}\n\\usepackage{ctex}\n\\title{茶}\n\\begin{document}\n\\section{茶}\n绿茶香。\n\\end{document}";
    const PAGE: &str = "<!DOCTYPE html>\n<html><head><title>茶页</title></head>\n<body><p>绿茶香。</p></body>\n</html>";

    #[test]
    fn a_document_is_counted_with_or_without_a_block() {
        for (document, language, size) in [(LATEX, "latex", 4), (PAGE, "HTML", 3)] {
            for text in [
                document.to_owned(),
                format!("好的：\n```{language}\n{document}\n```\n完"),
                format!("好的：\n```\n{document}\n```\n完"),
                format!("```markdown\n好的：\n```{language}\n{document}\n```\n```"),
                format!("好的：\n\n{document}\n\n完。"),
                format!("```{language}\n{document}"),
            ] {
                assert_eq!(count(&text), size, "{text}");
                assert!(is_document(&text));
            }
        }
    }

    #[test]
    fn all_documents_count() {
        assert_eq!(count(&format!("```tex\n{LATEX}\n```\n和\n```tex\n{LATEX}\n```")), 8);
        assert_eq!(count(&format!("{PAGE}\n和\n{PAGE}")), 6);
        assert_eq!(count(&format!("```latex\n{LATEX}\n```\n```html\n{PAGE}\n```")), 7);
        assert_eq!(count("<body>绿茶</body>\n和\n<html>红茶</html>"), 4);
    }

    #[test]
    fn prose_with_a_document_or_a_snippet_stays() {
        let prose = "茶很好。".repeat(500);
        for snippet in [
            "```latex\nE=mc^2\n```".to_owned(),
            "```latex E=mc^2```".to_owned(),
            "```latex\n\\begin{document}\n```".to_owned(),
            "```html\n<p>茶</p>\n```".to_owned(),
            format!("```latex\n{LATEX}\n```"),
            format!("```html\n{PAGE}\n```"),
            LATEX.to_owned(),
            PAGE.to_owned(),
            format!("```python\n{PAGE}\n```"),
        ] {
            let text = format!("{prose}\n{snippet}\n{prose}");
            assert_eq!(readable(&text), text);
            assert!(count(&text) > 3_000 && !is_document(&text));
        }
    }

    #[test]
    fn prose_about_a_document_stays() {
        for text in [
            "正文写在 \\begin{document} 之后，\\section{…} 是标题。",
            "正文写在 \\begin{document} 和 \\end{document} 之间，导言区在它们前面。",
            "\\documentclass{article} 是第一行。\n导言区写宏包和标题。\n正文写在 \\begin{document} 和 \\end{document} 之间。",
            "网页由 <html> 和 </html> 包围，文字在 <body> 里，如 <p>茶</p>。",
            "<bodyguard> 不是标签。",
            "喝茶 <3 b>",
            "用 \\section 命令",
            "```\n\\section{茶}\n```",
            "<b>茶</b>",
            "<p>茶</p>",
            "",
        ] {
            assert_eq!(readable(text), text);
        }
        // The negative control: the tags of a page are no characters.
        assert_eq!((count("<p>茶</p>"), count("<body>\n<p>茶</p>")), (3, 1));
    }

    #[test]
    fn a_mention_in_front_of_a_document_is_no_part_of_it() {
        assert_eq!(count(&format!("见 \\begin{{document}}：\n{LATEX}")), 4);
    }
}

//! The text of LaTeX documents.

use super::Document;
use crate::{han::characters, lines};

const BEGIN: &str = r"\begin{document}";
const END: &str = r"\end{document}";

/// The documents of a text: from the line that starts with `\documentclass`, or from `\begin{document}`, to
/// `\end{document}`.
pub(super) fn documents(text: &str) -> Vec<Document<'_>> {
    let mut found = Vec::new();
    let mut start = 0;
    while let Some(end) = text[start..].find(END).map(|at| start + at) {
        let before = &text[start..end];
        if let Some(begin) = before.rfind(BEGIN) {
            let preamble = &before[..begin];
            let class = lines::all(preamble)
                .filter(|(_, line)| line.trim_start().starts_with(r"\documentclass"))
                .last();
            let class = class.map_or(begin, |(at, _)| at);
            // Lines of a preamble start with commands, comments and brackets.
            let is_prose = |line: &&str| line.trim_start().starts_with(char::is_alphanumeric);
            let stray = preamble[class..].split('\n').filter(is_prose).map(characters).sum();
            found.push(Document {
                range: start + class..end + END.len(),
                body: &before[begin + BEGIN.len()..],
                stray,
            });
        }
        start = end + END.len();
    }
    found
}

/// Appends the text of a body without commands and comments.
pub(super) fn read(body: &str, out: &mut String) {
    let mut rest = body;
    while let Some(at) = rest.find(['\\', '%']) {
        out.push_str(&rest[..at]);
        out.push(' ');
        rest = match rest[at..].strip_prefix('\\') {
            Some(command) => &command[command_len(command)..],
            // A comment ends with its line.
            None => rest[at..].find('\n').map_or("", |end| &rest[at + end..]),
        };
    }
    out.push_str(rest);
}

/// The length of the command in front of a text, without its backslash and with the arguments that are no text.
fn command_len(text: &str) -> usize {
    let letters = text.bytes().take_while(u8::is_ascii_alphabetic).count();
    let name = &text[..letters];
    // \% is a sign, and \\ ends a line.
    let sign = text.chars().next().filter(|_| name.is_empty());
    let mut len = letters + sign.map_or(0, char::len_utf8);
    if sign.is_some_and(|sign| sign != '\\') {
        return len;
    }
    len += usize::from(text[len..].starts_with('*'));
    let mut hidden = hidden_arguments(name);
    loop {
        let rest = &text[len..];
        let group = match rest.bytes().next() {
            // The words in \item[…] are text.
            Some(b'[') if name != "item" => group_len(rest, b'[', b']'),
            Some(b'{') if hidden > 0 => {
                hidden -= 1;
                group_len(rest, b'{', b'}')
            }
            _ => None,
        };
        match group {
            Some(group) => len += group,
            None => return len,
        }
    }
}

/// The number of arguments in braces of a command that are no text.
fn hidden_arguments(name: &str) -> usize {
    const ALL: usize = usize::MAX;
    match name {
        "textcolor" | "colorbox" | "href" | "hypertarget" | "hyperlink" | "parbox" | "raisebox"
        | "scalebox" | "rotatebox" | "foreignlanguage" => 1,
        "fcolorbox" | "multicolumn" | "multirow" | "resizebox" => 2,
        "begin" | "end" | "label" | "ref" | "eqref" | "pageref" | "autoref" | "usepackage"
        | "documentclass" | "includegraphics" | "graphicspath" | "setlength" | "addtolength"
        | "setcounter" | "addtocounter" | "vspace" | "hspace" | "rule" | "input" | "include"
        | "linespread" | "setstretch" | "fontsize" | "color" | "definecolor" | "pagecolor"
        | "rowcolor" | "cellcolor" | "newcommand" | "renewcommand" | "providecommand"
        | "newtheorem" | "pagestyle" | "thispagestyle" | "pagenumbering" | "geometry"
        | "hypersetup" | "cline" | "cmidrule" | "addbibresource" | "bibitem" => ALL,
        _ if name.starts_with("cite") || name.starts_with("bibliography") => ALL,
        _ => 0,
    }
}

/// The most levels of brackets in an argument. A scan for the end of an argument stops below them, so that no place is in
/// more than as many scans.
const MOST_LEVELS: usize = 3;

/// The length of the group in brackets that a text starts with. `None` if it does not end on its line.
fn group_len(text: &str, open: u8, close: u8) -> Option<usize> {
    let mut level = 0;
    let mut is_escaped = false;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'\n' => return None,
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = true,
            _ if byte == open && level == MOST_LEVELS => return None,
            _ if byte == open => level += 1,
            _ if byte == close && level == 1 => return Some(at + 1),
            _ if byte == close => level -= 1,
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::read;
    use crate::han::characters;

    fn count(body: &str) -> usize {
        let mut text = String::new();
        read(body, &mut text);
        characters(&text)
    }

    #[test]
    fn commands_are_no_characters() {
        let body = "\\section*{茶}\n% 注释\n绿茶\\textbf{很}香\\cite{lu}\\\\[2pt]\n\\begin{itemize}[label=a]\n\\item 红茶\n\\end{itemize}";
        assert_eq!(count(body), "茶绿茶很香红茶".chars().count());
        assert_eq!(count("\\begin{tabular}{|p{3cm}|c|}茶 & \\multicolumn{2}{c}{水}"), 2);
        assert_eq!(count("\\item[绿茶] 香"), 3);
        assert_eq!(count("\\section[短]{茶}"), 1);
        assert_eq!(count(""), 0);
        assert_eq!(count("茶\\"), 1);
        assert_eq!(count("\\茶"), 0);
    }

    #[test]
    fn the_text_in_a_color_counts_without_the_color() {
        assert_eq!(count("\\textcolor{red}{红茶}"), 2);
        assert_eq!(count("\\textcolor[rgb]{1,0,0}{\\textbf{红茶}}"), 2);
        assert_eq!(
            count("{\\color{red}红茶}\\fcolorbox{red}{white}{香}\\href{https://a.b}{茶}"),
            4
        );
        // The negative control: other arguments are text.
        assert_eq!(count("\\textbf{red}{红茶}"), 3);
    }

    #[test]
    fn a_comment_starts_at_its_sign() {
        assert_eq!(count("绿茶% 注释\n红茶"), 4);
        assert_eq!(count("茶\\\\% 注释\n水"), 2);
        assert_eq!(count("%注释\n%注释"), 0);
        // The negative control: \% is a sign.
        assert_eq!(count("绿茶占 3\\% 左右"), 6);
    }

    #[test]
    fn arguments_without_an_end_are_text() {
        assert_eq!(count("\\label{茶\n水"), 2);
        assert_eq!(count("\\begin[茶\n水]"), 2);
        assert_eq!(count("\\label{{{{茶}}}}"), 1);
        assert_eq!(count("\\label{a\\}b{{茶}}}水"), 1);
    }
}

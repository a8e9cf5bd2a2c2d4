//! The text of HTML pages.

use super::Document;
use crate::lines;

/// The pages of a text: from a line that starts with `<html`, `<body` or a document type to the end of the element, or to the
/// end of the text without one.
pub(super) fn pages(text: &str) -> Vec<Document<'_>> {
    let mut found = Vec::new();
    if !text.contains('<') {
        return found;
    }
    let folded = text.to_ascii_lowercase();
    let mut html = Next::new(&folded, "</html");
    let mut body = Next::new(&folded, "</body");
    let mut end = 0;
    for (start, line) in lines::all(&folded) {
        let line = line.trim_start();
        if start < end || !starts_page(line) {
            continue;
        }
        let close = if line.starts_with("<body") {
            body.from(start).or_else(|| html.from(start))
        } else {
            html.from(start).or_else(|| body.from(start))
        };
        // The closing tags have the same length.
        end = close.map_or(text.len(), |at| at + "</html".len());
        end += usize::from(text[end..].starts_with('>'));
        found.push(Document { range: start..end, body: &text[start..end], stray: 0 });
    }
    found
}

/// Whether a line in lower case starts with the first tag of a page.
fn starts_page(line: &str) -> bool {
    ["<!doctype html", "<html", "<body"].iter().any(|tag| {
        let rest = line.strip_prefix(tag);
        rest.is_some_and(|rest| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '-'))
    })
}

/// The first place of a word at or behind places that only grow. All searches together read the text once.
struct Next<'a> {
    text: &'a str,
    word: &'static str,
    /// The place that was found last, or the maximum if there is none.
    found: Option<usize>,
}

impl<'a> Next<'a> {
    fn new(text: &'a str, word: &'static str) -> Self {
        Self { text, word, found: None }
    }

    fn from(&mut self, start: usize) -> Option<usize> {
        let known = self.found.filter(|at| *at >= start);
        let at = known.unwrap_or_else(|| {
            self.text[start..].find(self.word).map_or(usize::MAX, |at| start + at)
        });
        self.found = Some(at);
        Some(at).filter(|at| *at < usize::MAX)
    }
}

/// Appends the text of a page without tags, comments, and elements that no reader sees.
pub(super) fn read(page: &str, out: &mut String) {
    let folded = page.to_ascii_lowercase();
    let mut comment = Next::new(&folded, "-->");
    let mut unseen = [("style", "</style"), ("script", "</script"), ("title", "</title")]
        .map(|(name, close)| (name, Next::new(&folded, close)));
    let mut start = 0;
    while let Some(at) = page[start..].find(['<', '&']).map(|at| start + at) {
        out.push_str(&page[start..at]);
        let mark = &folded[at..];
        let end = if mark.starts_with('&') {
            entity(mark).map(|(c, len)| {
                out.push(c);
                at + len
            })
        } else if mark.starts_with("<!--") {
            comment.from(at + "<!--".len()).map(|end| end + "-->".len())
        } else {
            tag(mark).map(|(name, len)| {
                out.push(' ');
                // The closing tag follows as a tag.
                let close = unseen.iter_mut().find(|(known, _)| *known == name);
                close.and_then(|(_, close)| close.from(at)).unwrap_or(at + len)
            })
        };
        start = end.unwrap_or_else(|| {
            out.push_str(&mark[..1]);
            at + 1
        });
    }
    out.push_str(&page[start..]);
}

/// The name and the length of the tag that a text in lower case starts with. The name of a closing tag is empty.
fn tag(text: &str) -> Option<(&str, usize)> {
    let inner = &text[1..];
    let named = inner.strip_prefix(['!', '/', '?']).unwrap_or(inner);
    if !named.starts_with(|c: char| c.is_ascii_alphabetic()) {
        return None;
    }
    let end = inner.find(['<', '>']).filter(|at| inner[*at..].starts_with('>'))?;
    let name = inner.bytes().take_while(u8::is_ascii_alphanumeric).count();
    Some((&inner[..name], end + 2))
}

/// The longest name or number of an entity, in bytes.
const MOST_ENTITY: usize = 32;

/// The character of the entity that a text in lower case starts with, and the length of the entity. Entities with names are
/// spaces here, because they stand for signs.
fn entity(text: &str) -> Option<(char, usize)> {
    let inner = text.bytes().skip(1).take(MOST_ENTITY);
    let len = inner.take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'#').count();
    let (body, rest) = text[1..].split_at(len);
    if !rest.starts_with(';') {
        return None;
    }
    // The sign & and the semicolon.
    let len = len + 2;
    let Some(number) = body.strip_prefix('#') else {
        let is_name = body.starts_with(|c: char| c.is_ascii_alphabetic())
            && body.bytes().all(|byte| byte.is_ascii_alphanumeric());
        return is_name.then_some((' ', len));
    };
    let (digits, radix) = number.strip_prefix('x').map_or((number, 10), |hex| (hex, 16));
    let is_number = !digits.is_empty() && digits.chars().all(|c| c.is_digit(radix));
    let code = u32::from_str_radix(digits, radix).ok().filter(|_| is_number);
    let c = code.and_then(char::from_u32).unwrap_or(' ');
    is_number.then_some((c, len))
}

#[cfg(test)]
mod tests {
    use super::{pages, read};
    use crate::han::characters;

    fn text(page: &str) -> String {
        let mut text = String::new();
        read(page, &mut text);
        text
    }

    fn count(page: &str) -> usize {
        characters(&text(page))
    }

    #[test]
    fn tags_are_no_characters() {
        let page = "<html><head><title>茶页</title><style>p { color: red }</style></head>\n<body><p class=\"a\">绿茶&nbsp;很<b>香</b></p></body></html>";
        assert_eq!((count(page), count(&page.to_uppercase())), (4, 4));
        assert_eq!(count("<SCRIPT>a < b</SCRIPT >茶<!-- 注释\n-->水<br/>"), 2);
        assert_eq!(count("<titles>茶</titles>"), 1);
        // Elements without an end are text, and so is a sign.
        assert_eq!(count("<style>茶<script>水<title>好<!-- 注"), 4);
        assert_eq!(count("3 < 5, 5 > 3 <"), 4);
    }

    #[test]
    fn entities_are_the_characters_that_they_stand_for() {
        assert_eq!(text("a&#8212;b&#x8336;&#X6C34;"), "a—b茶水");
        assert_eq!(count("绿茶&#8212;香&amp;浓&frac12;"), 4);
        // The negative control: these are no entities.
        for text in ["&#;", "&;", "&#12a;", "&#x;", "&茶;", "&#+1;", "& a;", "&"] {
            assert_eq!(self::text(text), text);
        }
        assert_eq!(text("&#99999999999;&#xD800;"), "  ");
    }

    #[test]
    fn a_page_ends_with_its_element() {
        let found = |text: &str| -> Vec<String> {
            pages(text).iter().map(|page| page.body.to_owned()).collect()
        };
        assert_eq!(found("a\n<HTML>b</body></HTML>c"), ["<HTML>b</body></HTML>"]);
        assert_eq!(found("  <body>b</body>\n<html>c"), ["  <body>b</body>", "<html>c"]);
        assert_eq!(
            found("<!doctype html>\n<html>\na</html\n<html>"),
            ["<!doctype html>\n<html>\na</html", "<html>"]
        );
        for text in ["a <html>", "<htmlx>", "<body-part>", "</html>", "html"] {
            assert!(found(text).is_empty(), "{text}");
        }
    }
}

//! The parts of a response that a judge copied.

use std::sync::LazyLock;

use regex::Regex;

use crate::data::MAX_PARTS;
use crate::text::{after_last, strip, without_fences};
use crate::{Mode, Unjudged};

const HEADING: &str = "【模型回复中评分问题的评测对象】\n";
const REMARKS: [&str; 3] = ["\n\n请注意", "\n\n**注意", "\n\n注意"];

static LABEL: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?:评分对象|评测对象)(?:\*\*)?\s*[：:](?:\*\*)?")
        .unwrap_or_else(|error| unreachable!("a constant pattern: {error}"))
});

/// Whether a text contains the label that introduces copied parts.
pub(super) fn has_label(text: &str) -> bool {
    LABEL.is_match(text)
}

/// Reads the copied parts of a reply. `paper` keeps what the published code keeps, for instance the word `all` itself if a
/// space precedes it.
///
/// # Errors
/// `repaired` returns the reason if the answer has no label, or a part that does not occur in the reply.
pub fn objects(mode: Mode, reply: Option<&str>, answer: &str) -> Result<Vec<String>, Unjudged> {
    match mode {
        Mode::Paper => Ok(published(reply, answer)),
        Mode::Repaired => repaired(reply, answer),
    }
}

fn without_remarks(mut text: &str) -> &str {
    for remark in REMARKS {
        text = text.rfind(remark).map_or(text, |at| &text[..at]);
    }
    text
}

fn published(reply: Option<&str>, answer: &str) -> Vec<String> {
    let text = without_remarks(after_last(answer, HEADING).unwrap_or(answer));
    let labels = ["评分对象：", "评测对象：", "："];
    let text = labels.iter().find_map(|label| after_last(text, label)).unwrap_or(text);
    if text.starts_with("all") {
        reply.map(str::to_owned).into_iter().collect()
    } else if text.contains("None") {
        Vec::new()
    } else {
        text.split("||").map(|part| strip(part).to_owned()).collect()
    }
}

fn repaired(reply: Option<&str>, answer: &str) -> Result<Vec<String>, Unjudged> {
    let answer = without_fences(answer);
    let label = LABEL.find_iter(&answer).last().ok_or(Unjudged::NoVerdict)?;
    let text = without_remarks(&answer[label.end()..]).trim();
    let ends = ['.', '。'];
    let word = unquoted(text.trim_end_matches(ends)).trim_end_matches(ends);
    if word.eq_ignore_ascii_case("all") {
        return Ok(reply.map(str::to_owned).into_iter().collect());
    }
    if word.eq_ignore_ascii_case("none") {
        return Ok(Vec::new());
    }
    let reply = collapsed(reply.unwrap_or_default());
    let mut parts = Vec::new();
    for part in text.split("||").map(str::trim).filter(|part| !part.is_empty()) {
        if parts.len() == MAX_PARTS {
            return Err(Unjudged::Count);
        }
        let quoted = [part, unquoted(part)];
        let found = quoted.into_iter().find(|part| reply.contains(&collapsed(part)));
        parts
            .push(found.filter(|part| !part.is_empty()).ok_or(Unjudged::NotAQuotation)?.to_owned());
    }
    if parts.is_empty() { Err(Unjudged::NoVerdict) } else { Ok(parts) }
}

/// The text without one pair of quotation marks around it.
fn unquoted(text: &str) -> &str {
    let pairs = [('"', '"'), ('“', '”'), ('\'', '\''), ('‘', '’'), ('`', '`'), ('「', '」')];
    let inside =
        pairs.iter().find_map(|&(open, close)| text.strip_prefix(open)?.strip_suffix(close));
    inside.unwrap_or(text).trim()
}

fn collapsed(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(answer: &str) -> Result<Vec<String>, Unjudged> {
        objects(Mode::Repaired, Some("Title: a  b\n\nText “c”."), answer)
    }

    #[test]
    fn parts_are_quotations() {
        assert_eq!(read("评分对象： ALL"), Ok(vec!["Title: a  b\n\nText “c”.".into()]));
        assert_eq!(read("评测对象: 'none'。"), Ok(Vec::new()));
        assert_eq!(read("评分对象：a b || “Text”||"), Ok(vec!["a b".into(), "Text".into()]));
        assert_eq!(read("评分对象：“c”"), Ok(vec!["“c”".into()]));
        assert_eq!(read("评分对象：a b || d"), Err(Unjudged::NotAQuotation));
        assert_eq!(read("Title: a b"), Err(Unjudged::NoVerdict));
        assert_eq!(read("评分对象："), Err(Unjudged::NoVerdict));
    }
}

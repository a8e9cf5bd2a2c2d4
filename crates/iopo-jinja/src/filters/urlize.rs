//! The filter `urlize`.

use std::fmt::Write as _;
use std::sync::LazyLock;

use regex::Regex;

use super::html::escaped;
use crate::args::{Args, flag, given};
use crate::budget;
use crate::error::{Error, Result};
use crate::methods::words;
use crate::operators::check_size;
use crate::unicode::is_space;
use crate::value::{Text, Value, iterate, repr};

/// Links with a scheme, with `www.`, or with a common domain.
const HTTP: &str = r"(?ix)^(
    (https?://|www\.) (([\w%-]+\.)+)? ([a-z]{2,63} | xn--[\w%]{2,59})
    | ([\w%-]{2,63}\.)+ (com|net|int|edu|gov|org|info|mil)
    | (https?://) ( ([\d]{1,3})(\.[\d]{1,3}){3} | (\[([\da-f]{0,4}:){2}([\da-f]{0,4}:?){1,6}\]) )
) (?::[\d]{1,5})? (?:[/?\#]\S*)? $";

static HTTP_RE: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(HTTP).ok());
static EMAIL_RE: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"^\S+@\w[\w.-]*\.\w+$").ok());

fn matches(pattern: &LazyLock<Option<Regex>>, text: &str) -> bool {
    pattern.as_ref().is_some_and(|pattern| pattern.is_match(text))
}

pub(super) fn apply(value: &Value, args: Args) -> Result<Value> {
    let [limit, nofollow, target, rel, schemes] =
        args.bind("urlize", ["trim_url_limit", "nofollow", "target", "rel", "extra_schemes"])?;
    let limit = given(limit).map(|limit| limit.index()).transpose()?;
    let rel = given(rel);
    let rel = rel.as_ref().map_or(Ok(""), |rel| rel.text("urlize"))?;
    let mut rels: Vec<&str> = words(rel, usize::MAX);
    if flag(nofollow.as_ref()) {
        rels.push("nofollow");
    }
    rels.push("noopener");
    rels.sort_unstable();
    rels.dedup();
    let plain = |text: String| Text { text: text.into(), safe: false };
    let mut attributes = format!(" rel=\"{}\"", escaped(&plain(rels.join(" "))));
    if let Some(target) = given(target) {
        let target = escaped(&plain(repr::to_str(&target)));
        let _ = write!(attributes, " target=\"{target}\"");
    }
    let mut extra = Vec::new();
    for scheme in given(schemes).map_or(Ok(Vec::new()), |schemes| iterate::items(&schemes))? {
        let scheme = scheme.text("urlize")?.to_owned();
        let name = scheme.trim_end_matches('/').strip_suffix(':');
        let slashes = scheme.len() - scheme.trim_end_matches('/').len();
        if name.is_none_or(|name| name.chars().count() < 2) || slashes > 2 {
            return Err(Error::value(format!("'{scheme}' is not a valid URI scheme prefix")));
        }
        extra.push(scheme);
    }
    let text = escaped(&repr::to_text(value));
    // Several patterns are tried on each word.
    budget::charge(text.len() / 16)?;
    let mut out = String::new();
    let mut rest = text.as_str();
    while !rest.is_empty() {
        let blank = rest.starts_with(is_space);
        let end = rest.find(|c: char| is_space(c) != blank).unwrap_or(rest.len());
        let (part, after) = rest.split_at(end);
        if blank {
            out.push_str(part);
        } else {
            budget::charge(1 + extra.len() / 16)?;
            out.push_str(&linked(part, limit, &attributes, &extra));
        }
        check_size(out.len())?;
        rest = after;
    }
    Ok(Value::str(out))
}

/// Takes marks from the front of a text.
fn lead(text: &str, marks: &[&str]) -> usize {
    let mut len = 0;
    while let Some(mark) = marks.iter().find(|mark| text[len..].starts_with(**mark)) {
        len += mark.len();
    }
    len
}

/// Takes marks from the end of a text.
fn trail(text: &str, marks: &[&str]) -> usize {
    let mut rest = text;
    while let Some(shorter) = marks.iter().find_map(|mark| rest.strip_suffix(mark)) {
        rest = shorter;
    }
    text.len() - rest.len()
}

fn linked(word: &str, limit: Option<i128>, attributes: &str, extra: &[String]) -> String {
    let (head, middle) = word.split_at(lead(word, &["(", "<", "&lt;"]));
    let tail_len = trail(middle, &[")", ">", ".", ",", "\n", "&gt;"]);
    let (middle, tail) = middle.split_at(middle.len() - tail_len);
    let (mut middle, mut tail) = (middle.to_owned(), tail.to_owned());
    for (open, close) in [("(", ")"), ("<", ">"), ("&lt;", "&gt;")] {
        let opened = middle.matches(open).count();
        if opened <= middle.matches(close).count() {
            continue;
        }
        // The word includes as many closing marks as it has open ones.
        if let Some((at, _)) = tail.match_indices(close).take(opened).last() {
            let end = at + close.len();
            middle.push_str(&tail[..end]);
            tail.replace_range(..end, "");
        }
    }
    let trimmed = match limit {
        Some(limit) if middle.chars().count() as i128 > limit => {
            let kept: String = middle.chars().take(limit.max(0) as usize).collect();
            format!("{kept}...")
        }
        _ => middle.clone(),
    };
    let link = if matches(&HTTP_RE, &middle) {
        let scheme = if middle.starts_with("https://") || middle.starts_with("http://") {
            ""
        } else {
            "https://"
        };
        format!("<a href=\"{scheme}{middle}\"{attributes}>{trimmed}</a>")
    } else if let Some(address) =
        middle.strip_prefix("mailto:").filter(|address| matches(&EMAIL_RE, address))
    {
        format!("<a href=\"{middle}\">{address}</a>")
    } else if !middle.starts_with("www.")
        && !middle.starts_with('@')
        && !middle.contains(':')
        && matches(&EMAIL_RE, &middle)
    {
        format!("<a href=\"mailto:{middle}\">{middle}</a>")
    } else if extra.iter().any(|scheme| middle != *scheme && middle.starts_with(scheme.as_str())) {
        format!("<a href=\"{middle}\"{attributes}>{middle}</a>")
    } else {
        middle
    };
    format!("{head}{link}{tail}")
}

#[cfg(test)]
mod tests {
    use super::{EMAIL_RE, HTTP_RE, linked};

    #[test]
    fn links_and_addresses_are_found() {
        assert!(HTTP_RE.is_some() && EMAIL_RE.is_some());
        let of = |word| linked(word, None, " rel=\"noopener\"", &[]);
        let link = |url: &str, text: &str| format!("<a href=\"{url}\" rel=\"noopener\">{text}</a>");
        assert_eq!(of("(www.a.org)."), format!("({}).", link("https://www.a.org", "www.a.org")));
        assert_eq!(of("http://a.com/b?c"), link("http://a.com/b?c", "http://a.com/b?c"));
        assert_eq!(of("me@a.org"), "<a href=\"mailto:me@a.org\">me@a.org</a>");
        assert_eq!(of("plain"), "plain");
    }
}

//! Cases and character classes of strings.

use crate::unicode::{
    decimal, folded, is_alnum, is_alpha, is_cased, is_digit, is_numeric, is_printable, is_space,
    is_title, push_title,
};

/// The text in another case; `None` if the method is another one.
pub(super) fn converted(text: &str, method: &str) -> Option<String> {
    Some(match method {
        "lower" => text.to_lowercase(),
        "upper" => text.to_uppercase(),
        "casefold" => folded(text),
        "capitalize" => capitalized(text),
        "title" => titled(text),
        "swapcase" => swapped(text),
        _ => return None,
    })
}

/// The first character in title case, the others in lower case.
pub(crate) fn capitalized(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    if let Some(first) = chars.next() {
        push_title(&mut out, first);
        // The whole text decides about a final sigma.
        let lower = text.to_lowercase();
        let skip: usize = first.to_lowercase().count();
        out.extend(lower.chars().skip(skip));
    }
    out
}

/// The first cased character of each word in title case.
fn titled(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut inside = false;
    let mut word = String::new();
    for c in text.chars() {
        if inside {
            word.push(c);
        } else {
            push_title(&mut out, c);
        }
        let cased = is_cased(c);
        if inside && !cased {
            // Lowered as a whole, for a final sigma.
            out.push_str(&lowered_tail(&word));
            word.clear();
        }
        inside = cased;
    }
    out.push_str(&lowered_tail(&word));
    out
}

/// The lower case of the rest of a word.
fn lowered_tail(text: &str) -> String {
    // A letter before the text, so that a sigma at its start can be a final one.
    let lower = format!("a{text}").to_lowercase();
    lower[1..].to_owned()
}

fn swapped(text: &str) -> String {
    let lower = text.to_lowercase();
    let sigma_final = lower.ends_with('ς') && text.ends_with('Σ');
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_uppercase() {
            out.extend(c.to_lowercase());
        } else if c.is_lowercase() {
            out.extend(c.to_uppercase());
        } else {
            out.push(c);
        }
    }
    if sigma_final && out.ends_with('σ') {
        out.pop();
        out.push('ς');
    }
    out
}

/// Whether the text has a property; `None` if the method is another one.
pub(super) fn is(text: &str, method: &str) -> Option<bool> {
    let all = |test: fn(char) -> bool| !text.is_empty() && text.chars().all(test);
    Some(match method {
        "isalpha" => all(is_alpha),
        "isalnum" => all(is_alnum),
        "isascii" => text.is_ascii(),
        "isdecimal" => all(|c| decimal(c).is_some()),
        "isdigit" => all(is_digit),
        "isnumeric" => all(is_numeric),
        "isprintable" => text.chars().all(is_printable),
        "isspace" => all(is_space),
        "isidentifier" => identifier(text),
        "islower" => lower(text),
        "isupper" => upper(text),
        "istitle" => title(text),
        _ => return None,
    })
}

/// `str.islower`: some cased characters, all of them lower case.
pub(crate) fn lower(text: &str) -> bool {
    text.chars().any(char::is_lowercase) && !text.chars().any(|c| c.is_uppercase() || is_title(c))
}

/// `str.isupper`: some cased characters, all of them upper case.
pub(crate) fn upper(text: &str) -> bool {
    text.chars().any(char::is_uppercase) && !text.chars().any(|c| c.is_lowercase() || is_title(c))
}

fn title(text: &str) -> bool {
    let (mut inside, mut found) = (false, false);
    for c in text.chars() {
        let (begins, continues) = (c.is_uppercase() || is_title(c), c.is_lowercase());
        if (begins && inside) || (continues && !inside) {
            return false;
        }
        inside = begins || continues;
        found |= inside;
    }
    found
}

fn identifier(text: &str) -> bool {
    let mut chars = text.chars();
    chars.next().is_some_and(|c| c == '_' || c.is_alphabetic())
        && chars.all(|c| c == '_' || c.is_alphanumeric() || matches!(c, '\u{300}'..='\u{36f}'))
}

#[cfg(test)]
mod tests {
    use super::{converted, is};

    #[test]
    fn cases_are_those_of_python() {
        for (text, method, expected) in [
            ("it's ok", "title", "It'S Ok"),
            ("ǆ ß", "title", "ǅ Ss"),
            ("ΟΔΟΣ ΣΑΣ", "title", "Οδος Σας"),
            ("aB ß", "swapcase", "Ab SS"),
            ("aB cD", "capitalize", "Ab cd"),
            ("ß", "upper", "SS"),
            ("ΟΔΟΣ", "lower", "οδος"),
        ] {
            assert_eq!(converted(text, method).as_deref(), Some(expected), "{method} of {text}");
        }
        assert_eq!(converted("a", "strip"), None);
    }

    #[test]
    fn classes_are_those_of_python() {
        for (text, method, expected) in [
            ("½", "isnumeric", true),
            ("½", "isdecimal", false),
            ("²", "isdigit", true),
            ("٣", "isdecimal", true),
            ("", "isalpha", false),
            ("", "isprintable", true),
            ("Ab Cd", "istitle", true),
            ("AB", "istitle", false),
            ("a1_", "isidentifier", true),
            ("1a", "isidentifier", false),
            ("a1", "islower", true),
            ("1", "islower", false),
        ] {
            assert_eq!(is(text, method), Some(expected), "{method} of {text:?}");
        }
    }
}

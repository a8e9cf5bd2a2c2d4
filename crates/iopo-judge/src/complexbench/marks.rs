//! Punctuation, normalized as the published rules compare it.

use crate::Unjudged;

/// Converts ASCII marks to full-width ones, and curly double quotes into straight ones.
pub(super) fn full_width(text: &str) -> String {
    text.chars().map(mark).collect()
}

fn mark(c: char) -> char {
    match c {
        '.' => '。',
        '!' => '！',
        '#' => '＃',
        '$' => '＄',
        '%' => '％',
        '&' => '＆',
        '(' => '（',
        ')' => '）',
        '*' => '＊',
        ',' => '，',
        ':' => '：',
        ';' => '；',
        '?' => '？',
        '\\' => '＼',
        '^' => '＾',
        '“' | '”' => '"',
        other => other,
    }
}

/// Whether the marks of a text are among the allowed ones. Marks without an ASCII form are ignored.
pub(super) fn only(text: &str, allowed: &[String]) -> bool {
    let allowed: String = allowed.iter().map(|one| full_width(one)).collect();
    let marks: String =
        (0..=127_u8).map(char::from).filter(char::is_ascii_punctuation).map(mark).collect();
    full_width(text).chars().all(|c| !marks.contains(c) || allowed.contains(c))
}

/// Removes leading newlines and one pair of quotes.
///
/// Returns [`Unjudged::ReferenceRaises`] for a text of newlines only, where the published code indexes an empty text.
pub(super) fn bare(text: &str) -> Result<&str, Unjudged> {
    let text = text.trim_start_matches('\n');
    if text.is_empty() {
        return Err(Unjudged::ReferenceRaises);
    }
    let pairs = [('"', '"'), ('“', '”'), ('`', '`')];
    let inside =
        pairs.iter().find_map(|&(open, close)| text.strip_prefix(open)?.strip_suffix(close));
    Ok(inside.unwrap_or(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_compared_by_their_images() {
        assert_eq!(full_width("a.b,“c”!"), "a。b，\"c\"！");
        assert!(only("a，b.", &["，".into(), "。".into()]));
        assert!(!only("a-b", &[]) && only("《a、b》", &[]));
    }

    #[test]
    fn one_pair_of_quotes_is_removed() {
        assert_eq!(bare("\n\n“a”"), Ok("a"));
        assert_eq!(bare("\""), Ok("\""));
        assert_eq!(bare("\n"), Err(Unjudged::ReferenceRaises));
    }
}

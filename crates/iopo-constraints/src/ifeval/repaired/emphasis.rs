//! Passages in Markdown emphasis within a line: `*a*`, `**a**` or `***a***`.

/// The number of emphasized passages. Asterisks next to an inner space do not open or close a passage, so list items
/// and products do not count.
pub(super) fn passages(text: &str) -> usize {
    text.split('\n').map(in_line).sum()
}

/// The number of passages in a line. A run of the same length closes an opening run of asterisks.
fn in_line(line: &str) -> usize {
    let mut count = 0;
    let mut rest = line;
    // Whether a run of 1, 2 or 3 asterisks is open, by length.
    let mut open = [false; 4];
    let mut before = ' ';
    while let Some(at) = rest.find('*') {
        let after = rest[at..].trim_start_matches('*');
        let length = rest.len() - at - after.len();
        before = rest[..at].chars().next_back().unwrap_or(before);
        let next = after.chars().next().unwrap_or(' ');
        if let Some(is_open) = open.get_mut(length) {
            if *is_open && !before.is_whitespace() {
                *is_open = false;
                count += 1;
            } else if !next.is_whitespace() {
                *is_open = true;
            }
        }
        before = '*';
        rest = after;
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn emphasis_is_next_to_its_text() {
        for (text, count) in [
            ("*a* **b c** ***d***", 3),
            ("* a * b\n* c", 0),
            ("2 * 3 * 4", 0),
            ("* **Tea**: *hot*", 2),
            ("**a *b* c**", 2),
            ("*a\nb*", 0),
            ("****a****", 0),
            ("**** ** *", 0),
        ] {
            assert_eq!(passages(text), count, "{text}");
        }
    }
}

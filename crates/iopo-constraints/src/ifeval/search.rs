//! Substring search in linear time for all texts.

/// A text to search for, with its Knuth-Morris-Pratt table.
#[derive(Debug, Clone)]
pub(crate) struct Needle {
    bytes: Vec<u8>,
    /// For each prefix, the length of the longest proper prefix that is also its suffix.
    fallback: Vec<usize>,
}

impl Needle {
    pub(crate) fn new(text: &str) -> Self {
        let bytes = text.as_bytes().to_vec();
        let mut fallback = vec![0; bytes.len()];
        let mut matched = 0;
        for at in 1..bytes.len() {
            matched = advance(&bytes, &fallback, matched, bytes[at]);
            fallback[at] = matched;
        }
        Self { bytes, fallback }
    }

    /// The start positions in `text`, including overlapping ones. An empty needle has none.
    pub(crate) fn places<'a>(&'a self, text: &'a str) -> impl Iterator<Item = usize> + 'a {
        let mut matched = 0;
        text.bytes().enumerate().filter_map(move |(at, byte)| {
            if self.bytes.is_empty() {
                return None;
            }
            if matched == self.bytes.len() {
                matched = self.fallback[matched - 1];
            }
            matched = advance(&self.bytes, &self.fallback, matched, byte);
            (matched == self.bytes.len()).then(|| at + 1 - matched)
        })
    }

    /// The end position that belongs to a start position.
    pub(crate) fn end(&self, start: usize) -> usize {
        start + self.bytes.len()
    }

    /// The number of occurrences without overlap, from the left.
    pub(crate) fn count(&self, text: &str) -> usize {
        let mut free = 0;
        self.places(text)
            .filter(|&start| {
                let counts = start >= free;
                if counts {
                    free = self.end(start);
                }
                counts
            })
            .count()
    }
}

/// The length of the matched prefix after one more byte.
fn advance(needle: &[u8], fallback: &[usize], mut matched: usize, byte: u8) -> usize {
    while matched > 0 && needle.get(matched) != Some(&byte) {
        matched = fallback[matched - 1];
    }
    matched + usize::from(needle.get(matched) == Some(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_overlap_and_counts_do_not() {
        let needle = Needle::new("aba");
        assert_eq!(needle.places("ababa xaba").collect::<Vec<_>>(), [0, 2, 7]);
        assert_eq!(needle.count("ababa xaba"), 2);
        assert_eq!(Needle::new("aa").count("aaaaa"), 2);
        assert_eq!(Needle::new("").count("aaa"), 0);
        assert_eq!(Needle::new("é").places("aé").collect::<Vec<_>>(), [1]);
    }
}

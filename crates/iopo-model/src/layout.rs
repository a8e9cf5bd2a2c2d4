//! Where tokens lie: segments of a tree, laid flat.
//!
//! A single sequence is one root segment; four padded sequences are four roots; a preference group is a
//! tree (stem, the two rests of the prompts, the responses under each). Linear layers see the flat tokens
//! once; attention runs per segment against its ancestors and causally against itself; positions continue
//! down each path.

use std::ops::Range;

use crate::ModelError;

/// A run of tokens that continues its parent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    /// Index of the segment that this one continues; `None` for the start of a sequence.
    pub parent: Option<usize>,
    /// The tokens; may be empty.
    pub tokens: Vec<u32>,
}

/// Segments laid flat, in the order given.
#[derive(Debug, Clone)]
pub struct Layout {
    spans: Vec<Span>,
    tokens: Vec<u32>,
    positions: Vec<u32>,
}

/// One segment's place in the flat tokens.
#[derive(Debug, Clone)]
pub(crate) struct Span {
    /// Flat rows of the segment.
    pub(crate) rows: Range<usize>,
    /// Non-empty segments on the path from the root to this one, itself last.
    pub(crate) path: Vec<usize>,
    /// Tokens on the path above this segment.
    pub(crate) offset: usize,
}

impl Layout {
    /// Lays segments flat.
    ///
    /// # Errors
    /// When a parent does not come before its child, or there is no token at all.
    pub fn new(segments: Vec<Segment>) -> Result<Self, ModelError> {
        let mut spans: Vec<Span> = Vec::with_capacity(segments.len());
        let (mut tokens, mut positions) = (Vec::new(), Vec::new());
        for (index, segment) in segments.into_iter().enumerate() {
            let (mut path, offset) = match segment.parent {
                None => (Vec::new(), 0),
                Some(parent) if parent < index => {
                    (spans[parent].path.clone(), spans[parent].offset + spans[parent].rows.len())
                }
                Some(parent) => {
                    return Err(ModelError::Layout {
                        reason: format!(
                            "segment {index} names {parent} as its parent, which must come before it"
                        ),
                    });
                }
            };
            let start = tokens.len();
            positions.extend((0..segment.tokens.len()).map(|at| (offset + at) as u32));
            tokens.extend(segment.tokens);
            if tokens.len() > start {
                path.push(index);
            }
            spans.push(Span { rows: start..tokens.len(), path, offset });
        }
        if tokens.is_empty() {
            return Err(ModelError::Layout {
                reason: "expected at least one token, found none".to_owned(),
            });
        }
        Ok(Self { spans, tokens, positions })
    }

    /// Separate sequences, one root segment each.
    ///
    /// # Errors
    /// When there is no token at all.
    pub fn sequences<T: Into<Vec<u32>>>(
        sequences: impl IntoIterator<Item = T>,
    ) -> Result<Self, ModelError> {
        Self::new(
            sequences
                .into_iter()
                .map(|tokens| Segment { parent: None, tokens: tokens.into() })
                .collect(),
        )
    }

    /// Number of flat tokens.
    pub fn token_count(&self) -> usize {
        self.tokens.len()
    }

    /// Number of segments.
    pub fn segment_count(&self) -> usize {
        self.spans.len()
    }

    /// Flat row of the token at `offset` in `segment`.
    ///
    /// # Panics
    /// When there is no such segment.
    pub fn position(&self, segment: usize, offset: usize) -> usize {
        self.spans[segment].rows.start + offset
    }

    /// The flat tokens.
    pub fn tokens(&self) -> &[u32] {
        &self.tokens
    }

    /// Position of each flat token on its path, from 0.
    pub fn positions(&self) -> &[u32] {
        &self.positions
    }

    pub(crate) fn spans(&self) -> impl Iterator<Item = (usize, &Span)> {
        self.spans.iter().enumerate().filter(|(_, span)| !span.rows.is_empty())
    }

    pub(crate) fn span(&self, segment: usize) -> &Span {
        &self.spans[segment]
    }
}

#[cfg(test)]
mod tests {
    use super::{Layout, Segment};

    fn segment(parent: Option<usize>, tokens: &[u32]) -> Segment {
        Segment { parent, tokens: tokens.to_vec() }
    }

    #[test]
    fn positions_continue_down_each_path() {
        let layout = Layout::new(vec![
            segment(None, &[1, 2, 3]),
            segment(Some(0), &[4]),
            segment(Some(0), &[]),
            segment(Some(1), &[5, 6]),
            segment(Some(2), &[7]),
        ])
        .expect("a tree");
        assert_eq!(layout.positions(), [0, 1, 2, 3, 4, 5, 3]);
        assert_eq!(layout.span(3).path, [0, 1, 3]);
        assert_eq!(layout.span(4).path, [0, 4]);
        assert_eq!(layout.position(3, 1), 5);
    }

    #[test]
    fn a_parent_must_come_first_and_something_must_be_there() {
        assert!(Layout::new(vec![segment(Some(0), &[1])]).is_err());
        assert!(Layout::new(vec![segment(None, &[])]).is_err());
    }
}

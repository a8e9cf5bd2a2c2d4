//! Flat layout of sequences that share prefixes.
//!
//! A sequence is one root segment, four separate sequences are four roots, and a preference group is a tree: the common
//! prefix of both prompts, the rest of each prompt, and the responses to each. Linear layers process every flat token once.
//! Attention runs per segment, fully over its ancestors and causally over itself. Positions continue along each path.

use std::ops::Range;

use crate::ModelError;

/// A run of tokens that continues another segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    /// Index of the segment to continue; `None` for the start of a sequence.
    pub parent: Option<usize>,
    /// The tokens. Can be empty.
    pub tokens: Vec<u32>,
}

/// Segments in a flat order.
#[derive(Debug, Clone)]
pub struct Layout {
    spans: Vec<Span>,
    tokens: Vec<u32>,
    positions: Vec<u32>,
}

/// A segment's place in the flat tokens.
#[derive(Debug, Clone)]
pub(crate) struct Span {
    /// Flat rows of the segment.
    pub(crate) rows: Range<usize>,
    /// Non-empty segments on the path from the root to this one, itself last.
    pub(crate) path: Vec<usize>,
    /// Tokens on the path above this segment.
    pub(crate) offset: usize,
}

/// The tokens below a root, in depth-first order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tree {
    /// Flat row of each token.
    pub(crate) tokens: Vec<usize>,
    /// End of the subtree of each token's segment. Token `i` sees token `j` if `j ≤ i < ends[j]`.
    pub(crate) ends: Vec<usize>,
}

impl Layout {
    /// Lays out segments, in the given order.
    ///
    /// # Errors
    /// Returns [`ModelError::Layout`] if a parent does not precede its child, or there are no tokens.
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
                            "segment {index} has the parent {parent}, expected an earlier segment"
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
                reason: "found no token, expected at least one".to_owned(),
            });
        }
        Ok(Self { spans, tokens, positions })
    }

    /// Lays out separate sequences, one root segment each.
    ///
    /// # Errors
    /// Returns [`ModelError::Layout`] if there are no tokens.
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

    /// Returns the number of flat tokens.
    pub fn token_count(&self) -> usize {
        self.tokens.len()
    }

    /// Returns the number of segments.
    pub fn segment_count(&self) -> usize {
        self.spans.len()
    }

    /// Returns the flat row of the token at `offset` in `segment`.
    ///
    /// # Panics
    /// Panics if the segment does not exist.
    pub fn position(&self, segment: usize, offset: usize) -> usize {
        self.spans[segment].rows.start + offset
    }

    /// Returns the flat row of the last token of `segment`, which must not be empty.
    pub(crate) fn last_position(&self, segment: usize) -> usize {
        self.spans[segment].rows.end.saturating_sub(1)
    }

    /// Returns the flat tokens.
    pub fn tokens(&self) -> &[u32] {
        &self.tokens
    }

    /// Returns the position of each flat token on its path, from 0.
    pub fn positions(&self) -> &[u32] {
        &self.positions
    }

    pub(crate) fn spans(&self) -> impl Iterator<Item = (usize, &Span)> {
        self.spans.iter().enumerate().filter(|(_, span)| !span.rows.is_empty())
    }

    pub(crate) fn span(&self, segment: usize) -> &Span {
        &self.spans[segment]
    }

    /// Returns the trees, each with its tokens in depth-first order.
    pub(crate) fn trees(&self) -> Vec<Tree> {
        let parent = |path: &[usize]| path.len().checked_sub(2).map(|at| path[at]);
        let mut sizes = vec![0; self.spans.len()];
        for (index, span) in self.spans().collect::<Vec<_>>().into_iter().rev() {
            sizes[index] += span.rows.len();
            if let Some(parent) = parent(&span.path) {
                sizes[parent] += sizes[index];
            }
        }
        let mut trees: Vec<Tree> = Vec::new();
        // The tree of each segment, and where the next segment below it begins.
        let mut places = vec![(0, 0); self.spans.len()];
        for (index, span) in self.spans() {
            let (tree, start) = if let Some(parent) = parent(&span.path) {
                let place = places[parent];
                places[parent].1 += sizes[index];
                place
            } else {
                let size = sizes[index];
                trees.push(Tree { tokens: vec![0; size], ends: vec![0; size] });
                (trees.len() - 1, 0)
            };
            let own = start..start + span.rows.len();
            places[index] = (tree, own.end);
            trees[tree].tokens[own.clone()]
                .iter_mut()
                .zip(span.rows.clone())
                .for_each(|(to, row)| *to = row);
            trees[tree].ends[own].fill(start + sizes[index]);
        }
        trees
    }
}

#[cfg(test)]
mod tests {
    use super::{Layout, Segment, Tree};

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
    fn trees_are_in_depth_first_order() {
        let layout = Layout::new(vec![
            segment(None, &[1, 2]),
            segment(None, &[3]),
            segment(Some(0), &[]),
            segment(Some(0), &[4]),
            segment(Some(2), &[5]),
            segment(Some(3), &[6]),
        ])
        .expect("trees");
        let first = Tree { tokens: vec![0, 1, 3, 5, 4], ends: vec![5, 5, 4, 4, 5] };
        assert_eq!(layout.trees(), [first, Tree { tokens: vec![2], ends: vec![1] }]);
    }

    #[test]
    fn a_parent_after_its_child_and_a_layout_without_tokens_are_errors() {
        assert!(Layout::new(vec![segment(Some(0), &[1])]).is_err());
        assert!(Layout::new(vec![segment(None, &[])]).is_err());
    }
}

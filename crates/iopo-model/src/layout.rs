//! Flat layout of sequences that share prefixes.
//!
//! A sequence is one root segment, four separate sequences are four roots, and a preference group is a tree: the common
//! prefix of both prompts, the rest of each prompt, and the responses to each. Linear layers process every flat token once.
//! A token attends to all tokens of its ancestors and to its own segment up to itself. Positions continue along each path.

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

/// Tokens whose attention is computed together: a subtree, or one segment of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Block {
    /// Flat row of each token above, which every token of the block sees.
    pub(crate) above: Vec<usize>,
    /// Flat row of each token, in depth-first order.
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

    /// Divides the tokens into blocks. Each tree is one, unless its parts have less than half as many pairs of tokens.
    pub(crate) fn blocks(&self) -> Vec<Block> {
        let mut children = vec![Vec::new(); self.spans.len()];
        let mut sizes = vec![0; self.spans.len()];
        let mut open = Vec::new();
        // Parents come before their children.
        for (index, span) in self.spans.iter().enumerate().rev() {
            if span.rows.is_empty() {
                continue;
            }
            sizes[index] += span.rows.len();
            match span.path.len().checked_sub(2) {
                Some(above) => {
                    sizes[span.path[above]] += sizes[index];
                    children[span.path[above]].push(index);
                }
                None => open.push(index),
            }
        }
        let mut blocks = Vec::new();
        while let Some(root) = open.pop() {
            let Span { rows, path, offset } = &self.spans[root];
            let (own, size) = (rows.len(), sizes[root]);
            let below: usize =
                children[root].iter().map(|&at| sizes[at] * (offset + own + sizes[at])).sum();
            let divided = 2 * (own * (offset + own) + below) < size * (offset + size);
            let above =
                path[..path.len() - 1].iter().flat_map(|&at| self.spans[at].rows.clone()).collect();
            let mut block = Block { above, tokens: Vec::new(), ends: Vec::new() };
            let mut rest = vec![root];
            while let Some(at) = rest.pop() {
                let (rows, start) = (self.spans[at].rows.clone(), block.tokens.len());
                let end = if divided { own } else { start + sizes[at] };
                block.ends.resize(start + rows.len(), end);
                block.tokens.extend(rows);
                // The last child was found first, and a stack returns the first one first.
                let to = if divided { &mut open } else { &mut rest };
                to.extend(&children[at]);
            }
            blocks.push(block);
        }
        blocks
    }
}

#[cfg(test)]
mod tests {
    use super::{Block, Layout, Segment};

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
    fn blocks_are_trees_in_depth_first_order_or_their_parts() {
        let layout = Layout::new(vec![
            segment(None, &[1, 2]),
            segment(None, &[3]),
            segment(Some(0), &[]),
            segment(Some(0), &[4]),
            segment(Some(2), &[5]),
            segment(Some(3), &[6]),
        ])
        .expect("trees");
        let block = |above: &[usize], tokens: &[usize], ends: &[usize]| Block {
            above: above.to_vec(),
            tokens: tokens.to_vec(),
            ends: ends.to_vec(),
        };
        let first = block(&[], &[0, 1, 3, 5, 4], &[5, 5, 4, 4, 5]);
        assert_eq!(layout.blocks(), [first, block(&[], &[2], &[1])]);
        // Five leaves of 10 tokens below 2: 49 · 52 pairs of tokens in one block, 2 · 2 + 5 · 10 · 12 in parts.
        let leaf = segment(Some(0), &[0; 10]);
        let wide = [vec![segment(None, &[1, 2])], vec![leaf; 5]].concat();
        let blocks = Layout::new(wide).expect("a tree").blocks();
        assert_eq!(blocks.len(), 6);
        assert_eq!(blocks[0], block(&[], &[0, 1], &[2, 2]));
        let tokens: Vec<usize> = (2..12).collect();
        assert_eq!(blocks[1], block(&[0, 1], &tokens, &[10; 10]));
    }

    #[test]
    fn a_parent_after_its_child_and_a_layout_without_tokens_are_errors() {
        assert!(Layout::new(vec![segment(Some(0), &[1])]).is_err());
        assert!(Layout::new(vec![segment(None, &[])]).is_err());
    }
}

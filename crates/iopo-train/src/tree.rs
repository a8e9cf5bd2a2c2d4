//! Groups as segment trees, laid flat.
//!
//! The four sequences of a group share most of their tokens: a stem (chat header, task, whatever x1
//! and x2 have in common before they differ), the two rests of the prompts, and under each of these
//! both responses. The tree computes each of these tokens once. A response's last token predicts
//! nothing and is not fed at all.

use std::ops::Range;

use iopo_model::{Layout, ModelError, Segment, Targets};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::encode::EncodedGroup;

/// How groups are laid out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SequenceLayout {
    /// Shared segments.
    #[default]
    Tree,
    /// Each sequence whole, as four rows; for comparison.
    Rows,
}

/// Where a sequence's predictions lie among a batch's targets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// Index of the group in the batch.
    pub group: usize,
    /// Index of the sequence in (x1,y1), (x1,y2), (x2,y2), (x2,y1).
    pub sequence: usize,
    /// Its response tokens among the targets.
    pub targets: Range<usize>,
}

/// Some groups, laid flat.
#[derive(Debug, Clone)]
pub struct Batch {
    /// The segments.
    pub layout: Layout,
    /// The response tokens and the rows that predict them.
    pub targets: Targets,
    /// The sequences, in the order of the targets.
    pub spans: Vec<Span>,
    /// Tokens that the same sequences would take as rows padded to the longest of their group.
    pub padded_tokens: usize,
}

impl Batch {
    /// Lays groups out; `needs` says which sequences of a group are wanted.
    ///
    /// # Errors
    /// When no sequence is wanted at all.
    pub fn new(
        groups: &[&EncodedGroup],
        sequence_layout: SequenceLayout,
        needs: impl Fn(&EncodedGroup) -> [bool; 4],
    ) -> Result<Self, ModelError> {
        let mut builder = Builder::default();
        for (index, group) in groups.iter().enumerate() {
            let needed = needs(group);
            match sequence_layout {
                SequenceLayout::Tree => builder.tree(index, group, needed),
                SequenceLayout::Rows => builder.rows(index, group, needed),
            }
            let lengths = (0..4)
                .filter(|&sequence| needed[sequence])
                .map(|sequence| group.prompt(sequence).len() + group.response(sequence).len());
            let rows = needed.iter().filter(|&&wanted| wanted).count();
            builder.padded += rows * lengths.max().unwrap_or(0);
        }
        builder.finish()
    }

    /// Sums each sequence's log-probabilities, in f64 and in order.
    ///
    /// # Errors
    /// When there are not as many log-probabilities as targets.
    pub fn sums(&self, logps: &[f32], groups: usize) -> Result<Vec<[f64; 4]>, ModelError> {
        if logps.len() != self.targets.tokens.len() {
            let (expected, got) = (self.targets.tokens.len(), logps.len());
            return Err(ModelError::Layout {
                reason: format!("expected {expected} log-probabilities, got {got}"),
            });
        }
        let mut sums = vec![[0.0; 4]; groups];
        for span in &self.spans {
            sums[span.group][span.sequence] =
                logps[span.targets.clone()].iter().map(|&logp| f64::from(logp)).sum();
        }
        Ok(sums)
    }

    /// Spreads a slope per sequence over its tokens: a sum's derivative is the same for each.
    pub fn spread(&self, slopes: &[[f64; 4]]) -> Vec<f32> {
        let mut coefficients = vec![0.0; self.targets.tokens.len()];
        for span in &self.spans {
            coefficients[span.targets.clone()].fill(slopes[span.group][span.sequence] as f32);
        }
        coefficients
    }
}

/// A target before flat rows are known: the last token of `segment`'s path, or a token inside it.
#[derive(Debug, Clone, Copy)]
enum Predictor {
    /// The last token of a prompt that ends in this segment, or above it where it is empty.
    EndOf(usize),
    /// A token of a segment.
    At(usize, usize),
}

#[derive(Default)]
struct Builder {
    segments: Vec<Segment>,
    predictors: Vec<Predictor>,
    tokens: Vec<u32>,
    spans: Vec<Span>,
    padded: usize,
}

impl Builder {
    fn segment(&mut self, parent: Option<usize>, tokens: &[u32]) -> usize {
        self.segments.push(Segment { parent, tokens: tokens.to_vec() });
        self.segments.len() - 1
    }

    /// A response under a prompt that ends in `prompt`.
    fn response(&mut self, group: usize, sequence: usize, prompt: usize, response: &[u32]) {
        let Some((_, fed)) = response.split_last() else { return };
        let segment = self.segment(Some(prompt), fed);
        let start = self.tokens.len();
        self.predictors.push(Predictor::EndOf(prompt));
        self.predictors.extend((0..fed.len()).map(|offset| Predictor::At(segment, offset)));
        self.tokens.extend_from_slice(response);
        self.spans.push(Span { group, sequence, targets: start..self.tokens.len() });
    }

    fn tree(&mut self, index: usize, group: &EncodedGroup, needed: [bool; 4]) {
        let (first, second) = (needed[0] || needed[1], needed[2] || needed[3]);
        let stem = if first && second {
            let shared = group.x1.iter().zip(&group.x2).take_while(|(a, b)| a == b).count();
            (shared > 0).then(|| (self.segment(None, &group.x1[..shared]), shared))
        } else {
            None
        };
        for (wanted, prompt, sequences) in [(first, &group.x1, [0, 1]), (second, &group.x2, [2, 3])]
        {
            if !wanted {
                continue;
            }
            let rest = match stem {
                Some((stem, shared)) => self.segment(Some(stem), &prompt[shared..]),
                None => self.segment(None, prompt),
            };
            for sequence in sequences.into_iter().filter(|&sequence| needed[sequence]) {
                self.response(index, sequence, rest, group.response(sequence));
            }
        }
    }

    fn rows(&mut self, index: usize, group: &EncodedGroup, needed: [bool; 4]) {
        for sequence in (0..4).filter(|&sequence| needed[sequence]) {
            let prompt = self.segment(None, group.prompt(sequence));
            self.response(index, sequence, prompt, group.response(sequence));
        }
    }

    fn finish(self) -> Result<Batch, ModelError> {
        // The last token of each segment's path: its own, or its nearest ancestor's that has one.
        let mut last: Vec<Option<(usize, usize)>> = Vec::with_capacity(self.segments.len());
        for (index, segment) in self.segments.iter().enumerate() {
            last.push(match segment.tokens.len() {
                0 => segment.parent.and_then(|parent| last[parent]),
                length => Some((index, length - 1)),
            });
        }
        let layout = Layout::new(self.segments)?;
        let mut rows = Vec::with_capacity(self.predictors.len());
        for predictor in self.predictors {
            let (segment, offset) = match predictor {
                Predictor::At(segment, offset) => (segment, offset),
                Predictor::EndOf(segment) => last[segment].ok_or_else(|| ModelError::Layout {
                    reason: "expected a prompt of at least one token, found an empty one"
                        .to_owned(),
                })?,
            };
            rows.push(layout.position(segment, offset));
        }
        Ok(Batch {
            layout,
            targets: Targets { rows, tokens: self.tokens },
            spans: self.spans,
            padded_tokens: self.padded,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Batch, SequenceLayout};
    use crate::encode::EncodedGroup;

    fn group(x1: &[u32], x2: &[u32], y1: &[u32], y2: &[u32]) -> EncodedGroup {
        EncodedGroup {
            id: "g".into(),
            x1: x1.to_vec(),
            x2: x2.to_vec(),
            y1: y1.to_vec(),
            y2: y2.to_vec(),
            false_cells: [true, true],
        }
    }

    #[test]
    fn shared_tokens_are_laid_once_and_the_last_one_never() {
        let group = group(&[1, 2, 3, 4], &[1, 2, 5], &[6, 7, 0], &[8, 0]);
        let tree = Batch::new(&[&group], SequenceLayout::Tree, |_| [true; 4]).expect("a tree");
        // Stem 1 2, rest 3 4 with 6 7 and 8, rest 5 with 8 and 6 7.
        assert_eq!(tree.layout.tokens(), [1, 2, 3, 4, 6, 7, 8, 5, 8, 6, 7]);
        assert_eq!(tree.layout.positions(), [0, 1, 2, 3, 4, 5, 4, 2, 3, 3, 4]);
        assert_eq!(tree.targets.tokens, [6, 7, 0, 8, 0, 8, 0, 6, 7, 0]);
        assert_eq!(tree.targets.rows, [3, 4, 5, 3, 6, 7, 8, 7, 9, 10]);
        assert_eq!(tree.padded_tokens, 4 * 7);
        let sequences: Vec<usize> = tree.spans.iter().map(|span| span.sequence).collect();
        assert_eq!(sequences, [0, 1, 2, 3]);
    }

    #[test]
    fn a_prompt_that_is_a_prefix_of_the_other_is_predicted_from_by_the_stem() {
        let group = group(&[1, 2], &[1, 2, 3], &[4, 0], &[0]);
        let tree = Batch::new(&[&group], SequenceLayout::Tree, |_| [true; 4]).expect("a tree");
        assert_eq!(tree.layout.tokens(), [1, 2, 4, 3, 4]);
        assert_eq!(tree.targets.tokens, [4, 0, 0, 0, 4, 0]);
        assert_eq!(tree.targets.rows, [1, 2, 1, 3, 3, 4]);
    }

    #[test]
    fn only_what_is_needed_is_laid() {
        let group = group(&[1, 2, 3], &[1, 2, 5], &[6, 7, 0], &[8, 0]);
        let pair = Batch::new(&[&group], SequenceLayout::Tree, |_| [true, true, false, false])
            .expect("one");
        assert_eq!(pair.layout.tokens(), [1, 2, 3, 6, 7, 8]);
        assert_eq!(pair.padded_tokens, 2 * 6);
        let rows = Batch::new(&[&group], SequenceLayout::Rows, |_| [true; 4]).expect("four rows");
        assert_eq!(rows.layout.token_count(), 5 + 4 + 4 + 5);
        assert!(Batch::new(&[&group], SequenceLayout::Tree, |_| [false; 4]).is_err());
    }

    #[test]
    fn sums_and_slopes_go_to_their_sequences() {
        let group = group(&[1], &[2], &[6, 7, 0], &[8, 0]);
        let batch = Batch::new(&[&group], SequenceLayout::Tree, |_| [true, false, true, false])
            .expect("two");
        let sums = batch.sums(&[-1.0, -2.0, -3.0, -10.0, -20.0], 1).expect("five");
        assert_eq!(sums, [[-6.0, 0.0, -30.0, 0.0]]);
        assert_eq!(batch.spread(&[[0.5, 9.0, 0.25, 9.0]]), [0.5, 0.5, 0.5, 0.25, 0.25]);
        assert!(batch.sums(&[-1.0], 1).is_err());
    }
}

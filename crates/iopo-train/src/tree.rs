//! Groups as segment trees.
//!
//! The four sequences of a group share most of their tokens: a stem (everything that x1 and x2 have in common before they
//! differ), the rest of each prompt, and under each of these both responses. The tree computes each of these tokens once.
//! A response's last token predicts nothing and is not computed.

use std::ops::Range;

use iopo_core::{
    PerSequence,
    Sequence::{self, X1Y1, X1Y2, X2Y1, X2Y2},
};
use iopo_model::{Layout, ModelError, Segment, Targets};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{encode::EncodedGroup, objective::sequences};

/// The order of a group's rows: chosen before rejected.
const ROW_ORDER: [Sequence; 4] = [X1Y1, X1Y2, X2Y2, X2Y1];

/// How groups are laid out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SequenceLayout {
    /// A tree of shared segments.
    #[default]
    Tree,
    /// One row per sequence, for comparison.
    Rows,
}

/// The targets of one sequence in a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// Index of the group in the batch.
    pub group: usize,
    /// The sequence.
    pub sequence: Sequence,
    /// Range of its response tokens in the targets.
    pub targets: Range<usize>,
}

/// Groups laid out for one forward pass.
#[derive(Debug, Clone)]
pub struct Batch {
    /// The segments.
    pub layout: Layout,
    /// The response tokens and the rows that predict them.
    pub targets: Targets,
    /// The sequences, in the order of the targets.
    pub spans: Vec<Span>,
    /// Tokens of the same sequences as rows padded to the longest of their group.
    pub padded_tokens: usize,
}

impl Batch {
    /// Lays out groups; `needs` says which sequences of a group are wanted.
    ///
    /// # Errors
    /// Returns an error if no sequence is wanted.
    pub fn new(
        groups: &[&EncodedGroup],
        sequence_layout: SequenceLayout,
        needs: impl Fn(&EncodedGroup) -> PerSequence<bool>,
    ) -> Result<Self, ModelError> {
        let mut builder = Builder::default();
        for (index, group) in groups.iter().enumerate() {
            let needed = needs(group);
            match sequence_layout {
                SequenceLayout::Tree => builder.tree(index, group, needed),
                SequenceLayout::Rows => builder.rows(index, group, needed),
            }
            let lengths = sequences(needed).map(|sequence| group.sequence_tokens(sequence));
            builder.padded += sequences(needed).count() * lengths.max().unwrap_or(0);
        }
        builder.finish()
    }

    /// Sums the logps of each sequence's tokens, in f64 and in order.
    ///
    /// # Errors
    /// Returns an error if the number of logps differs from the number of targets.
    pub fn sequence_logps(
        &self,
        logps: &[f32],
        groups: usize,
    ) -> Result<Vec<PerSequence<f64>>, ModelError> {
        if logps.len() != self.targets.tokens.len() {
            let (expected, got) = (self.targets.tokens.len(), logps.len());
            return Err(ModelError::Layout {
                reason: format!("found {got} logps, expected {expected}"),
            });
        }
        let mut sequences = vec![PerSequence::default(); groups];
        for span in &self.spans {
            let logp = logps[span.targets.clone()].iter().map(|&logp| f64::from(logp)).sum();
            *field(&mut sequences[span.group], span.sequence) = logp;
        }
        Ok(sequences)
    }

    /// Copies the gradient of each sequence's logp to its tokens, because the derivative of a sum is the same for each term.
    pub fn token_gradients(&self, gradients: &[PerSequence<f64>]) -> Vec<f32> {
        let mut coefficients = vec![0.0; self.targets.tokens.len()];
        for span in &self.spans {
            coefficients[span.targets.clone()]
                .fill(*gradients[span.group].get(span.sequence) as f32);
        }
        coefficients
    }
}

/// Returns the value of one sequence.
fn field<T>(values: &mut PerSequence<T>, sequence: Sequence) -> &mut T {
    match sequence {
        X1Y1 => &mut values.x1y1,
        X1Y2 => &mut values.x1y2,
        X2Y1 => &mut values.x2y1,
        X2Y2 => &mut values.x2y2,
    }
}

/// The token that predicts a target, before its row in the layout is known.
#[derive(Debug, Clone, Copy)]
enum Predictor {
    /// The last token of the prompt that ends in this segment; in its parent if the segment is empty.
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

    /// Adds a response under the prompt that ends in the segment `prompt`.
    fn response(&mut self, group: usize, sequence: Sequence, prompt: usize, response: &[u32]) {
        let Some((_, fed)) = response.split_last() else { return };
        let segment = self.segment(Some(prompt), fed);
        let start = self.tokens.len();
        self.predictors.push(Predictor::EndOf(prompt));
        self.predictors.extend((0..fed.len()).map(|offset| Predictor::At(segment, offset)));
        self.tokens.extend_from_slice(response);
        self.spans.push(Span { group, sequence, targets: start..self.tokens.len() });
    }

    fn tree(&mut self, index: usize, group: &EncodedGroup, needed: PerSequence<bool>) {
        let (first, second) = (needed.x1y1 || needed.x1y2, needed.x2y1 || needed.x2y2);
        let stem = if first && second {
            let shared = group.x1.iter().zip(&group.x2).take_while(|(a, b)| a == b).count();
            (shared > 0).then(|| (self.segment(None, &group.x1[..shared]), shared))
        } else {
            None
        };
        for (wanted, prompt, children) in
            [(first, &group.x1, [X1Y1, X1Y2]), (second, &group.x2, [X2Y2, X2Y1])]
        {
            if !wanted {
                continue;
            }
            let rest = match stem {
                Some((stem, shared)) => self.segment(Some(stem), &prompt[shared..]),
                None => self.segment(None, prompt),
            };
            for sequence in children.into_iter().filter(|sequence| *needed.get(*sequence)) {
                self.response(index, sequence, rest, group.response(sequence));
            }
        }
    }

    fn rows(&mut self, index: usize, group: &EncodedGroup, needed: PerSequence<bool>) {
        for sequence in ROW_ORDER.into_iter().filter(|sequence| *needed.get(*sequence)) {
            let prompt = self.segment(None, group.prompt(sequence));
            self.response(index, sequence, prompt, group.response(sequence));
        }
    }

    fn finish(self) -> Result<Batch, ModelError> {
        // The last token of each segment's path: in the segment, or in its nearest ancestor that is not empty.
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
                    reason: "found an empty prompt, expected at least one token".to_owned(),
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
    use iopo_core::{FalseCells, PerSequence, Sequence};

    use super::{Batch, SequenceLayout};
    use crate::{
        batch::tree_tokens,
        encode::{EncodedGroup, all_sequences},
    };

    fn group(x1: &[u32], x2: &[u32], y1: &[u32], y2: &[u32]) -> EncodedGroup {
        EncodedGroup {
            id: "g".into(),
            x1: x1.to_vec(),
            x2: x2.to_vec(),
            y1: y1.to_vec(),
            y2: y2.to_vec(),
            false_cells: FalseCells::BOTH,
        }
    }

    #[test]
    fn shared_tokens_are_laid_out_once_and_last_tokens_never() {
        let group = group(&[1, 2, 3, 4], &[1, 2, 5], &[6, 7, 0], &[8, 0]);
        let tree = Batch::new(&[&group], SequenceLayout::Tree, all_sequences).expect("a tree");
        // Stem 1 2, rest 3 4 with 6 7 and 8, rest 5 with 8 and 6 7.
        assert_eq!(tree.layout.tokens(), [1, 2, 3, 4, 6, 7, 8, 5, 8, 6, 7]);
        assert_eq!(tree.layout.positions(), [0, 1, 2, 3, 4, 5, 4, 2, 3, 3, 4]);
        assert_eq!(tree.targets.tokens, [6, 7, 0, 8, 0, 8, 0, 6, 7, 0]);
        assert_eq!(tree_tokens(&group, all_sequences(&group)), 11);
        assert_eq!(tree.targets.rows, [3, 4, 5, 3, 6, 7, 8, 7, 9, 10]);
        assert_eq!(tree.padded_tokens, 4 * 7);
        let sequences: Vec<Sequence> = tree.spans.iter().map(|span| span.sequence).collect();
        assert_eq!(sequences, super::ROW_ORDER);
    }

    #[test]
    fn the_stem_predicts_the_response_of_a_prompt_that_is_a_prefix_of_the_other() {
        let group = group(&[1, 2], &[1, 2, 3], &[4, 0], &[0]);
        let tree = Batch::new(&[&group], SequenceLayout::Tree, all_sequences).expect("a tree");
        assert_eq!(tree.layout.tokens(), [1, 2, 4, 3, 4]);
        assert_eq!(tree.targets.tokens, [4, 0, 0, 0, 4, 0]);
        assert_eq!(tree.targets.rows, [1, 2, 1, 3, 3, 4]);
    }

    #[test]
    fn only_wanted_sequences_are_laid_out() {
        let group = group(&[1, 2, 3], &[1, 2, 5], &[6, 7, 0], &[8, 0]);
        let pair = Batch::new(&[&group], SequenceLayout::Tree, |_| PerSequence {
            x1y1: true,
            x1y2: true,
            ..PerSequence::default()
        })
        .expect("one");
        assert_eq!(pair.layout.tokens(), [1, 2, 3, 6, 7, 8]);
        assert_eq!(pair.padded_tokens, 2 * 6);
        let rows = Batch::new(&[&group], SequenceLayout::Rows, all_sequences).expect("four rows");
        assert_eq!(rows.layout.token_count(), 5 + 4 + 4 + 5);
        assert!(Batch::new(&[&group], SequenceLayout::Tree, |_| PerSequence::default()).is_err());
    }

    #[test]
    fn logps_and_gradients_belong_to_their_sequences() {
        let group = group(&[1], &[2], &[6, 7, 0], &[8, 0]);
        let batch = Batch::new(&[&group], SequenceLayout::Tree, |_| PerSequence {
            x1y1: true,
            x2y2: true,
            ..PerSequence::default()
        })
        .expect("two");
        let logps = batch.sequence_logps(&[-1.0, -2.0, -3.0, -10.0, -20.0], 1).expect("five");
        let expected = PerSequence { x1y1: -6.0, x2y2: -30.0, ..PerSequence::default() };
        assert_eq!(logps, [expected]);
        let gradients = PerSequence { x1y1: 0.5, x1y2: 9.0, x2y1: 9.0, x2y2: 0.25 };
        assert_eq!(batch.token_gradients(&[gradients]), [0.5, 0.5, 0.5, 0.25, 0.25]);
        assert!(batch.sequence_logps(&[-1.0], 1).is_err());
    }
}

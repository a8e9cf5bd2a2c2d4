//! Prefill with prefix sharing: a common prefix of several prompts is computed once.
//!
//! Prompts form a tree whose stems are common prefixes, for instance a chat header. Keys encode the position in the row,
//! not the cache column, so they are valid for every row with that prefix.

use burn::tensor::Tensor;

use crate::attention::{Heads, context};
use crate::decoder::index_tensor;
use crate::layer::KeysValues;
use crate::layout::{Layout, Segment};
use crate::{Decoder, ModelError};

/// Shortest prefix worth sharing, because each segment costs a separate attention pass in every layer.
const SHORTEST: usize = 8;

/// The result of prefilling some prompts.
pub(crate) struct Prefilled {
    layout: Layout,
    /// Each prompt is the path to its last segment.
    ends: Vec<usize>,
    /// Tokens of each prompt in segments of earlier prompts.
    cached: Vec<usize>,
    /// Hidden state of each prompt's last token, `[prompts, d_model]`.
    pub(crate) hidden: Tensor<2>,
    /// One per layer.
    keys_values: Vec<KeysValues>,
}

/// Returns the number of leading tokens that two prompts share.
pub(crate) fn common(a: &[u32], b: &[u32]) -> usize {
    a.iter().zip(b).take_while(|(a, b)| a == b).count()
}

impl Decoder {
    /// Prefills prompts, none of which may be empty.
    ///
    /// # Errors
    /// Returns [`ModelError::Layout`] if a token is outside the vocabulary.
    pub(crate) fn prefill_shared(&self, prompts: &[&[u32]]) -> Result<Prefilled, ModelError> {
        let (segments, ends) = shared(prompts);
        let layout = Layout::new(segments)?;
        let mut seen = vec![false; layout.segment_count()];
        let cached = ends.iter().map(|&end| {
            let old =
                layout.span(end).path.iter().filter(|&&at| std::mem::replace(&mut seen[at], true));
            old.map(|&at| layout.span(at).rows.len()).sum()
        });
        let cached = cached.collect();
        let (hidden, keys_values) = self.prefill(&layout)?;
        let last = ends.iter().map(|&end| layout.last_position(end) as i64);
        let hidden = hidden.select(0, index_tensor(last, &self.device()));
        Ok(Prefilled { layout, ends, cached, hidden, keys_values })
    }
}

impl Prefilled {
    /// Returns how many tokens of a prompt were computed for earlier prompts.
    pub(crate) fn cached(&self, prompt: usize) -> usize {
        self.cached[prompt]
    }

    /// Returns a prompt's keys and values in each layer, `[kv_heads, length, head_dim]`.
    pub(crate) fn keys_values(
        &self,
        prompt: usize,
        heads: Heads,
    ) -> impl Iterator<Item = (Tensor<3>, Tensor<3>)> {
        let path = &self.layout.span(self.ends[prompt]).path;
        let of = move |flat: &Tensor<2>| heads.split_keys(context(flat, &self.layout, path));
        self.keys_values.iter().map(move |layer| (of(&layer.keys), of(&layer.values)))
    }

    /// Returns the result for one prompt, to keep for later rows.
    pub(crate) fn alone(&self, prompt: usize) -> Result<Self, ModelError> {
        let path = &self.layout.span(self.ends[prompt]).path;
        let tokens =
            path.iter().flat_map(|&at| &self.layout.tokens()[self.layout.span(at).rows.clone()]);
        let layout = Layout::sequences([tokens.copied().collect::<Vec<u32>>()])?;
        let of = |flat: &Tensor<2>| context(flat, &self.layout, path);
        let keys_values = self.keys_values.iter();
        let keys_values = keys_values
            .map(|layer| KeysValues { keys: of(&layer.keys), values: of(&layer.values) })
            .collect();
        let width = self.hidden.dims()[1];
        let hidden = self.hidden.clone().slice([prompt..prompt + 1, 0..width]);
        Ok(Self { cached: vec![layout.token_count()], layout, ends: vec![0], hidden, keys_values })
    }
}

/// Lays out prompts as a tree whose stems are common prefixes. Returns its segments and the last segment of each prompt.
pub(crate) fn shared(prompts: &[&[u32]]) -> (Vec<Segment>, Vec<usize>) {
    let mut order: Vec<usize> = (0..prompts.len()).collect();
    order.sort_by_key(|&prompt| prompts[prompt]);
    let mut tree = Tree { prompts, segments: Vec::new(), ends: vec![0; prompts.len()] };
    tree.grow(&order, None, 0);
    (tree.segments, tree.ends)
}

/// A tree of segments under construction.
struct Tree<'a> {
    prompts: &'a [&'a [u32]],
    segments: Vec<Segment>,
    ends: Vec<usize>,
}

impl Tree<'_> {
    /// Adds the rest of some sorted prompts whose first `laid` tokens are already on the path to `parent`.
    fn grow(&mut self, sorted: &[usize], parent: Option<usize>, laid: usize) {
        let (Some(&first), Some(&last)) = (sorted.first(), sorted.last()) else { return };
        let (first, last) = (self.prompts[first], self.prompts[last]);
        // The prompts are sorted, so a prefix of the first and the last is a prefix of all.
        let common = common(first, last);
        let whole = first.len() == last.len() && first.len() == common;
        let (parent, laid) = if common > laid && (whole || common - laid >= SHORTEST) {
            self.segments.push(Segment { parent, tokens: first[laid..common].to_vec() });
            (Some(self.segments.len() - 1), common)
        } else {
            (parent, laid)
        };
        if whole {
            for &prompt in sorted {
                self.ends[prompt] = parent.unwrap_or_default();
            }
            return;
        }
        let prompts = self.prompts;
        for branch in sorted.chunk_by(|&a, &b| prompts[a].get(common) == prompts[b].get(common)) {
            self.grow(branch, parent, laid);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::shared;

    /// Parent, first token and length of a segment.
    type Shown = (Option<usize>, u32, usize);

    /// The segments, and each prompt's last segment.
    fn tree(prompts: &[&[u32]]) -> (Vec<Shown>, Vec<usize>) {
        let (segments, ends) = shared(prompts);
        let segments = segments.iter();
        let segments = segments.map(|s| (s.parent, s.tokens[0], s.tokens.len())).collect();
        (segments, ends)
    }

    #[test]
    fn common_prefixes_are_stems_and_a_prompt_can_be_a_prefix_of_another() {
        let long: Vec<u32> = (0..30).collect();
        let other: Vec<u32> = (0..20).chain([90, 91]).collect();
        let near: Vec<u32> = (0..22).chain([80]).collect();
        let (segments, ends) = tree(&[&long, &other, &long[..20], &[7], &near, &long]);
        // 20 tokens make a stem; the 2 more that `near` shares with `long` are too few.
        let want =
            [(None, 0, 20), (Some(0), 20, 10), (Some(0), 20, 3), (Some(0), 90, 2), (None, 7, 1)];
        assert_eq!(segments, want);
        assert_eq!(ends, [1, 3, 0, 4, 2, 1]);
    }

    #[test]
    fn a_short_prefix_is_not_shared() {
        let (segments, ends) = tree(&[&[1, 2, 3], &[1, 2], &[1, 2]]);
        assert_eq!(segments, [(None, 1, 2), (None, 1, 3)]);
        assert_eq!(ends, [1, 0, 0]);
    }
}

//! A decoding step on a GPU: a layer is five kernels and four products, and three more operations for each product with an adapter.

mod graph;
mod linear;

use std::rc::Rc;

use burn::tensor::{Tensor, TensorData};

use crate::cache::{Caches, Columns, LayerCache};
use crate::dtype::wide;
use crate::kernels::{gpu, swiglu_joint};
use crate::layer::DecoderLayer;
use crate::linear::times_transposed;
use crate::{Decoder, ModelError, device, rope, vocabulary};

use graph::StepGraph;
use linear::StepLinear;

/// A decoder's weights as its steps read them.
struct GpuStep<'a> {
    decoder: &'a Decoder,
    /// `[vocab, d_model]` in f32.
    head: Tensor<2>,
    layers: Vec<StepLayer<'a>>,
}

/// A layer's weights.
struct StepLayer<'a> {
    layer: &'a DecoderLayer,
    /// q, k and v.
    projected: StepLinear,
    o: StepLinear,
    /// gate and up.
    inner: StepLinear,
    down: StepLinear,
}

/// What a step computes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Output {
    /// `[rows, vocab]`.
    Logits,
    /// The likeliest token of each row, see [`gpu::likeliest`].
    Likeliest,
}

impl<'a> GpuStep<'a> {
    /// Prepares the weights. Those of q, k and v, and of gate and up, are one matrix if the decoder is
    /// [frozen](Decoder::frozen).
    fn new(decoder: &'a Decoder) -> Self {
        let of = |layer: &'a DecoderLayer| {
            let (attention, mlp) = (layer.joint.as_deref(), layer.mlp.joint.as_deref());
            StepLayer {
                layer,
                projected: StepLinear::new(attention, &[&layer.q, &layer.k, &layer.v]),
                o: StepLinear::new(None, &[&layer.o]),
                inner: StepLinear::new(mlp, &[&layer.mlp.gate, &layer.mlp.up]),
                down: StepLinear::new(None, &[&layer.mlp.down]),
            }
        };
        let head = wide(decoder.head_param().val());
        Self { decoder, head, layers: decoder.layers.iter().map(of).collect() }
    }

    /// Returns everything that changes from step to step, so that one copy to the device refreshes it. In this order: the
    /// cosines of every row's position and the sines, `[rows, half]` each, the first column of every row, the column of
    /// the new tokens, and these tokens. The kernels read this order. Whole numbers are exact in f32.
    fn inputs(&self, tokens: &[u32], columns: &Columns) -> Vec<f32> {
        let [cos, sin] = rope::tables(self.decoder.frequencies(), &columns.next_positions());
        let starts = columns.starts().iter().map(|&start| start as f32).collect();
        let tokens = tokens.iter().map(|&token| token as f32).collect();
        [cos, sin, starts, vec![columns.used as f32], tokens].concat()
    }

    /// Runs one token per row through all layers. `None` if a cache is empty.
    fn run(
        &self,
        inputs: &Tensor<1>,
        rows: usize,
        caches: &mut [LayerCache],
        output: Output,
        in_place: bool,
    ) -> Option<Tensor<2>> {
        let (decoder, heads) = (self.decoder, self.decoder.heads());
        let queries = heads.kv * heads.group * heads.dim;
        let [count] = inputs.dims();
        let tokens = inputs.clone().narrow(0, count - rows, rows).int();
        let mut x = wide(decoder.embed.val().select(0, tokens));
        // The output of the last layer's feed-forward block, which the next norm adds.
        let mut more: Option<Tensor<2>> = None;
        for (StepLayer { layer, projected, o, inner, down }, cache) in
            self.layers.iter().zip(caches)
        {
            let (sum, normed) = if let Some(more) = more {
                layer.input_norm.add_forward(x, more)
            } else {
                let normed = layer.input_norm.forward(&x).0;
                (x, normed)
            };
            let mixed =
                cache.push_and_attend(projected.times(normed), inputs, queries, in_place)?;
            let (sum, normed) = layer.post_norm.add_forward(sum, o.times(mixed));
            more = Some(down.times(swiglu_joint(&inner.times(normed))));
            x = sum;
        }
        let hidden = match more {
            Some(more) => decoder.norm.add_forward(x, more).1,
            None => decoder.norm.forward(&x).0,
        };
        let logits = vocabulary::logits(&hidden, &self.head, times_transposed);
        Some(match output {
            Output::Logits => logits,
            Output::Likeliest => gpu::likeliest(logits),
        })
    }
}

/// Steps with the same tensors before one is recorded, because a recording costs a few steps.
const BEFORE_A_GRAPH: usize = 4;
/// Replays after which a recording has paid. After a graph with fewer, more steps go before the next one.
const WORTHWHILE: usize = 8;
/// Most steps before a recording.
const LONGEST_WAIT: usize = 64;

/// The steps of a batch on a GPU.
pub(crate) struct GpuSteps<'a> {
    decoder: &'a Decoder,
    /// Made with the first step.
    step: Option<Rc<GpuStep<'a>>>,
    graph: Option<StepGraph<'a>>,
    /// [`Caches::changes`] before the last step.
    changes: usize,
    /// Steps without a graph since then.
    plain: usize,
    /// Steps before the next recording.
    wait: usize,
    /// Whether the device records no graphs.
    refused: bool,
}

impl<'a> GpuSteps<'a> {
    /// Returns `None` on a device without the kernels, or if the decoder's heads or vocabulary do not fit them.
    pub(crate) fn new(decoder: &'a Decoder) -> Option<Self> {
        let device = decoder.device();
        let fits = decoder.heads().dim <= gpu::LARGEST_HEAD
            && decoder.config().vocab_size <= gpu::LARGEST_VOCABULARY;
        (fits && gpu::runs(&device)).then(|| Self {
            decoder,
            step: None,
            graph: None,
            changes: 0,
            plain: 0,
            wait: BEFORE_A_GRAPH,
            refused: device::records(&device),
        })
    }

    /// Drops the graph, if there is one, and with it its hold on the memory of its tensors.
    pub(crate) fn forget(&mut self) {
        if let Some(graph) = self.graph.take() {
            let paid = graph.replays() >= WORTHWHILE;
            self.wait = if paid { BEFORE_A_GRAPH } else { LONGEST_WAIT.min(2 * self.wait) };
        }
        self.plain = 0;
    }

    /// Runs one token per row through all layers.
    ///
    /// # Errors
    /// Returns [`ModelError::Layout`] if a token is outside the vocabulary, and [`ModelError::Generation`] if a cache is empty.
    pub(crate) fn run(
        &mut self,
        tokens: &[u32],
        caches: &mut Caches,
        columns: &Columns,
        output: Output,
    ) -> Result<Tensor<2>, ModelError> {
        self.decoder.check(tokens)?;
        let step = self.step.get_or_insert_with(|| Rc::new(GpuStep::new(self.decoder))).clone();
        if !caches.layers().borrow().iter().all(|cache| cache.has_room(columns.used)) {
            // Before the caches grow: the graph holds the memory of the old ones.
            self.forget();
            caches.change().iter_mut().for_each(|cache| cache.make_room(columns.used));
        }
        let other = self.graph.as_ref().is_some_and(|graph| graph.output() != output);
        if self.changes != caches.changes() || other {
            self.forget();
            self.changes = caches.changes();
        }
        let values = step.inputs(tokens, columns);
        if self.graph.is_none() && self.plain >= self.wait && !self.refused {
            self.graph = StepGraph::record(&step, &values, tokens.len(), caches, output);
            self.refused = self.graph.is_none();
        }
        let made = if let Some(graph) = &mut self.graph {
            graph.replay(values)
        } else {
            self.plain += 1;
            let inputs = uploaded(values, self.decoder);
            let mut layers = caches.layers().borrow_mut();
            step.run(&inputs, tokens.len(), &mut layers, output, false)
        };
        made.ok_or_else(|| ModelError::Generation { reason: "a cache is empty".to_owned() })
    }
}

fn uploaded(values: Vec<f32>, decoder: &Decoder) -> Tensor<1> {
    let count = values.len();
    Tensor::from_data(TensorData::new(values, [count]), &decoder.device())
}

#[cfg(all(test, feature = "_gpu", feature = "flex"))]
mod tests;

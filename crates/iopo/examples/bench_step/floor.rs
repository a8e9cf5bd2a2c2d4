//! The matrix products of a step, timed alone. Their sum is a lower bound for a step that computes them one after another.

use std::time::Instant;

use burn::tensor::{Device, Distribution, Tensor};
use iopo::model::{ModelConfig, ModelError, matmul, workers};
use iopo::train::Batch;

use crate::median;

/// Measurements of each product.
const REPEAT: usize = 5;

/// The amount of work in one group.
pub(crate) struct Work {
    /// Flat tokens.
    tokens: usize,
    /// Distinct rows that predict a response token.
    rows: usize,
    /// Sum over tokens of the tokens that each attends to, including itself.
    attended: usize,
    /// Rank of the adapters; `None` if every weight is trained.
    rank: Option<usize>,
}

impl Work {
    pub(crate) fn of(batch: &Batch, rank: Option<usize>) -> Self {
        let mut rows = batch.targets.rows.clone();
        rows.sort_unstable();
        rows.dedup();
        let attended = batch.layout.positions().iter().map(|&position| position as usize + 1);
        Self {
            tokens: batch.layout.token_count(),
            rows: rows.len(),
            attended: attended.sum(),
            rank,
        }
    }
}

/// The lower bound of a step.
pub(crate) struct Floor {
    /// Floating-point operations of forward and backward pass.
    pub(crate) flops: f64,
    /// Operations per second in the large products, timed alone with the shapes of the step.
    pub(crate) rate: f64,
    /// Seconds for all operations at that rate.
    pub(crate) seconds: f64,
}

/// The product `[rows, inner] · [inner, columns]`, computed `times` times.
struct Product {
    rows: usize,
    inner: usize,
    columns: usize,
    times: usize,
}

impl Product {
    fn flops(&self) -> f64 {
        2.0 * self.rows as f64 * self.inner as f64 * self.columns as f64 * self.times as f64
    }

    fn seconds(&self, device: &Device) -> f64 {
        let random = |shape: [usize; 2]| {
            Tensor::<2>::random(shape, Distribution::Uniform(-1.0, 1.0), device)
        };
        let (left, right) = (random([self.rows, self.inner]), random([self.inner, self.columns]));
        let times: Vec<f64> = (0..=REPEAT)
            .map(|_| {
                let clock = Instant::now();
                // Flex computes synchronously.
                drop(std::hint::black_box(matmul(left.clone(), right.clone())));
                clock.elapsed().as_secs_f64()
            })
            .collect();
        // The first measurement is a warm-up.
        median(&times[1..]) * self.times as f64
    }
}

/// Times the products of one group's step on `device`.
pub(crate) fn measure(
    config: &ModelConfig,
    work: &Work,
    device: &Device,
) -> Result<Floor, ModelError> {
    let products = products(config, work);
    let large: f64 = products.iter().map(Product::flops).sum();
    // On a pool thread, like a step.
    let time = |()| -> Result<f64, ModelError> {
        Ok(products.iter().map(|product| product.seconds(device)).sum())
    };
    let seconds: f64 = workers::map(device, vec![()], time)?.into_iter().sum();
    let (flops, rate) = (large + rest(config, work), large / seconds);
    Ok(Floor { flops, rate, seconds: flops / rate })
}

/// Lists the linear layers of a decoder layer: columns in and out, their number, and whether they read the layer's input.
fn linear_layers(config: &ModelConfig) -> [(usize, usize, usize, bool); 5] {
    let (d, wide) = (config.hidden_size, config.intermediate_size);
    let queries = config.num_attention_heads * config.head_dim;
    let keys = config.num_key_value_heads * config.head_dim;
    [
        (d, queries, 1, true),
        (d, keys, 2, true),
        (queries, d, 1, false),
        (d, wide, 2, false),
        (wide, d, 1, false),
    ]
}

/// Lists the products of linear layers and head, forward and backward.
fn products(config: &ModelConfig, work: &Work) -> Vec<Product> {
    let (d, vocab, layers) = (config.hidden_size, config.vocab_size, config.num_hidden_layers);
    let full = work.rank.is_none();
    let mut products = Vec::new();
    let mut add = |rows, inner, columns, times| {
        products.push(Product { rows, inner, columns, times });
    };
    for (from, to, count, reads_input) in linear_layers(config) {
        add(work.tokens, from, to, count * layers);
        // With adapters, the gradient of the embedded tokens is not needed.
        let spared = usize::from(reads_input && !full);
        add(work.tokens, to, from, count * (layers - spared.min(layers)));
        if full {
            add(to, work.tokens, from, count * layers);
        }
    }
    add(work.rows, d, vocab, 1);
    add(work.rows, vocab, d, 1);
    if full {
        add(vocab, work.rows, d, 1);
    }
    products
}

/// Returns the operations of adapters and attention. Their products are thin and slower than the large ones, but the bound
/// assumes the same speed.
fn rest(config: &ModelConfig, work: &Work) -> f64 {
    let layers = config.num_hidden_layers as f64;
    let widths: usize =
        linear_layers(config).iter().map(|(from, to, count, _)| (from + to) * count).sum();
    // Two products each for the forward pass, the input's gradient and the factors' gradients.
    let adapters = 6.0 * (work.rank.unwrap_or(0) * widths) as f64 * work.tokens as f64 * layers;
    // Scores and values take two products forward and four backward.
    let width = (config.num_attention_heads * config.head_dim) as f64;
    adapters + 12.0 * work.attended as f64 * width * layers
}

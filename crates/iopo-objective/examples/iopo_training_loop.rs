//! Trains a small Burn module with IOPO in a plain training loop.
//!
//! ```console
//! $ cargo run -p iopo-objective --example iopo_training_loop
//! ```
//!
//! The model is a table of logits: one row per instruction, one column per token. Each group has two instructions and
//! two responses of a few tokens. IOPO raises the responses that belong to their instructions and lowers the swapped
//! ones.
#![expect(clippy::print_stdout, reason = "an example reports to the terminal")]

use burn::module::Module;
use burn::nn::{Embedding, EmbeddingConfig};
use burn::optim::{AdamConfig, GradientsParams};
use burn::tensor::activation::log_softmax;
use burn::tensor::{Device, Int, Tensor, TensorData};
use iopo_objective::{GroupLogps, PerSequence, Sequence, iopo, output_accuracies};

const GROUPS: usize = 8;
const TOKENS: usize = 4;
const VOCABULARY: usize = 32;
const BETA: f64 = 0.1;

/// A toy language model: token logits that depend on the instruction only.
#[derive(Module, Debug)]
struct Policy {
    logits: Embedding,
}

impl Policy {
    fn new(device: &Device) -> Self {
        Self { logits: EmbeddingConfig::new(2 * GROUPS, VOCABULARY).init(device) }
    }

    /// Sums the log-probabilities of a response's tokens under an instruction.
    ///
    /// # Shapes
    /// `[groups]` and `[groups, tokens]` in, `[groups]` out.
    fn logps(&self, instructions: Tensor<1, Int>, responses: Tensor<2, Int>) -> Tensor<1> {
        let logits = self.logits.forward(instructions.unsqueeze_dim::<2>(1));
        let logps = log_softmax(logits.squeeze_dim::<2>(1), 1);
        logps.gather(1, responses).sum_dim(1).squeeze_dim(1)
    }

    fn group_logps(&self, data: &Data) -> GroupLogps {
        PerSequence::from_fn(|sequence| {
            let (x, y) = match sequence {
                Sequence::X1Y1 => (&data.x1, &data.y1),
                Sequence::X1Y2 => (&data.x1, &data.y2),
                Sequence::X2Y1 => (&data.x2, &data.y1),
                Sequence::X2Y2 => (&data.x2, &data.y2),
            };
            self.logps(x.clone(), y.clone())
        })
    }
}

/// Preference groups: instructions as row numbers, responses as tokens.
struct Data {
    x1: Tensor<1, Int>,
    x2: Tensor<1, Int>,
    y1: Tensor<2, Int>,
    y2: Tensor<2, Int>,
}

impl Data {
    fn new(device: &Device) -> Self {
        let instructions = |first: usize| {
            let rows: Vec<i64> = (0..GROUPS).map(|group| (2 * group + first) as i64).collect();
            Tensor::from_data(TensorData::new(rows, [GROUPS]), device)
        };
        let responses = |step: usize| {
            let token = |at: usize| (at * step + step) as i64 % VOCABULARY as i64;
            let tokens: Vec<i64> = (0..GROUPS * TOKENS).map(token).collect();
            Tensor::from_data(TensorData::new(tokens, [GROUPS, TOKENS]), device)
        };
        Self { x1: instructions(0), x2: instructions(1), y1: responses(3), y2: responses(7) }
    }
}

fn mean(values: Tensor<1>) -> f32 {
    values.mean().into_scalar()
}

fn main() {
    let device = Device::flex();
    device.seed(7);
    let device = device.autodiff();
    let data = Data::new(&device);

    let mut policy = Policy::new(&device);
    // The reference is the model at the start of training, without gradients.
    let reference = policy.group_logps(&data).map(Tensor::detach);

    let mut optimizer = AdamConfig::new().init();
    let mut margins = Vec::new();
    for step in 0..=100 {
        let logps = policy.group_logps(&data);
        let rewards = logps.rewards(&reference, BETA).map(Tensor::detach);
        let loss = iopo(&logps, &reference, BETA).mean();
        let gradients = GradientsParams::from_grads(loss.backward(), &policy);
        if step % 20 == 0 {
            let [x1, x2] = output_accuracies(&rewards).map(|right| mean(right.float()));
            let margin = mean(rewards.margin());
            println!(
                "step {step:>3}  loss {:.4}  margin {margin:>7.4}  accuracies {x1:.2} {x2:.2}",
                loss.into_scalar::<f32>()
            );
            margins.push(margin);
        }
        policy = optimizer.step(0.05, policy, gradients);
    }
    assert!(
        margins.windows(2).all(|pair| pair[1] > pair[0]),
        "the margin did not rise: {margins:?}"
    );
}

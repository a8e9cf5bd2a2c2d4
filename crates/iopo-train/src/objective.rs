//! The losses of the methods, and what each log-probability weighs in them.

use std::collections::BTreeMap;

use burn::tensor::{DType, Device, Tensor, TensorData};
use iopo_model::ModelError;
use iopo_model::device::in_main_memory;
use iopo_objective::{
    FalseCells, GroupLogps, GroupLogpsExt, GroupTokens, LossShape, PairLogps, PairTokens,
    cell_weights, dpo_mirrored_shaped, nll_per_token, orpo, pref_ftx, sided_margin, simpo, tpo,
    tpo_l,
};

use crate::{Method, TrainError, encode::EncodedGroup};

/// A method with its numbers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Objective {
    /// The method.
    pub method: Method,
    /// Weight of the log-ratios; of the preference where there is no reference.
    pub beta: f64,
    /// Weight of the SFT term beside a preference loss.
    pub pref_ftx: f64,
    /// The margin of `SimPO` and TPO-L.
    pub gamma: f64,
    /// From a margin to a loss, for the methods with a reference.
    pub shape: LossShape,
}

/// What a loss is a mean over: a whole update, of which a micro-batch sees a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Window {
    /// Groups of the update.
    pub groups: usize,
    /// Tokens of the chosen responses of the update: SFT is a mean over these.
    pub chosen_tokens: u64,
}

impl Window {
    /// The window of an update.
    pub fn of<'a>(groups: impl IntoIterator<Item = &'a EncodedGroup>) -> Self {
        groups.into_iter().fold(Self::default(), |window, group| Self {
            groups: window.groups + 1,
            chosen_tokens: window.chosen_tokens + (group.y1.len() + group.y2.len()) as u64,
        })
    }
}

/// A group's summed log-probabilities under policy and reference; sequences that were not read are 0.
#[derive(Debug, Clone, Copy)]
pub struct Scored<'a> {
    /// The group.
    pub group: &'a EncodedGroup,
    /// Under the model in training.
    pub policy: [f64; 4],
    /// Under the frozen reference (not read by a method without one).
    pub reference: [f64; 4],
}

impl<'a> Scored<'a> {
    /// A group with its sums under the policy and, where the method has one, under the reference.
    ///
    /// # Errors
    /// When the method compares with a reference that is not there.
    pub fn new(
        group: &'a EncodedGroup,
        policy: [f64; 4],
        method: Method,
        reference: &BTreeMap<String, [f64; 4]>,
    ) -> Result<Self, TrainError> {
        let reference = match reference.get(&group.id) {
            Some(sums) => *sums,
            None if method.has_reference() => {
                return Err(TrainError::MissingReference { group: group.id.clone() });
            }
            None => [0.0; 4],
        };
        Ok(Self { group, policy, reference })
    }
}

/// A loss and its slope.
#[derive(Debug, Clone)]
pub struct Evaluated {
    /// One loss a group, before the mean (for SFT: the group's negative log-likelihood per token).
    pub losses: Vec<f64>,
    /// What these groups add to the update's loss.
    pub share: f64,
    /// `∂ loss of the update / ∂ summed log-probability`, per group and sequence.
    pub slopes: Vec<[f64; 4]>,
}

fn host(tensor: Tensor<1>) -> Result<Vec<f64>, ModelError> {
    tensor.into_data().convert::<f64>().try_to_vec::<f64>().map_err(|error| ModelError::Other {
        reason: format!("cannot read losses from the device: {error:?}"),
    })
}

/// Makes the small tensors of a loss: f64 on the CPU. A GPU's shaders may have f64 without `exp` and `log` of it, which then
/// give NaN.
struct Maker {
    device: Device,
    dtype: DType,
}

impl Maker {
    fn new(device: &Device) -> Self {
        let double = in_main_memory(device) && device.supports_dtype(DType::F64);
        let dtype = if double { DType::F64 } else { DType::F32 };
        Self { device: device.clone().autodiff(), dtype }
    }

    fn vector(&self, values: Vec<f64>) -> Tensor<1> {
        let length = values.len();
        Tensor::from_data(TensorData::new(values, [length]), (&self.device, self.dtype))
    }
}

/// The four (or two) leaves whose gradients are the slopes.
fn leaves(
    maker: &Maker,
    groups: &[Scored<'_>],
    at: impl Fn(&Scored<'_>, usize) -> f64,
) -> [Tensor<1>; 4] {
    std::array::from_fn(|sequence| {
        maker.vector(groups.iter().map(|group| at(group, sequence)).collect())
    })
}

impl Objective {
    /// A method with the margin 0 and the sigmoid, unsmoothed.
    pub fn new(method: Method, beta: f64, pref_ftx: f64) -> Self {
        Self { method, beta, pref_ftx, gamma: 0.0, shape: LossShape::default() }
    }

    /// Whether the method compares log-probabilities per token instead of sums.
    fn is_per_token(&self) -> bool {
        match self.method {
            Method::Simpo | Method::Orpo | Method::TpoL => true,
            _ => self.method.has_reference() && self.shape.is_per_token(),
        }
    }

    /// The reward of a sequence: beta times its log-ratio, or its log-probability where there is no
    /// reference, summed or per token as the loss has it.
    pub fn reward(&self, scored: &Scored<'_>, sequence: usize) -> f64 {
        let mut value = scored.policy[sequence];
        if self.method.has_reference() {
            value -= scored.reference[sequence];
        }
        if self.is_per_token() {
            value /= f64::from(scored.group.response_tokens()[sequence].max(1));
        }
        self.beta * value
    }

    /// The losses of some groups of an update and what each log-probability weighs in the update's
    /// loss: the mean over its groups, or for SFT over its tokens.
    ///
    /// # Errors
    /// When the device cannot be read.
    pub fn evaluate(
        &self,
        groups: &[Scored<'_>],
        window: Window,
        device: &Device,
    ) -> Result<Evaluated, ModelError> {
        if groups.is_empty() {
            return Ok(Evaluated { losses: Vec::new(), share: 0.0, slopes: Vec::new() });
        }
        let maker = Maker::new(device);
        match self.method {
            Method::Sft | Method::SftContinued => supervised(&maker, groups, window),
            Method::DpoPaper => self.one_pair(&maker, groups, window),
            Method::Dpo | Method::Iopo => self.both_pairs(&maker, groups, window),
            Method::Simpo | Method::Orpo | Method::Tpo | Method::TpoL => {
                self.strict_pairs(&maker, groups, window)
            }
        }
    }

    fn one_pair(
        &self,
        maker: &Maker,
        groups: &[Scored<'_>],
        window: Window,
    ) -> Result<Evaluated, ModelError> {
        // (chosen, rejected) of the pair that is strict.
        let sides: Vec<[usize; 2]> = groups
            .iter()
            .map(|scored| if scored.group.false_cells[0] { [0, 1] } else { [2, 3] })
            .collect();
        let pick = |values: fn(&Scored<'_>) -> [f64; 4], side: usize| {
            let picked = groups.iter().zip(&sides).map(|(group, sides)| values(group)[sides[side]]);
            maker.vector(picked.collect())
        };
        let policy = PairLogps {
            chosen: pick(|group| group.policy, 0).require_grad(),
            rejected: pick(|group| group.policy, 1).require_grad(),
        };
        let reference = PairLogps {
            chosen: pick(|group| group.reference, 0),
            rejected: pick(|group| group.reference, 1),
        };
        let lengths: fn(&Scored<'_>) -> [f64; 4] =
            |group| group.group.response_tokens().map(f64::from);
        let tokens = PairTokens { chosen: pick(lengths, 0), rejected: pick(lengths, 1) };
        let margin = if self.is_per_token() {
            policy.per_token(&tokens).margin(&reference.per_token(&tokens))
        } else {
            policy.margin(&reference)
        };
        let losses = self.shape.losses(margin, self.beta)
            + nll_per_token(&policy.chosen, &tokens.chosen).mul_scalar(self.pref_ftx);
        let weights = maker.vector(vec![1.0 / window.groups.max(1) as f64; groups.len()]);
        let made =
            finish(losses, weights, &[(0, &policy.chosen), (1, &policy.rejected)], groups.len())?;
        let slopes = made.slopes.iter().zip(&sides).map(|(slopes, sides)| {
            let mut placed = [0.0; 4];
            placed[sides[0]] = slopes[0];
            placed[sides[1]] = slopes[1];
            placed
        });
        Ok(Evaluated { slopes: slopes.collect(), ..made })
    }

    fn both_pairs(
        &self,
        maker: &Maker,
        groups: &[Scored<'_>],
        window: Window,
    ) -> Result<Evaluated, ModelError> {
        let policy = policy_sums(maker, groups);
        let reference = group_sums(leaves(maker, groups, |group, at| group.reference[at]));
        let cells = false_cells(groups);
        let cells = cell_weights(&cells, &policy.x1y1);
        let tokens = response_lengths(maker, groups);
        let anchor = pref_ftx(&policy, &tokens.y1, &tokens.y2);
        let (compared, reference) = if self.is_per_token() {
            (policy.per_token(&tokens), reference.per_token(&tokens))
        } else {
            (policy.clone(), reference)
        };
        // Mirrored DPO is a mean over two pairs, IOPO one term for both: so is the SFT term beside it.
        let losses = if self.method == Method::Iopo {
            self.shape.losses(sided_margin(&compared, &reference, &cells), self.beta)
                + anchor.mul_scalar(self.pref_ftx)
        } else {
            dpo_mirrored_shaped(&compared, &reference, &cells, self.shape, self.beta)
                + anchor.mul_scalar(0.5 * self.pref_ftx)
        };
        let weights = maker.vector(vec![1.0 / window.groups.max(1) as f64; groups.len()]);
        finish(losses, weights, &four(&policy), groups.len())
    }

    /// The mean over a group's strict pairs, of which a sided group has one.
    fn strict_pairs(
        &self,
        maker: &Maker,
        groups: &[Scored<'_>],
        window: Window,
    ) -> Result<Evaluated, ModelError> {
        let policy = policy_sums(maker, groups);
        let tokens = response_lengths(maker, groups);
        let cells = cell_weights(&false_cells(groups), &policy.x1y1);
        let ([policy_x1, policy_x2], [tokens_x1, tokens_x2]) = (policy.pairs(), tokens.pairs());
        let losses = (self.pair_losses(&policy_x1, &tokens_x1) * cells.x1y2
            + self.pair_losses(&policy_x2, &tokens_x2) * cells.x2y1)
            .mul_scalar(0.5);
        let weights = maker.vector(vec![1.0 / window.groups.max(1) as f64; groups.len()]);
        finish(losses, weights, &four(&policy), groups.len())
    }

    /// One loss a pair, of a method without a reference.
    fn pair_losses(&self, policy: &PairLogps, tokens: &PairTokens) -> Tensor<1> {
        let (triple, lengths) = (policy.triple(), tokens.triple());
        match self.method {
            Method::Simpo => simpo(policy, tokens, self.beta, self.gamma),
            Method::Orpo => orpo(policy, tokens, self.beta),
            Method::Tpo => tpo(&triple, &lengths, self.beta, self.pref_ftx),
            _ => tpo_l(&triple, &lengths, self.beta, self.gamma, self.pref_ftx),
        }
    }
}

fn group_sums([x1y1, x1y2, x2y2, x2y1]: [Tensor<1>; 4]) -> GroupLogps {
    GroupLogps { x1y1, x1y2, x2y1, x2y2 }
}

fn false_cells(groups: &[Scored<'_>]) -> Vec<FalseCells> {
    let of = |scored: &Scored<'_>| {
        let [x1y2, x2y1] = scored.group.false_cells;
        FalseCells { x1y2, x2y1 }
    };
    groups.iter().map(of).collect()
}

/// The policy's sums as leaves of the gradient graph.
fn policy_sums(maker: &Maker, groups: &[Scored<'_>]) -> GroupLogps {
    let made = leaves(maker, groups, |group, at| group.policy[at]);
    group_sums(made.map(Tensor::require_grad))
}

fn response_lengths(maker: &Maker, groups: &[Scored<'_>]) -> GroupTokens {
    GroupTokens {
        y1: maker.vector(groups.iter().map(|g| g.group.y1.len() as f64).collect()),
        y2: maker.vector(groups.iter().map(|g| g.group.y2.len() as f64).collect()),
    }
}

/// The four leaves with their places.
fn four(policy: &GroupLogps) -> [(usize, &Tensor<1>); 4] {
    [(0, &policy.x1y1), (1, &policy.x1y2), (2, &policy.x2y2), (3, &policy.x2y1)]
}

/// SFT: the mean over the tokens of both chosen responses.
fn supervised(
    maker: &Maker,
    groups: &[Scored<'_>],
    window: Window,
) -> Result<Evaluated, ModelError> {
    let chosen = |sequence: usize| {
        maker.vector(groups.iter().map(|group| group.policy[sequence]).collect()).require_grad()
    };
    let (v1, v2) = (chosen(0), chosen(2));
    let counts: Vec<f64> =
        groups.iter().map(|g| (g.group.y1.len() + g.group.y2.len()) as f64).collect();
    let losses = nll_per_token(&(v1.clone() + v2.clone()), &maker.vector(counts.clone()));
    let weights = counts.iter().map(|count| count / window.chosen_tokens.max(1) as f64).collect();
    finish(losses, maker.vector(weights), &[(0, &v1), (2, &v2)], groups.len())
}

fn finish(
    losses: Tensor<1>,
    weights: Tensor<1>,
    leaves: &[(usize, &Tensor<1>)],
    groups: usize,
) -> Result<Evaluated, ModelError> {
    let weighted = losses.clone() * weights;
    let found = weighted.clone().sum().backward();
    let mut slopes = vec![[0.0; 4]; groups];
    for (sequence, leaf) in leaves {
        if let Some(gradient) = leaf.grad(&found) {
            for (slopes, value) in slopes.iter_mut().zip(host(gradient)?) {
                slopes[*sequence] = value;
            }
        }
    }
    let share = host(weighted)?.iter().sum();
    Ok(Evaluated { losses: host(losses)?, share, slopes })
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use iopo_objective::LossShape;

    use super::{Objective, Scored, Window};
    use crate::{Method, encode::EncodedGroup};

    fn group(false_cells: [bool; 2]) -> EncodedGroup {
        EncodedGroup {
            id: "g".into(),
            x1: vec![1, 2],
            x2: vec![1, 3],
            y1: vec![4; 5],
            y2: vec![5; 10],
            false_cells,
        }
    }

    const POLICY: [f64; 4] = [-10.0, -14.0, -20.0, -13.0];
    const REFERENCE: [f64; 4] = [-11.0, -13.0, -19.5, -12.0];

    fn evaluate(method: Method, cells: [bool; 2], pref_ftx: f64) -> super::Evaluated {
        let group = group(cells);
        let objective = Objective::new(method, 0.1, pref_ftx);
        let scored = Scored { group: &group, policy: POLICY, reference: REFERENCE };
        objective.evaluate(&[scored], Window::of([&group]), &Device::flex()).expect("a small loss")
    }

    fn near(got: f64, expected: f64) {
        assert!((got - expected).abs() < 1e-12, "{got} is not {expected}");
    }

    #[test]
    fn iopo_is_its_formula_with_the_term_per_token() {
        let made = evaluate(Method::Iopo, [true, true], 1.0);
        let z: f64 = 0.1 * (1.0 - 0.5 + 1.0 + 1.0);
        near(made.losses[0], (-z).exp().ln_1p() + 10.0 / 5.0 + 20.0 / 10.0);
        let slope = -0.1 / (1.0 + z.exp());
        near(made.slopes[0][0], slope - 0.2);
        near(made.slopes[0][1], -slope);
        near(made.slopes[0][2], slope - 0.1);
    }

    #[test]
    fn a_sided_group_reads_its_false_cell_only() {
        let made = evaluate(Method::Iopo, [false, true], 0.0);
        near(made.losses[0], (-0.1f64 * (1.0 - 0.5 + 2.0)).exp().ln_1p());
        near(made.slopes[0][1], 0.0);
        assert_eq!(Method::Iopo.needs(&group([false, true])), [true, false, true, true]);
    }

    #[test]
    fn dpo_of_the_paper_takes_the_strict_pair() {
        let made = evaluate(Method::DpoPaper, [true, true], 0.0);
        near(made.losses[0], (-0.1f64 * 2.0).exp().ln_1p());
        assert!(made.slopes[0][2].abs() + made.slopes[0][3].abs() < 1e-15);
        let made = evaluate(Method::DpoPaper, [false, true], 0.0);
        near(made.losses[0], (-0.1f64 * 0.5).exp().ln_1p());
        assert!(made.slopes[0][2] < 0.0 && made.slopes[0][3] > 0.0 && made.slopes[0][0] == 0.0);
    }

    #[test]
    fn sft_is_a_mean_over_the_tokens_of_the_update() {
        let made = evaluate(Method::Sft, [true, true], 0.0);
        near(made.share, 30.0 / 15.0);
        near(made.slopes[0][0], -1.0 / 15.0);
        near(made.slopes[0][1], 0.0);
    }

    fn shaped(method: Method, shape: LossShape) -> f64 {
        let group = group([true, true]);
        let objective = Objective { shape, ..Objective::new(method, 0.1, 0.0) };
        let scored = Scored { group: &group, policy: POLICY, reference: REFERENCE };
        let made = objective.evaluate(&[scored], Window::of([&group]), &Device::flex());
        made.expect("a small loss").losses[0]
    }

    #[test]
    fn the_shape_of_the_loss_is_a_setting_and_ipo_is_per_token() {
        // s11 − s12 = 2 and s22 − s21 = 0.5 as sums; 1/5 + 1/10 and −0.5/10 + 1/5 per token.
        near(shaped(Method::Iopo, LossShape::Hinge), 1.0 - 0.25);
        near(shaped(Method::Dpo, LossShape::Hinge), 0.5 * ((1.0 - 0.2) + (1.0 - 0.05)));
        near(shaped(Method::DpoPaper, LossShape::Hinge), 1.0 - 0.2);
        near(shaped(Method::Iopo, LossShape::Ipo), (0.3f64 + 0.15 - 5.0).powi(2));
        near(shaped(Method::DpoPaper, LossShape::Ipo), (0.3f64 - 5.0).powi(2));
        let smoothed = LossShape::Sigmoid { label_smoothing: 0.25 };
        let expected = 0.75 * (-0.25f64).exp().ln_1p() + 0.25 * 0.25f64.exp().ln_1p();
        near(shaped(Method::Iopo, smoothed), expected);
    }

    #[test]
    fn without_a_reference_the_strict_pairs_are_read_alone() {
        // Per token: −2 and −1.4 under x1, −2 and −2.6 under x2.
        let softplus = |z: f64| z.exp().ln_1p();
        let (v1, v2) = (softplus(0.1 * 0.6), softplus(-0.1 * 0.6));
        near(evaluate(Method::Simpo, [true, true], 0.0).losses[0], 0.5 * (v1 + v2));
        let made = evaluate(Method::Simpo, [false, true], 0.0);
        near(made.losses[0], v2);
        assert!(made.slopes[0][0].abs() + made.slopes[0][1].abs() < 1e-15);
        assert!(made.slopes[0][2] < 0.0 && made.slopes[0][3] > 0.0);
        near(evaluate(Method::TpoL, [false, true], 0.5).losses[0], v2 + 0.5 * 2.0);
        near(evaluate(Method::Tpo, [false, true], 0.5).losses[0], softplus(0.7) + 0.5 * 2.0);
        let odds = |logp: f64| logp - (-logp.exp()).ln_1p();
        let ratio = softplus(odds(-2.6) - odds(-2.0));
        near(evaluate(Method::Orpo, [false, true], 0.0).losses[0], 2.0 + 0.1 * ratio);
        for method in [Method::Simpo, Method::Orpo, Method::Tpo, Method::TpoL] {
            assert_eq!(method.needs(&group([false, true])), [false, false, true, true]);
        }
    }

    #[test]
    fn rewards_are_what_the_loss_compares() {
        let group = group([true, true]);
        let scored = Scored { group: &group, policy: POLICY, reference: REFERENCE };
        let reward = |objective: Objective| objective.reward(&scored, 1);
        near(reward(Objective::new(Method::Iopo, 0.1, 1.0)), -0.1);
        let ipo = Objective { shape: LossShape::Ipo, ..Objective::new(Method::Dpo, 0.1, 1.0) };
        near(reward(ipo), -0.01);
        near(reward(Objective::new(Method::Simpo, 0.1, 1.0)), -0.14);
        near(reward(Objective::new(Method::Tpo, 0.1, 1.0)), -1.4);
    }
}

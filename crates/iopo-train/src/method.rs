//! The training methods: which sequences of a group they read, and their losses.

use std::{collections::BTreeMap, fmt};

use burn::tensor::{Bool, DType, Device, Tensor, TensorData};
use iopo_model::ModelError;
use iopo_objective::{
    FalseCells, GroupLogps, PairLogps, dpo, dpo_mirrored_sided, iopo_sided, nll_per_token, pref_ftx,
};
use serde::{Deserialize, Serialize};

use crate::{TrainError, encode::EncodedGroup};

/// A training method. All but [`Method::Sft`] start from the SFT model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// Supervised fine-tuning on (x1, y1) and (x2, y2), from the base model.
    Sft,
    /// The same for as many more updates as a preference method gets: the fair baseline.
    SftContinued,
    /// DPO on both mirrored pairs of a group (the paper's "without input preference").
    Dpo,
    /// DPO as the paper's baseline: y1 against a worse y, for x1 only.
    DpoPaper,
    /// Input-output preference optimisation.
    Iopo,
}

impl Method {
    /// Every method, in the order in which a run takes them.
    pub const ALL: [Self; 5] =
        [Self::Sft, Self::SftContinued, Self::Dpo, Self::DpoPaper, Self::Iopo];

    /// The method's name in configurations and folder names.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sft => "sft",
            Self::SftContinued => "sft-continued",
            Self::Dpo => "dpo",
            Self::DpoPaper => "dpo-paper",
            Self::Iopo => "iopo",
        }
    }

    /// Whether it compares with a reference.
    pub fn is_preference(self) -> bool {
        !matches!(self, Self::Sft | Self::SftContinued)
    }

    /// Which sequences of a group the loss reads, in the order (x1,y1), (x1,y2), (x2,y2), (x2,y1).
    ///
    /// A rejected sequence whose response follows its instruction after all (the true off-diagonal
    /// cell of a sided group) is never read.
    pub fn needs(self, group: &EncodedGroup) -> [bool; 4] {
        let [v1, v2] = group.false_cells;
        match self {
            Self::Sft | Self::SftContinued => [true, false, true, false],
            Self::Dpo | Self::Iopo => [true, v1, true, v2],
            Self::DpoPaper if v1 => [true, true, false, false],
            // y2 follows x1 too: the group's one strict pair is the mirrored one.
            Self::DpoPaper => [false, false, true, true],
        }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// A method with its numbers.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Objective {
    /// The method.
    pub method: Method,
    /// Weight of the log-ratios.
    pub beta: f64,
    /// Weight of the SFT term beside a preference loss.
    pub pref_ftx: f64,
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
    /// Under the frozen reference (0 for SFT).
    pub reference: [f64; 4],
}

impl<'a> Scored<'a> {
    /// A group with its sums under the policy and, for a preference method, under the reference.
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
            None if method.is_preference() => {
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

/// Makes the small tensors of a loss: f64 where the device has it.
struct Maker {
    device: Device,
    dtype: DType,
}

impl Maker {
    fn new(device: &Device) -> Self {
        let dtype = if device.supports_dtype(DType::F64) { DType::F64 } else { DType::F32 };
        Self { device: device.clone().autodiff(), dtype }
    }

    fn vector(&self, values: Vec<f64>) -> Tensor<1> {
        let length = values.len();
        Tensor::from_data(TensorData::new(values, [length]), (&self.device, self.dtype))
    }

    fn mask(&self, values: Vec<bool>) -> Tensor<1, Bool> {
        let length = values.len();
        Tensor::from_data(TensorData::new(values, [length]), &self.device)
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
        let tokens = pick(|group| group.group.response_tokens().map(f64::from), 0);
        let losses = dpo(&policy, &reference, self.beta, 0.0)
            + nll_per_token(&policy.chosen, &tokens).mul_scalar(self.pref_ftx);
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
        let group = |[chosen_v1, rejected_v1, chosen_v2, rejected_v2]: [Tensor<1>; 4]| GroupLogps {
            chosen_v1,
            rejected_v1,
            chosen_v2,
            rejected_v2,
        };
        let made = leaves(maker, groups, |group, at| group.policy[at]);
        let policy = group(made.map(Tensor::require_grad));
        let reference = group(leaves(maker, groups, |group, at| group.reference[at]));
        let cells = FalseCells {
            rejected_v1: maker.mask(groups.iter().map(|g| g.group.false_cells[0]).collect()),
            rejected_v2: maker.mask(groups.iter().map(|g| g.group.false_cells[1]).collect()),
        };
        let y1 = maker.vector(groups.iter().map(|g| g.group.y1.len() as f64).collect());
        let y2 = maker.vector(groups.iter().map(|g| g.group.y2.len() as f64).collect());
        let anchor = pref_ftx(&policy, &y1, &y2);
        // Mirrored DPO is a mean over two pairs, IOPO one term for both: so is the SFT term beside it.
        let losses = if self.method == Method::Iopo {
            iopo_sided(&policy, &reference, &cells, self.beta) + anchor.mul_scalar(self.pref_ftx)
        } else {
            dpo_mirrored_sided(&policy, &reference, &cells, self.beta)
                + anchor.mul_scalar(0.5 * self.pref_ftx)
        };
        let weights = maker.vector(vec![1.0 / window.groups.max(1) as f64; groups.len()]);
        let leaves = [
            (0, &policy.chosen_v1),
            (1, &policy.rejected_v1),
            (2, &policy.chosen_v2),
            (3, &policy.rejected_v2),
        ];
        finish(losses, weights, &leaves, groups.len())
    }
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

    use super::{Method, Objective, Scored, Window};
    use crate::encode::EncodedGroup;

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
        let objective = Objective { method, beta: 0.1, pref_ftx };
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
}

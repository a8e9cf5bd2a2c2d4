//! Loss functions of a margin.

use burn::tensor::{Tensor, activation};

/// Label smoothing of `exo_pair` where 0 is given, because `exo_pair` takes its logarithm.
const EXO_SMOOTHING: f64 = 1e-3;

/// The shape of a preference loss, as a function of the margin `h` (before beta), `z = β·h`.
///
/// IOPO's margin is `policy.log_ratios(&reference).margin()`, DPO's [`PairLogps::margin`](crate::PairLogps::margin).
/// The label smoothing ε is the probability that a label is flipped, `0 ≤ ε < ½`. The names are those of TRL's
/// `loss_type` and of the IOPO authors' trainer. Default: sigmoid without smoothing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum LossShape {
    /// `−(1−ε)·log σ(z) − ε·log σ(−z)`: Bradley–Terry (Rafailov et al., arXiv 2305.18290), with the
    /// smoothing of conservative DPO (Mitchell, 2023).
    Sigmoid {
        /// ε, the probability that a label is flipped.
        label_smoothing: f64,
    },
    /// The sigmoid loss of margins of logps *per token*: length-normalized DPO (Lambert et al., arXiv 2411.15124), without
    /// smoothing as in TRL. It compares the mean change of a token, so long responses weigh no more than short ones; β is about a response's length
    /// times larger than with sums, 5 in that paper.
    ///
    /// As with `ipo`, the partition functions Z(x) do not cancel in IOPO: a heuristic.
    SigmoidNorm,
    /// `max(0, 1 − z)` (SLiC-HF, Zhao et al., arXiv 2305.10425).
    Hinge,
    /// `(h − 1/(2β))²` (IPO, Azar et al., arXiv 2310.12036, equation 17, β for τ).
    ///
    /// Expects margins of logps *per token* ([`LossShape::is_per_token`]), as in TRL and the IOPO authors' trainer.
    /// Responses of different lengths are then divided by different numbers, so the partition functions Z(x) do not
    /// cancel in IOPO: a heuristic.
    Ipo,
    /// `(−(1−ε)·log σ(z) + ε·log σ(−z)) / (1−2ε)`: unbiased when a share ε of the labels is flipped
    /// (Chowdhury et al., arXiv 2403.00409). Not bounded below for ε > 0.
    Robust {
        /// ε, the probability that a label is flipped.
        label_smoothing: f64,
    },
    /// `σ(z)·(log σ(z) − log(1−ε)) + σ(−z)·(log σ(−z) − log ε)`: the reverse KL divergence to the
    /// smoothed label (EXO, Ji et al., arXiv 2402.00856, equation 16). ε = 0 means 1e-3.
    ExoPair {
        /// ε, the probability that a label is flipped.
        label_smoothing: f64,
    },
}

impl Default for LossShape {
    fn default() -> Self {
        Self::Sigmoid { label_smoothing: 0.0 }
    }
}

impl LossShape {
    /// Returns whether the shape expects margins of logps [per token](crate::GroupLogpsExt::per_token) instead of sums.
    #[must_use]
    pub fn is_per_token(self) -> bool {
        match self {
            Self::SigmoidNorm | Self::Ipo => true,
            Self::Sigmoid { .. } | Self::Hinge | Self::Robust { .. } | Self::ExoPair { .. } => {
                false
            }
        }
    }

    /// Computes the loss of each margin `h`. Loss and gradient are finite for every finite `h`.
    ///
    /// # Shapes
    /// `[n]` in, `[n]` out.
    #[must_use]
    pub fn losses(self, margin: Tensor<1>, beta: f64) -> Tensor<1> {
        let z = || margin.clone().mul_scalar(beta);
        match self {
            Self::SigmoidNorm => logistic(z()),
            Self::Sigmoid { label_smoothing } => {
                smoothed(z(), 1.0 - label_smoothing, label_smoothing)
            }
            Self::Hinge => activation::relu(z().neg().add_scalar(1.0)),
            Self::Ipo => margin.sub_scalar(0.5 / beta).square(),
            Self::Robust { label_smoothing } => {
                let scale = 1.0 / (1.0 - 2.0 * label_smoothing);
                smoothed(z(), scale * (1.0 - label_smoothing), -scale * label_smoothing)
            }
            Self::ExoPair { label_smoothing } => {
                let share = if label_smoothing == 0.0 { EXO_SMOOTHING } else { label_smoothing };
                exo_side(z(), 1.0 - share) + exo_side(z().neg(), share)
            }
        }
    }
}

/// Computes `−log σ(z)`.
///
/// # Shapes
/// `[n]` in, `[n]` out.
pub(crate) fn logistic(z: Tensor<1>) -> Tensor<1> {
    activation::log_sigmoid(z).neg()
}

/// Computes `−yes·log σ(z) − no·log σ(−z)`.
fn smoothed(z: Tensor<1>, yes: f64, no: f64) -> Tensor<1> {
    if no == 0.0 {
        return logistic(z);
    }
    logistic(z.clone()).mul_scalar(yes) + logistic(z.neg()).mul_scalar(no)
}

/// Computes `σ(z)·(log σ(z) − log share)`.
fn exo_side(z: Tensor<1>, share: f64) -> Tensor<1> {
    activation::sigmoid(z.clone()) * activation::log_sigmoid(z).sub_scalar(share.ln())
}

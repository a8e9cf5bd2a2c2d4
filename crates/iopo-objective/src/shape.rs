//! What turns a margin into a loss.

use burn::tensor::{Tensor, activation};

/// Exo-pair takes the logarithm of its label smoothing, so 0 stands for this.
const EXO_SMOOTHING: f64 = 1e-3;

/// The shape of a preference loss, as a function of the margin `h` (before beta), `z = β·h`.
///
/// `h` is that of any objective here that has one: [`GroupLogps::margin`](crate::GroupLogps::margin)
/// for IOPO, [`PairLogps::margin`](crate::PairLogps::margin) for DPO. The label smoothing ε is the
/// probability that a label is flipped, `0 ≤ ε < ½`. The names are those of TRL and of the IOPO
/// authors' trainer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum LossShape {
    /// `−(1−ε)·log σ(z) − ε·log σ(−z)`: Bradley–Terry (Rafailov et al., arXiv 2305.18290), with the
    /// smoothing of conservative DPO (Mitchell, 2023).
    Sigmoid {
        /// ε.
        label_smoothing: f64,
    },
    /// `max(0, 1 − z)` (SLiC-HF, Zhao et al., arXiv 2305.10425).
    Hinge,
    /// `(h − 1/(2β))²` (IPO, Azar et al., arXiv 2310.12036, equation 17, β for τ).
    ///
    /// Made for margins of log-probabilities *per token* ([`LossShape::is_per_token`]), as TRL and
    /// the IOPO authors' trainer have it. Responses of unlike length are then divided by unlike
    /// numbers, so in IOPO the partition functions Z(x) do not cancel: a heuristic.
    Ipo,
    /// `(−(1−ε)·log σ(z) + ε·log σ(−z)) / (1−2ε)`: unbiased where a share ε of the labels is flipped
    /// (Chowdhury et al., arXiv 2403.00409). Not bounded below where ε > 0.
    Robust {
        /// ε.
        label_smoothing: f64,
    },
    /// `σ(z)·(log σ(z) − log(1−ε)) + σ(−z)·(log σ(−z) − log ε)`: the reverse KL divergence to the
    /// smoothed label (EXO, Ji et al., arXiv 2402.00856, equation 16). ε = 0 is taken as 1e-3.
    ExoPair {
        /// ε.
        label_smoothing: f64,
    },
}

impl Default for LossShape {
    fn default() -> Self {
        Self::Sigmoid { label_smoothing: 0.0 }
    }
}

impl LossShape {
    /// Whether it is made for margins of log-probabilities per token instead of sums: see
    /// [`GroupLogps::per_token`](crate::GroupLogps::per_token).
    #[must_use]
    pub fn is_per_token(self) -> bool {
        matches!(self, Self::Ipo)
    }

    /// The loss of each margin `h`, finite with its gradient for every finite `h`.
    ///
    /// # Shapes
    /// `[n]` in, `[n]` out.
    #[must_use]
    pub fn losses(self, margin: Tensor<1>, beta: f64) -> Tensor<1> {
        let z = || margin.clone().mul_scalar(beta);
        match self {
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

/// `−log σ(z)`.
///
/// # Shapes
/// `[n]` in, `[n]` out.
pub(crate) fn logistic(z: Tensor<1>) -> Tensor<1> {
    activation::log_sigmoid(z).neg()
}

/// `−yes·log σ(z) − no·log σ(−z)`.
fn smoothed(z: Tensor<1>, yes: f64, no: f64) -> Tensor<1> {
    if no == 0.0 {
        return logistic(z);
    }
    logistic(z.clone()).mul_scalar(yes) + logistic(z.neg()).mul_scalar(no)
}

/// `σ(z)·(log σ(z) − log share)`.
fn exo_side(z: Tensor<1>, share: f64) -> Tensor<1> {
    activation::sigmoid(z.clone()) * activation::log_sigmoid(z).sub_scalar(share.ln())
}

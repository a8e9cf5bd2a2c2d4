//! The passes over a row of logits that a draw needs.

use pulp::{Arch, Simd, WithSimd};

use super::exp::exp;
use super::lanes::fold;

/// Returns the largest logit and the first token that has it; `None` if a logit is NaN or infinite.
pub(crate) fn likeliest(logits: &[f32]) -> Option<(u32, f32)> {
    let max = Arch::new().dispatch(Largest { logits })?;
    let token = logits.iter().position(|logit| *logit >= max)?;
    Some((token as u32, max))
}

/// Writes `e^((logit − max) / temperature)` for each logit into `weights` and returns their sum.
pub(crate) fn weights(logits: &[f32], max: f32, temperature: f32, weights: &mut Vec<f32>) -> f32 {
    weights.clear();
    weights.resize(logits.len(), 0.0);
    Arch::new().dispatch(Weights { logits, max, scale: 1.0 / temperature, to: weights })
}

struct Largest<'a> {
    logits: &'a [f32],
}

impl WithSimd for Largest<'_> {
    type Output = Option<f32>;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> Option<f32> {
        // Zero times NaN or infinity is NaN, and so is the sum then.
        let finite = fold(self.logits, 0.0, |sum, logit| logit.mul_add(0.0, sum)) == 0.0;
        finite.then(|| fold(self.logits, f32::NEG_INFINITY, f32::max))
    }
}

struct Weights<'a> {
    logits: &'a [f32],
    max: f32,
    scale: f32,
    to: &'a mut [f32],
}

impl WithSimd for Weights<'_> {
    type Output = f32;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> f32 {
        for (weight, logit) in self.to.iter_mut().zip(self.logits) {
            *weight = exp((*logit - self.max) * self.scale);
        }
        fold(self.to, 0.0, |sum, weight| sum + weight)
    }
}

#[cfg(test)]
mod tests {
    use super::{likeliest, weights};

    #[test]
    fn the_first_of_the_largest_logits_wins() {
        let mut logits: Vec<f32> = (0..1003).map(|at| (at % 17) as f32 - 20.0).collect();
        (logits[40], logits[1001]) = (5.0, 5.0);
        assert_eq!(likeliest(&logits), Some((40, 5.0)));
        assert_eq!(likeliest(&[]), None);
    }

    #[test]
    fn a_logit_that_is_not_finite_is_found_anywhere() {
        for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            for at in [0, 15, 16, 99] {
                let mut logits = vec![1.0; 100];
                assert!(likeliest(&logits).is_some());
                logits[at] = bad;
                assert_eq!(likeliest(&logits), None, "{bad} at {at}");
            }
        }
    }

    #[test]
    fn weights_are_exponentials_of_the_distance_from_the_largest() {
        let logits: Vec<f32> = (0..101).map(|at| at as f32 / 7.0).collect();
        let mut of = Vec::new();
        let total = weights(&logits, 100.0 / 7.0, 0.5, &mut of);
        for (logit, weight) in logits.iter().zip(&of) {
            let want = (f64::from(logit - 100.0 / 7.0) / 0.5).exp();
            assert!((f64::from(*weight) / want - 1.0).abs() < 1e-5, "{logit}");
        }
        let sum: f64 = of.iter().map(|weight| f64::from(*weight)).sum();
        assert!((f64::from(total) / sum - 1.0).abs() < 1e-6);
    }
}

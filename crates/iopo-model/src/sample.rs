//! Draws the next token from logits.

use iopo_llm::Sampling;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::kernels::{likeliest, weights};

/// Sampling settings and random stream of one row.
pub(crate) struct Sampler {
    sampling: Sampling,
    rng: ChaCha8Rng,
}

/// Buffers of a draw, to reuse for the next one.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    /// One per token.
    weights: Vec<f32>,
    /// The tokens that can be drawn.
    candidates: Vec<Candidate>,
}

/// A token and its weight.
type Candidate = (u32, f32);

/// Weight of the least likely candidates in the first attempt to collect enough; the likeliest token has weight 1.
const FIRST_FLOOR: f32 = 1.0 / 64.0;
/// Factor of the weight in each further attempt.
const NEXT_FLOOR: f32 = 1.0 / 16.0;

impl Sampler {
    pub(crate) fn new(sampling: &Sampling) -> Self {
        Self { sampling: sampling.clone(), rng: ChaCha8Rng::seed_from_u64(sampling.seed) }
    }

    /// Returns whether every draw takes the likeliest token.
    pub(crate) fn is_greedy(&self) -> bool {
        self.sampling.temperature <= 0.0 || self.sampling.top_k == 1
    }

    /// Draws a token from `logits` `[vocab]`; `None` if a logit is NaN or infinite.
    ///
    /// Temperature 0 is greedy and takes the lowest id among ties. Otherwise draws from the softmax at that temperature,
    /// restricted to the `top_k` likeliest tokens and then to the smallest set with probability `top_p`.
    pub(crate) fn draw(&mut self, logits: &[f32], scratch: &mut Scratch) -> Option<u32> {
        let (best, max) = likeliest(logits)?;
        if self.is_greedy() {
            return Some(best);
        }
        let Sampling { temperature, top_p, top_k, .. } = self.sampling;
        let Scratch { weights: all, candidates } = scratch;
        let total = weights(logits, max, temperature, all);
        let top_k = if top_k < all.len() { top_k } else { 0 };
        let uniform = self.rng.random_range(0.0..1.0f32);
        let drawn = if top_k == 0 && top_p >= 1.0 {
            pick((0..).zip(all.iter().copied()), uniform * total)
        } else {
            restrict(all, total, top_k, top_p, candidates);
            let total: f32 = candidates.iter().map(|(_, weight)| weight).sum();
            pick(candidates.iter().copied(), uniform * total)
        };
        Some(drawn.unwrap_or(best))
    }
}

/// Returns the token at which the running sum of the weights exceeds `mass`.
fn pick(candidates: impl Iterator<Item = Candidate>, mass: f32) -> Option<u32> {
    let mut left = mass;
    for (token, weight) in candidates {
        left -= weight;
        if left < 0.0 {
            return Some(token);
        }
    }
    None
}

/// Collects the `top_k` likeliest tokens, or all if it is 0, and keeps the smallest set with the share `top_p` of their
/// weights, likeliest first.
///
/// Sorts few tokens: those above a weight that is lowered until they suffice.
fn restrict(all: &[f32], total: f32, top_k: usize, top_p: f32, candidates: &mut Vec<Candidate>) {
    let mut floor = FIRST_FLOOR;
    // Tokens below this weight together have less than 1 − top_p, so they are not in the nucleus. The `top_k` likeliest
    // tokens can have any weight.
    let lowest = if top_k > 0 { 0.0 } else { (1.0 - top_p) * total / all.len() as f32 };
    loop {
        let last = floor <= lowest.max(f32::MIN_POSITIVE);
        let floor_now = if last { lowest } else { floor };
        candidates.clear();
        candidates
            .extend((0..).zip(all.iter().copied()).filter(|(_, weight)| *weight >= floor_now));
        if nucleus(candidates, total, top_k, top_p) || last {
            return;
        }
        floor *= NEXT_FLOOR;
    }
}

/// Reduces the candidates to those that can be drawn, sorted; returns false if tokens that are no candidates might be among
/// them.
fn nucleus(candidates: &mut Vec<Candidate>, total: f32, top_k: usize, top_p: f32) -> bool {
    let by_weight = |a: &Candidate, b: &Candidate| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0));
    let mut total = total;
    if top_k > 0 {
        if candidates.len() < top_k {
            return false;
        }
        candidates.select_nth_unstable_by(top_k - 1, by_weight);
        candidates.truncate(top_k);
    }
    candidates.sort_unstable_by(by_weight);
    if top_k > 0 {
        total = candidates.iter().map(|(_, weight)| weight).sum();
    }
    if top_p >= 1.0 {
        return true;
    }
    let mut mass = 0.0;
    let last = candidates.iter().position(|(_, weight)| {
        mass += weight;
        mass >= top_p * total
    });
    if let Some(last) = last {
        candidates.truncate(last + 1);
    }
    last.is_some()
}

#[cfg(test)]
mod tests {
    use iopo_llm::Sampling;
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::{Sampler, Scratch, nucleus, restrict};
    use crate::kernels::{likeliest, weights};

    fn counts(sampling: &Sampling, logits: &[f32], draws: usize) -> Vec<usize> {
        let mut sampler = Sampler::new(sampling);
        let (mut counts, mut scratch) = (vec![0; logits.len()], Scratch::default());
        for _ in 0..draws {
            counts[sampler.draw(logits, &mut scratch).expect("finite") as usize] += 1;
        }
        counts
    }

    #[test]
    fn greedy_takes_the_lowest_id_among_the_likeliest() {
        let mut sampler = Sampler::new(&Sampling::greedy(1));
        assert_eq!(sampler.draw(&[0.0, 2.0, 2.0, 1.0], &mut Scratch::default()), Some(1));
    }

    #[test]
    fn a_logit_that_is_not_finite_draws_nothing() {
        for temperature in [0.0, 1.0] {
            let sampling = Sampling::greedy(1).with_temperature(temperature);
            let drawn = Sampler::new(&sampling).draw(&[0.0, f32::NAN], &mut Scratch::default());
            assert_eq!(drawn, None);
        }
    }

    #[test]
    fn frequencies_follow_the_softmax() {
        let sampling = Sampling::greedy(1).with_temperature(2.0).with_seed(3);
        let logits = [0.0, 2.0, 4.0];
        let counts = counts(&sampling, &logits, 20_000);
        let total: f64 = logits.iter().map(|l| f64::from(*l / 2.0).exp()).sum();
        for (logit, count) in logits.iter().zip(counts) {
            let expected = f64::from(logit / 2.0).exp() / total;
            assert!(
                (count as f64 / 20_000.0 - expected).abs() < 0.015,
                "{count} against {expected}"
            );
        }
    }

    #[test]
    fn top_k_and_top_p_cut_the_tail() {
        let logits = [3.0, 2.0, 1.0, 0.0];
        let base = Sampling::greedy(1).with_temperature(1.0).with_seed(1);
        let by_k = counts(&base.clone().with_top_k(2), &logits, 5_000);
        assert!(by_k[0] > 0 && by_k[1] > 0 && by_k[2] == 0 && by_k[3] == 0);
        // Masses 0.644, 0.237, 0.087, 0.032: 0.7 needs two tokens.
        let by_p = counts(&base.with_top_p(0.7), &logits, 5_000);
        assert!(by_p[0] > 0 && by_p[1] > 0 && by_p[2] == 0 && by_p[3] == 0);
    }
    #[test]
    fn candidates_are_those_of_a_full_sort() {
        let mut rng = ChaCha8Rng::seed_from_u64(4);
        let (mut few, mut weight, mut rounds) = (Vec::new(), Vec::new(), [0; 2]);
        for vocab in [2, 50, 5000] {
            // Peaked, flat, and with ties; the spread decides how many attempts are needed.
            for spread in [0.01f32, 1.0, 4.0, 30.0] {
                let mut logit = || (rng.random_range(-1.0..1.0f32) * spread * 8.0).round() / 8.0;
                let logits: Vec<f32> = (0..vocab).map(|_| logit()).collect();
                let (_, max) = likeliest(&logits).expect("finite");
                let total = weights(&logits, max, 0.7, &mut weight);
                for (top_k, top_p) in
                    [(0, 0.5), (0, 0.9), (0, 0.9999), (1, 1.0), (40, 1.0), (40, 0.9)]
                {
                    let top_k = if top_k < vocab { top_k } else { 0 };
                    // Without a limit, a draw does not restrict the tokens.
                    if top_k == 0 && top_p >= 1.0 {
                        continue;
                    }
                    let mut every: Vec<(u32, f32)> = (0..).zip(weight.iter().copied()).collect();
                    nucleus(&mut every, total, top_k, top_p);
                    restrict(&weight, total, top_k, top_p, &mut few);
                    assert_eq!(few, every, "{vocab} {spread} {top_k} {top_p}");
                    rounds[usize::from(few.len() == vocab)] += 1;
                }
            }
        }
        // Both kinds of cases occur: some tokens are cut, and none is.
        assert!(rounds.iter().all(|count| *count > 0), "{rounds:?}");
    }
}

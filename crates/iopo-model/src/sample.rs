//! Draws the next token from logits.

use iopo_llm::Sampling;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Sampling settings and random stream of one row.
pub(crate) struct Sampler {
    sampling: Sampling,
    rng: ChaCha8Rng,
}

impl Sampler {
    pub(crate) fn new(sampling: &Sampling) -> Self {
        Self { sampling: sampling.clone(), rng: ChaCha8Rng::seed_from_u64(sampling.seed) }
    }

    /// Draws a token from `logits` `[vocab]`.
    ///
    /// Temperature 0 is greedy and takes the lowest id among ties. Otherwise draws from the softmax at that temperature,
    /// restricted to the `top_k` likeliest tokens and then to the smallest set with probability `top_p`.
    pub(crate) fn draw(&mut self, logits: &[f32]) -> u32 {
        let best = argmax(logits);
        let Sampling { temperature, top_p, top_k, .. } = self.sampling;
        if temperature <= 0.0 || top_k == 1 {
            return best as u32;
        }
        let max = logits[best];
        let mut candidates: Vec<(u32, f32)> = logits
            .iter()
            .enumerate()
            .map(|(token, logit)| (token as u32, ((logit - max) / temperature).exp()))
            .collect();
        let by_weight = |a: &(u32, f32), b: &(u32, f32)| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0));
        if top_k > 0 && top_k < candidates.len() {
            candidates.select_nth_unstable_by(top_k - 1, by_weight);
            candidates.truncate(top_k);
        }
        if top_p < 1.0 {
            let total: f32 = candidates.iter().map(|(_, weight)| weight).sum();
            // Tokens below this weight together have less than 1 − top_p, so none is in the nucleus.
            let floor = (1.0 - top_p) * total / candidates.len() as f32;
            candidates.retain(|(_, weight)| *weight >= floor);
            candidates.sort_unstable_by(by_weight);
            let mut mass = 0.0;
            let keep = candidates.iter().position(|(_, weight)| {
                mass += weight;
                mass >= top_p * total
            });
            candidates.truncate(keep.map_or(candidates.len(), |last| last + 1));
        } else {
            candidates.sort_unstable_by_key(|(token, _)| *token);
        }
        let total: f32 = candidates.iter().map(|(_, weight)| weight).sum();
        let mut left = self.rng.random_range(0.0..1.0f32) * total;
        for (token, weight) in &candidates {
            left -= weight;
            if left < 0.0 {
                return *token;
            }
        }
        best as u32
    }
}

fn argmax(logits: &[f32]) -> usize {
    let mut best = 0;
    for (token, logit) in logits.iter().enumerate() {
        if *logit > logits[best] {
            best = token;
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::Sampler;
    use iopo_llm::Sampling;

    fn counts(sampling: &Sampling, logits: &[f32], draws: usize) -> Vec<usize> {
        let mut sampler = Sampler::new(sampling);
        let mut counts = vec![0; logits.len()];
        for _ in 0..draws {
            counts[sampler.draw(logits) as usize] += 1;
        }
        counts
    }

    #[test]
    fn greedy_takes_the_lowest_id_among_the_likeliest() {
        assert_eq!(Sampler::new(&Sampling::greedy(1)).draw(&[0.0, 2.0, 2.0, 1.0]), 1);
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
}

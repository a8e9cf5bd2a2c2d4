//! Edit: a small edit that makes a constraint hold.

use iopo_constraints::{Constraint, Kind};
use rand::{Rng, RngExt};

use crate::SynthConfig;
use crate::text::{edit_share, repetition};
use iopo_core::random::weighted;

/// Number of constraints that are tried for one edit.
const ATTEMPTS: usize = 6;

/// An edited answer and the constraint that it was edited for.
#[derive(Debug, Clone)]
pub struct Edited {
    /// The edited text.
    pub text: String,
    /// The index of the answer.
    pub answer: usize,
    /// The constraint that the edit makes hold.
    pub constraint: Constraint,
}

/// Edits one of `answers` for a constraint of one of `kinds`, within the limits of `config`. Returns `None` if no
/// attempt succeeds.
pub fn edit_one(
    task: &str,
    answers: &[&str],
    kinds: &[(Kind, f64)],
    config: &SynthConfig,
    rng: &mut impl Rng,
) -> Option<Edited> {
    let weights: Vec<f64> = kinds.iter().map(|(_, weight)| *weight).collect();
    for _ in 0..ATTEMPTS {
        let (kind, _) = kinds[weighted(&weights, rng)?];
        let answer = match answers.len() {
            0 => return None,
            count => rng.random_range(0..count),
        };
        let constraint = kind.draw(task, rng);
        if constraint.check(answers[answer]).satisfied {
            continue;
        }
        let Some(text) = constraint.edit(answers[answer]) else { continue };
        let text = text.trim().to_owned();
        let sound = constraint.check(&text).satisfied
            && edit_share(answers[answer], &text) <= config.max_edit
            && repetition(&text) <= config.max_repetition
            && !answers.contains(&text.as_str());
        if sound {
            return Some(Edited { text, answer, constraint });
        }
    }
    None
}

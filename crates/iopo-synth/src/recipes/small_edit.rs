//! The edits of back-translation: one answer is edited for one constraint.

use iopo_constraints::{Constraint, Kind};
use rand::{Rng, RngExt};

use crate::SynthConfig;
use crate::satisfy::edited_to_satisfy;
use iopo_core::random::weighted;

/// Number of constraints that are tried for one edit.
const ATTEMPTS: usize = 6;

/// An edited answer and the constraint that it was edited for.
#[derive(Debug, Clone)]
pub(crate) struct Edited {
    /// The edited text.
    pub(crate) text: String,
    /// The index of the answer.
    pub(crate) answer: usize,
    /// The constraint that the edit makes hold.
    pub(crate) constraint: Constraint,
}

/// Edits one of `answers` for a constraint of one of `kinds`, within the limits of `config`. Returns `None` if no
/// attempt succeeds.
pub(crate) fn small_edit(
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
        let before = answers[answer];
        let edited = edited_to_satisfy(before, std::slice::from_ref(&constraint), config.max_edit);
        if let Some(text) = edited
            && !answers.contains(&text.as_str())
        {
            return Some(Edited { text, answer, constraint });
        }
    }
    None
}

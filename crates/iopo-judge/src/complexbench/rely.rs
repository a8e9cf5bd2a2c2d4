//! Dependencies between the questions of an item.

use super::{Item, PointVerdict};
use crate::Mode;

/// Applies the dependencies of an item to the verdicts on its questions.
///
/// In `paper`, a question fails if its own verdict or that of a direct dependency is a failure. In `repaired`, dependencies are
/// transitive: a question fails if it or any of its dependencies fails, and is otherwise undecided if any of these verdicts is
/// unknown.
pub fn rely(mode: Mode, item: &Item, own: &[Option<PointVerdict>]) -> Vec<Option<PointVerdict>> {
    let verdict = |at: usize| own.get(at).copied().flatten();
    (0..item.questions.len())
        .map(|at| {
            let above = match mode {
                Mode::Paper => item.questions[at].dependencies.clone(),
                Mode::Repaired => ancestors(item, at),
            };
            if above.iter().any(|&one| verdict(one) == Some(PointVerdict::No)) {
                return Some(PointVerdict::No);
            }
            match (mode, verdict(at)) {
                (Mode::Repaired, Some(PointVerdict::Yes)) => {
                    above.iter().all(|&one| verdict(one).is_some()).then_some(PointVerdict::Yes)
                }
                // The published code's 2 is not a verdict.
                (Mode::Repaired, Some(PointVerdict::UnknownRule)) => None,
                (_, own) => own,
            }
        })
        .collect()
}

/// All questions that a question depends on, directly or not.
fn ancestors(item: &Item, at: usize) -> Vec<usize> {
    let mut found: Vec<usize> = Vec::new();
    let mut open = item.questions[at].dependencies.clone();
    while let Some(next) = open.pop() {
        if next < item.questions.len() && !found.contains(&next) {
            found.push(next);
            open.extend(&item.questions[next].dependencies);
        }
    }
    found
}

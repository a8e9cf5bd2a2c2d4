//! All ways to make a group out of the answers to one task.

use iopo_constraints::Constraint;
use iopo_schema::{Breakdown, Operation, Total};
use rand::{Rng, RngExt};
use rand_chacha::ChaCha8Rng;

use crate::PairsConfig;
use crate::candidates::Task;
use crate::minhash::jaccard;
use crate::relation::{Relation, relate};
use iopo_core::Counts;

/// Two answers of a task, in the order y1, y2, and what tells them apart.
#[derive(Debug, Clone)]
pub struct Pair {
    /// Index of y1 among the task's answers.
    pub y1: usize,
    /// Index of y2.
    pub y2: usize,
    /// Whether one of them is repaired.
    pub repaired: bool,
    /// A, B and C.
    pub relation: Relation,
}

/// One way to make a group: an operation on a pair, with the constraints that change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Combination {
    /// Index of the pair.
    pub pair: usize,
    /// The operation.
    pub operation: Operation,
    /// Index in A of the constraint that goes, if one does.
    pub removed: Option<usize>,
    /// Index in B of the constraint that comes, if one does.
    pub added: Option<usize>,
    /// Random; breaks ties.
    pub tie: u32,
}

/// What it is called when one constraint goes and another comes: a revision where no response can
/// satisfy both, else a swap.
///
/// That the two are of one kind does not make a revision: "mention tea" and "mention rain" can both
/// be followed. Nor must the two of a swap be compatible, for they never stand in one instruction;
/// only what x1 and x2 share must go with each of them.
pub fn change_of(gone: &Constraint, come: &Constraint) -> Operation {
    if gone.excludes(come) { Operation::Revise } else { Operation::Swap }
}

/// The pairs of answers that differ enough, each in one random order (the other order would give
/// the mirrored groups).
pub fn pairs(
    task: &Task,
    config: &PairsConfig,
    rng: &mut ChaCha8Rng,
    counts: &mut Counts,
) -> Vec<Pair> {
    let mut pairs = Vec::new();
    for i in 0..task.answers.len() {
        for j in i + 1..task.answers.len() {
            let (y1, y2) = if rng.random_bool(0.5) { (i, j) } else { (j, i) };
            let (first, second) = (&task.answers[y1], &task.answers[y2]);
            counts.one(Total::Pairs);
            if jaccard(&first.runs, &second.runs) >= config.near_duplicate_threshold {
                counts.one(Breakdown::Dropped.of("trivial_difference"));
                continue;
            }
            let repaired = first.repaired || second.repaired;
            pairs.push(Pair { y1, y2, repaired, relation: relate(first, second) });
        }
    }
    pairs
}

/// All combinations of the operations that are switched on.
pub fn combinations(
    pairs: &[Pair],
    config: &PairsConfig,
    rng: &mut ChaCha8Rng,
    counts: &mut Counts,
) -> Vec<Combination> {
    let mut found = Vec::new();
    for (pair, Pair { relation, .. }) in pairs.iter().enumerate() {
        let mut push = |operation, removed, added, rng: &mut ChaCha8Rng| {
            let tie = rng.next_u32();
            found.push(Combination { pair, operation, removed, added, tie });
        };
        for (a, gone) in relation.first.iter().enumerate() {
            for (b, come) in relation.second.iter().enumerate() {
                let (gone, come) = (&gone.constraint, &come.constraint);
                push(change_of(gone, come), Some(a), Some(b), rng);
            }
            push(Operation::Remove, Some(a), None, rng);
        }
        for b in 0..relation.second.len() {
            push(Operation::Add, None, Some(b), rng);
        }
    }
    found.retain(|combination| config.operation_weight(combination.operation) > 0.0);
    for &operation in Operation::ALL {
        let number = found.iter().filter(|found| found.operation == operation).count();
        counts.add(Breakdown::Candidates.of(operation), number as u64);
    }
    found
}

#[cfg(test)]
mod tests {
    use iopo_constraints::Constraint;
    use iopo_schema::Operation;

    use super::change_of;

    fn constraint(id: &str, params: &str) -> Constraint {
        Constraint::from_parts(id, params).expect("a constraint")
    }

    #[test]
    fn a_revision_excludes_and_a_swap_does_not_whatever_the_kinds() {
        let (tea, rain) = (
            constraint("include_word", r#"{"word":"tea"}"#),
            constraint("include_word", r#"{"word":"rain"}"#),
        );
        assert_eq!(tea.kind(), rain.kind());
        assert_eq!(change_of(&tea, &rain), Operation::Swap, "both words can be mentioned");
        assert_eq!(change_of(&rain, &tea), Operation::Swap);
        let no_tea = constraint("exclude_word", r#"{"word":"tea"}"#);
        assert_eq!(change_of(&tea, &no_tea), Operation::Revise, "of two kinds, but exclusive");
        assert_eq!(change_of(&no_tea, &tea), Operation::Revise);
        assert_eq!(change_of(&no_tea, &rain), Operation::Swap);
        let (question, none) = (constraint("question", "{}"), constraint("no_questions", "{}"));
        assert_eq!(change_of(&question, &none), Operation::Revise);
    }
}

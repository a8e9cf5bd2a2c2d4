//! All ways to make a group out of the answers to one task.

use iopo_schema::Operation;
use rand::{Rng, RngExt};
use rand_chacha::ChaCha8Rng;

use crate::PairsConfig;
use crate::answers::Task;
use crate::balance::OPERATIONS;
use crate::near::jaccard;
use crate::relation::{Relation, relate};
use crate::stats::Counts;

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
            counts.one("pairs");
            if jaccard(&first.runs, &second.runs) >= config.near_duplicate_threshold {
                counts.one("dropped/trivial_difference");
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
                let revised = gone.kind() == come.kind() || gone.excludes(come);
                let operation = if revised { Operation::Revise } else { Operation::Swap };
                push(operation, Some(a), Some(b), rng);
            }
            push(Operation::Remove, Some(a), None, rng);
        }
        for b in 0..relation.second.len() {
            push(Operation::Add, None, Some(b), rng);
        }
    }
    found.retain(|combination| config.operation_weight(combination.operation) > 0.0);
    for operation in OPERATIONS {
        let number = found.iter().filter(|found| found.operation == operation).count();
        counts
            .add(format!("candidates/{}", crate::stats::operation_name(operation)), number as u64);
    }
    found
}

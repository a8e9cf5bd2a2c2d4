//! All combinations of two answers to a task that could make a group.

use iopo_constraints::{Constraint, CountedResponse};
use iopo_schema::{Breakdown, Operation, Total};
use rand::{Rng, RngExt};
use rand_chacha::ChaCha8Rng;

use crate::PairsConfig;
use crate::candidates::Task;
use crate::minhash::jaccard;
use crate::relation::{Candidate, Relation, relate_counted};
use iopo_core::Counts;

/// Two answers to a task and their relation.
#[derive(Debug, Clone)]
pub struct Pair {
    /// The index of y1 among the task's answers.
    pub y1: usize,
    /// The index of y2.
    pub y2: usize,
    /// Whether y1 or y2 is edited.
    pub edited: bool,
    /// The constraints that hold in y1 only, in y2 only, and in both.
    pub relation: Relation,
}

/// A possible group: an operation on a pair, with the constraints that change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Combination {
    /// The index of the pair.
    pub pair: usize,
    /// The operation.
    pub operation: Operation,
    /// The index in [`Relation::first`] of the removed constraint, if there is one.
    pub removed: Option<usize>,
    /// The index in [`Relation::second`] of the added constraint, if there is one.
    pub added: Option<usize>,
    /// A random number that breaks ties.
    pub tie: u32,
}

impl Combination {
    /// Returns the removed and the added constraint of the combination on its pair.
    pub fn changed<'a>(&self, pair: &'a Pair) -> [Option<&'a Candidate>; 2] {
        [
            self.removed.map(|index| &pair.relation.first[index]),
            self.added.map(|index| &pair.relation.second[index]),
        ]
    }
}

/// Returns the operation that replaces one constraint by another: a revision if no response can satisfy both, otherwise
/// a swap.
///
/// Two constraints of one kind can make a swap: a response can mention both tea and rain. The two constraints of a swap
/// may conflict, because they are never in one instruction. The shared constraints must be compatible with each of
/// them.
pub fn change_of(gone: &Constraint, come: &Constraint) -> Operation {
    if gone.excludes(come) { Operation::Revise } else { Operation::Swap }
}

/// Returns the pairs of answers that differ enough, each in one random order. The other order would give mirrored
/// groups.
pub fn pairs(
    task: &Task,
    config: &PairsConfig,
    rng: &mut ChaCha8Rng,
    counts: &mut Counts,
) -> Vec<Pair> {
    let counted: Vec<CountedResponse<'_>> =
        task.answers.iter().map(|answer| CountedResponse::new(&answer.text)).collect();
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
            let edited = first.original.is_some() || second.original.is_some();
            pairs.push(Pair {
                y1,
                y2,
                edited,
                relation: relate_counted((first, &counted[y1]), (second, &counted[y2])),
            });
        }
    }
    pairs
}

/// Returns all combinations of the enabled operations.
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
    fn exclusion_decides_between_revision_and_swap() {
        let (tea, rain) = (
            constraint("include_word", r#"{"word":"tea"}"#),
            constraint("include_word", r#"{"word":"rain"}"#),
        );
        assert_eq!(tea.kind(), rain.kind());
        assert_eq!(change_of(&tea, &rain), Operation::Swap, "both words can be mentioned");
        assert_eq!(change_of(&rain, &tea), Operation::Swap);
        let no_tea = constraint("exclude_word", r#"{"word":"tea"}"#);
        assert_eq!(
            change_of(&tea, &no_tea),
            Operation::Revise,
            "two kinds that exclude each other"
        );
        assert_eq!(change_of(&no_tea, &tea), Operation::Revise);
        assert_eq!(change_of(&no_tea, &rain), Operation::Swap);
        let (question, none) = (constraint("question", "{}"), constraint("no_questions", "{}"));
        assert_eq!(change_of(&question, &none), Operation::Revise);
    }
}

//! The difference between the constraints of two instructions.

use iopo_schema::{ConstraintRow, Operation, PreferenceRow};

/// The constraints that two instructions share, and those that one of them lacks, by index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Change {
    /// The index in x1 and the index in x2 of each shared constraint.
    pub(crate) shared: Vec<(usize, usize)>,
    /// The constraints of x1 that x2 lacks.
    pub(crate) removed: Vec<usize>,
    /// The constraints of x2 that x1 lacks.
    pub(crate) added: Vec<usize>,
}

impl Change {
    /// Returns the difference between the instructions of a group, or `None` if it is not the recorded one or not one of
    /// this operation.
    ///
    /// A rewrite adds at least one constraint. Any other operation changes one constraint, which is the last one of x1,
    /// of x2 or of both; the constraints before it are the same in the same order.
    pub(crate) fn of(row: &PreferenceRow, operation: Operation) -> Option<Self> {
        let change = match operation {
            Operation::Revise | Operation::Swap => Self::at_the_end(row, 1, 1),
            Operation::Add => Self::at_the_end(row, 0, 1),
            Operation::Remove => Self::at_the_end(row, 1, 0),
            Operation::Rewrite => {
                Some(Self::anywhere(row)).filter(|change| !change.added.is_empty())
            }
        }?;
        let are = |indices: &[usize], list: &[ConstraintRow], recorded: &[ConstraintRow]| {
            indices.iter().map(|index| &list[*index]).eq(recorded)
        };
        let as_recorded = are(&change.removed, &row.x1_constraints, &row.removed)
            && are(&change.added, &row.x2_constraints, &row.added);
        as_recorded.then_some(change)
    }

    fn at_the_end(row: &PreferenceRow, removed: usize, added: usize) -> Option<Self> {
        let (x1, x2) = (&row.x1_constraints, &row.x2_constraints);
        let (shared1, shared2) = (x1.len().checked_sub(removed)?, x2.len().checked_sub(added)?);
        let same = x1[..shared1] == x2[..shared2];
        let shared = (0..shared1).map(|index| (index, index)).collect();
        let (removed, added) = ((shared1..x1.len()).collect(), (shared2..x2.len()).collect());
        same.then_some(Self { shared, removed, added })
    }

    fn anywhere(row: &PreferenceRow) -> Self {
        let (x1, x2) = (&row.x1_constraints, &row.x2_constraints);
        let lacks = |list: &[ConstraintRow], other: &[ConstraintRow]| -> Vec<usize> {
            (0..list.len()).filter(|index| !other.contains(&list[*index])).collect()
        };
        let in_x2 = |one: &ConstraintRow| x2.iter().position(|other| other == one);
        let shared = x1.iter().enumerate().filter_map(|(index, one)| Some((index, in_x2(one)?)));
        Self { shared: shared.collect(), removed: lacks(x1, x2), added: lacks(x2, x1) }
    }
}

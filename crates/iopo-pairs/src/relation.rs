//! The constraints that hold in one of two answers only, or in both.

use std::collections::{BTreeMap, BTreeSet};

use iopo_constraints::{Constraint, CountedResponse, Kind};
use iopo_schema::ConstraintRow;

use crate::candidates::CandidateResponse;

/// Maximum number of constraints of one kind that are kept for a pair. The most informative are first.
const PER_KIND: usize = 2;

/// A constraint with known verdicts on both answers of a pair.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// The constraint.
    pub constraint: Constraint,
    /// Its row in the instruction that it comes from, if it comes from one.
    pub own: Option<ConstraintRow>,
    /// Its rank among the constraints of its kind, from 0.
    pub rank: usize,
}

/// The constraints that separate or connect two answers y1 and y2 to one task.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Relation {
    /// Constraints that y1 satisfies and y2 violates.
    pub first: Vec<Candidate>,
    /// Constraints that y2 satisfies and y1 violates.
    pub second: Vec<Candidate>,
    /// Constraints that both satisfy.
    pub common: Vec<Candidate>,
}

/// Checks all candidate constraints on two answers and sorts them by their verdicts.
pub fn relate(y1: &CandidateResponse, y2: &CandidateResponse) -> Relation {
    relate_counted((y1, &CountedResponse::new(&y1.text)), (y2, &CountedResponse::new(&y2.text)))
}

/// Like [`relate`], for answers whose counts are cached, because every answer is in several pairs.
pub(crate) fn relate_counted(
    (y1, counted1): (&CandidateResponse, &CountedResponse<'_>),
    (y2, counted2): (&CandidateResponse, &CountedResponse<'_>),
) -> Relation {
    let mut relation = Relation::default();
    let mut known: BTreeSet<&Constraint> = BTreeSet::new();
    let mut ranks: [BTreeMap<Kind, usize>; 3] = Default::default();
    let mut ordered: Vec<(&Constraint, Option<&ConstraintRow>)> = Vec::new();
    for (constraint, row) in y1.own.iter().chain(&y2.own) {
        ordered.push((constraint, Some(row)));
    }
    for list in [&y1.holds, &y2.holds, &y2.turned, &y1.turned] {
        ordered.extend(list.iter().map(|constraint| (constraint, None)));
    }
    for (constraint, row) in ordered {
        if !known.insert(constraint) {
            continue;
        }
        let verdicts = (counted1.satisfies(constraint), counted2.satisfies(constraint));
        let (slot, list) = match verdicts {
            (true, false) => (0, &mut relation.first),
            (false, true) => (1, &mut relation.second),
            (true, true) => (2, &mut relation.common),
            (false, false) => continue,
        };
        let rank = ranks[slot].entry(constraint.kind()).or_default();
        if *rank < PER_KIND {
            list.push(Candidate { constraint: constraint.clone(), own: row.cloned(), rank: *rank });
            *rank += 1;
        }
    }
    relation
}

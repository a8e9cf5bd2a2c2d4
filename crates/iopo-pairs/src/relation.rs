//! What tells two answers apart, and what they have in common.

use std::collections::{BTreeMap, BTreeSet};

use iopo_constraints::{Constraint, Kind};
use iopo_schema::ConstraintRow;

use crate::candidates::CandidateResponse;

/// Constraints of one kind that are kept for a pair; the most informative come first.
const PER_KIND: usize = 2;

/// A constraint with a fixed verdict on both answers of a pair.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// The constraint.
    pub constraint: Constraint,
    /// Its row in the instruction that one of the answers was accepted for, if it stems from it.
    pub own: Option<ConstraintRow>,
    /// Its place among the constraints of its kind.
    pub rank: usize,
}

/// The relation of two answers y1, y2 to one task.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Relation {
    /// A: true of y1, false of y2.
    pub first: Vec<Candidate>,
    /// B: true of y2, false of y1.
    pub second: Vec<Candidate>,
    /// C: true of both.
    pub common: Vec<Candidate>,
}

/// Sorts everything known about two answers by the checkers' verdicts on both.
pub fn relate(y1: &CandidateResponse, y2: &CandidateResponse) -> Relation {
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
        let verdicts = (constraint.check(&y1.text).satisfied, constraint.check(&y2.text).satisfied);
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

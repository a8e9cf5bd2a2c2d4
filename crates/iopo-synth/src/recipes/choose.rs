//! Back-translation: finds the constraints that an answer satisfies and chooses those of its instruction.

use std::collections::{BTreeMap, BTreeSet};

use iopo_constraints::{Constraint, CountedResponse, Kind};
use rand::Rng;

use iopo_core::random::weighted;

/// Factor on the weight of a constraint for each rank within its kind. Chosen, not measured: each constraint is half as
/// likely as the next more informative one.
const RANK_DECAY: f64 = 0.5;

/// A constraint that an answer satisfies.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// The constraint.
    pub constraint: Constraint,
    /// The weight of its kind in the draw.
    pub weight: f64,
    /// Its rank among the constraints of its kind. The most informative constraint has rank 0.
    pub rank: usize,
    /// Whether another answer to the same task violates it.
    pub discriminating: bool,
}

/// Returns, for each answer to a task, the constraints of the given kinds that the answer satisfies.
///
/// Candidates are the back-translation of the answer and the revisions of the constraints that the other answers
/// satisfy. The revisions find constraints such as "do not use the word *tea*", which only an answer with tea suggests.
/// Every candidate is checked.
pub fn candidates(answers: &[&str], kinds: &[(Kind, f64)]) -> Vec<Vec<Candidate>> {
    let answers: Vec<CountedResponse<'_>> =
        answers.iter().map(|answer| CountedResponse::new(answer)).collect();
    let of_all_kinds = |answer| {
        let found = kinds.iter().flat_map(|(kind, _)| kind.back_translate_counted(answer));
        found.collect()
    };
    let holding: Vec<Vec<Constraint>> = answers.iter().map(of_all_kinds).collect();
    let turned: Vec<Vec<Constraint>> =
        holding.iter().map(|held| held.iter().flat_map(Constraint::revisions).collect()).collect();
    let found = answers.iter().enumerate().map(|(place, answer)| {
        let others = || (0..answers.len()).filter(move |other| *other != place);
        let own = holding[place].iter();
        let mut known: BTreeSet<&Constraint> = BTreeSet::new();
        let mut ranks: BTreeMap<Kind, usize> = BTreeMap::new();
        let mut found = Vec::new();
        for constraint in own.chain(others().flat_map(|other| &turned[other])) {
            let weight = kinds.iter().find(|(kind, _)| *kind == constraint.kind());
            let Some((kind, weight)) = weight else { continue };
            if !answer.satisfies(constraint) || !known.insert(constraint) {
                continue;
            }
            let rank = ranks.entry(*kind).or_default();
            found.push(Candidate {
                constraint: constraint.clone(),
                weight: *weight,
                rank: *rank,
                discriminating: others().any(|other| !answers[other].satisfies(constraint)),
            });
            *rank += 1;
        }
        found
    });
    found.collect()
}

/// Draws constraints that do not conflict until there are `count`, including `fixed`, or until no candidate fits.
///
/// The kind is drawn first, by its weight. The weight is multiplied by `discriminating_weight` if one of its
/// constraints is discriminating. Within the kind, informative and discriminating constraints are more likely.
pub fn choose(
    candidates: &[Candidate],
    fixed: Vec<Constraint>,
    count: usize,
    discriminating_weight: f64,
    rng: &mut impl Rng,
) -> Vec<Constraint> {
    let mut chosen = fixed;
    while chosen.len() < count {
        let fits = |candidate: &&Candidate| candidate.constraint.fits_with(&chosen);
        let open: Vec<&Candidate> = candidates.iter().filter(fits).collect();
        let mut kinds: Vec<(Kind, f64)> = Vec::new();
        for candidate in &open {
            let factor = if candidate.discriminating { discriminating_weight } else { 1.0 };
            let (kind, weight) = (candidate.constraint.kind(), candidate.weight * factor);
            match kinds.iter_mut().find(|(known, _)| *known == kind) {
                Some((_, known)) => *known = known.max(weight),
                None => kinds.push((kind, weight)),
            }
        }
        let weights: Vec<f64> = kinds.iter().map(|(_, weight)| *weight).collect();
        let Some(drawn) = weighted(&weights, rng) else { break };
        let same: Vec<&Candidate> =
            open.into_iter().filter(|c| c.constraint.kind() == kinds[drawn].0).collect();
        let weights: Vec<f64> = same
            .iter()
            .map(|c| {
                let factor = if c.discriminating { discriminating_weight } else { 1.0 };
                factor * RANK_DECAY.powi(c.rank.min(30) as i32)
            })
            .collect();
        let Some(drawn) = weighted(&weights, rng) else { break };
        chosen.push(same[drawn].constraint.clone());
    }
    chosen
}

#[cfg(test)]
mod tests {
    use iopo_constraints::Kind;

    use super::{candidates, choose};
    use iopo_core::random::keyed;

    const SHORT: &str = "Warm the pot first. Then pour!";
    const LONG: &str = "To brew good tea, you should warm the pot, add two spoons of leaves, pour \
                        water that is just off the boil, and wait for about four minutes.";

    fn kinds() -> Vec<(Kind, f64)> {
        Kind::ALL.iter().map(|kind| (*kind, 1.0)).collect()
    }

    #[test]
    fn every_candidate_holds_and_is_marked_if_it_discriminates() {
        let answers = [SHORT, LONG];
        for (place, found) in candidates(&answers, &kinds()).iter().enumerate() {
            assert!(found.len() > 5);
            for candidate in found {
                assert!(candidate.constraint.check(answers[place]).satisfied);
                let other = candidate.constraint.check(answers[1 - place]).satisfied;
                assert_eq!(candidate.discriminating, !other);
            }
        }
    }

    #[test]
    fn chosen_constraints_never_conflict_and_depend_only_on_the_seed() {
        let found = candidates(&[SHORT, LONG], &kinds());
        for round in 0..40 {
            let draw = || choose(&found[1], Vec::new(), 5, 4.0, &mut keyed(round, &["test"]));
            let chosen = draw();
            assert_eq!(chosen, draw());
            assert!(!chosen.is_empty());
            for (i, one) in chosen.iter().enumerate() {
                for other in &chosen[i + 1..] {
                    assert!(!one.conflicts_with(other), "{one:?} {other:?}");
                }
            }
        }
    }
}

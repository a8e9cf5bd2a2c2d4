//! Choosing constraints: sets that go together, and those that tell two answers apart.

use rand::{Rng, seq::SliceRandom as _};

use crate::{constraint::Constraint, kind::Kind};

/// Picks up to `n` constraints that are pairwise without conflict, greedily, in shuffled order.
pub fn compatible(candidates: &[Constraint], n: usize, rng: &mut impl Rng) -> Vec<Constraint> {
    let mut order: Vec<&Constraint> = candidates.iter().collect();
    order.shuffle(rng);
    let mut picked: Vec<Constraint> = Vec::new();
    for candidate in order {
        if picked.len() == n {
            break;
        }
        if picked.iter().all(|held| !held.conflicts_with(candidate)) {
            picked.push(candidate.clone());
        }
    }
    picked
}

/// The constraints that `holder` satisfies and `breaker` violates.
///
/// They come from the back-translation of `holder`, and from the revisions of what `breaker`
/// satisfies: "do not use the word *tea*" cannot be read off an answer without tea, but off the
/// other one. Every verdict is checked. The order follows [`Kind::ALL`].
pub fn contrast(kinds: &[Kind], holder: &str, breaker: &str) -> Vec<Constraint> {
    let own = kinds.iter().flat_map(|kind| kind.back_translate(holder));
    let turned = kinds
        .iter()
        .flat_map(|kind| kind.back_translate(breaker))
        .flat_map(|constraint| constraint.revisions())
        .filter(|constraint| kinds.contains(&constraint.kind()));
    let mut found: Vec<Constraint> = Vec::new();
    for constraint in own.chain(turned) {
        if !found.contains(&constraint)
            && constraint.check(holder).satisfied
            && !constraint.check(breaker).satisfied
        {
            found.push(constraint);
        }
    }
    found.sort_by_key(Constraint::kind);
    found
}

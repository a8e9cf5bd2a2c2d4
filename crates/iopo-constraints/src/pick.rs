//! Selection of constraints: compatible sets, and constraints that separate two responses.

use rand::{Rng, seq::SliceRandom as _};

use crate::{constraint::Constraint, kind::Kind};

/// Picks up to `n` constraints without conflicts between any two of them, greedily in random order.
pub fn compatible(candidates: &[Constraint], n: usize, rng: &mut impl Rng) -> Vec<Constraint> {
    let mut order: Vec<&Constraint> = candidates.iter().collect();
    order.shuffle(rng);
    let mut picked: Vec<Constraint> = Vec::new();
    for candidate in order {
        if picked.len() == n {
            break;
        }
        if candidate.fits_with(&picked) {
            picked.push(candidate.clone());
        }
    }
    picked
}

/// Draws a constraint of each kind on a task and picks up to `n` of them without conflicts, so that every kind is as likely.
pub fn draw_compatible(
    task: &str,
    kinds: &[Kind],
    n: usize,
    rng: &mut impl Rng,
) -> Vec<Constraint> {
    let candidates: Vec<Constraint> = kinds.iter().map(|kind| kind.draw(task, rng)).collect();
    compatible(&candidates, n, rng)
}

/// Returns the constraints that `holder` satisfies and `breaker` violates, in the order of [`Kind::ALL`].
///
/// Candidates are the back-translation of `holder` and the revisions of the constraints that `breaker` satisfies. The
/// revisions find constraints such as "do not use the word *tea*", which no text without tea suggests. Every candidate
/// is checked against both responses.
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

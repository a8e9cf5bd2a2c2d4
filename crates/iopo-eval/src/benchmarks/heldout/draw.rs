//! Draws new test instructions: random constraints of given kinds on a task.

use iopo_constraints::{Constraint, Kind, compatible, render_prompt};
use iopo_schema::ConstraintRow;
use rand::{Rng, RngExt};

/// Draws an instruction on `task` from `kinds`: the rendered prompt and its constraints; `None` if no kind fits.
pub(super) fn instruction(
    task: &str,
    input: Option<&str>,
    kinds: &[Kind],
    weights: &[f64],
    rng: &mut impl Rng,
) -> Option<(String, Vec<ConstraintRow>)> {
    let candidates: Vec<Constraint> = kinds.iter().map(|kind| kind.draw(task, rng)).collect();
    let count = count(weights, rng);
    let chosen = compatible(&candidates, count, rng);
    if chosen.is_empty() {
        return None;
    }
    let rows: Vec<ConstraintRow> = chosen.iter().map(|constraint| row(constraint, rng)).collect();
    let texts: Vec<&str> = rows.iter().map(|row| row.text.as_str()).collect();
    Some((render_prompt(task, &texts, input), rows))
}

/// Draws a number from 1 to the number of weights.
fn count(weights: &[f64], rng: &mut impl Rng) -> usize {
    let mut rest = rng.random_range(0.0..1.0) * weights.iter().sum::<f64>();
    for (index, weight) in weights.iter().enumerate() {
        if rest < *weight {
            return index + 1;
        }
        rest -= weight;
    }
    // Rounding can exhaust the weights; the last number with a weight takes the remainder.
    weights.iter().rposition(|weight| *weight > 0.0).map_or(1, |index| index + 1)
}

/// Makes the row of a constraint in a random phrasing.
fn row(constraint: &Constraint, rng: &mut impl Rng) -> ConstraintRow {
    let phrasing = rng.random_range(0..constraint.phrasings().max(1));
    ConstraintRow::from_constraint(constraint, phrasing)
}

#[cfg(test)]
mod tests {
    use iopo_core::random::keyed;

    use super::count;

    #[test]
    fn counts_follow_the_weights() {
        let mut rng = keyed(0, &["test"]);
        let mut seen = [0_u32; 4];
        for _ in 0..4000 {
            seen[count(&[1.0, 0.0, 3.0], &mut rng)] += 1;
        }
        assert_eq!((seen[0], seen[2]), (0, 0));
        assert!((850..1150).contains(&seen[1]), "{seen:?}");
    }
}

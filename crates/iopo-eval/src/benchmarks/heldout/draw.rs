//! Draws new test instructions: random constraints of given kinds on a task.

use iopo_constraints::{Kind, draw_compatible};
use iopo_core::random::weighted;
use iopo_schema::{ConstraintRow, render_rows};
use rand::Rng;

/// Draws an instruction on `task` from `kinds`: the rendered prompt and its constraints; `None` if no kind fits.
///
/// `weights` are the weights of 1, 2, 3 … constraints.
pub(super) fn instruction(
    task: &str,
    input: Option<&str>,
    kinds: &[Kind],
    weights: &[f64],
    rng: &mut impl Rng,
) -> Option<(String, Vec<ConstraintRow>)> {
    let count = weighted(weights, rng).map_or(1, |index| index + 1);
    let chosen = draw_compatible(task, kinds, count, rng);
    if chosen.is_empty() {
        return None;
    }
    let rows: Vec<ConstraintRow> = chosen
        .iter()
        .map(|constraint| ConstraintRow::from_constraint(constraint, constraint.draw_phrasing(rng)))
        .collect();
    Some((render_rows(task, &rows, input), rows))
}

#[cfg(test)]
mod tests {
    use iopo_constraints::Kind;
    use iopo_core::random::keyed;

    use super::instruction;

    #[test]
    fn the_number_of_constraints_follows_the_weights() {
        let mut rng = keyed(0, &["test"]);
        let kinds = [Kind::MaxWords, Kind::NoCommas, Kind::MinBullets];
        let mut seen = [0_u32; 4];
        for _ in 0..1000 {
            let drawn = instruction("Sing.", None, &kinds, &[1.0, 0.0, 3.0], &mut rng);
            let (prompt, rows) = drawn.expect("a kind fits");
            assert!(prompt.starts_with("Sing.\n1. ") && prompt.lines().count() == rows.len() + 1);
            seen[rows.len()] += 1;
        }
        assert_eq!((seen[0], seen[2]), (0, 0));
        assert!((200..300).contains(&seen[1]), "{seen:?}");
    }
}

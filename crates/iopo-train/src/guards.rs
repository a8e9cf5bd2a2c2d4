//! What stops a run that went wrong, with the rows that show it.

use crate::{TrainError, objective::Scored};

/// The four sequences by name, in their order.
pub const SEQUENCES: [&str; 4] = ["(x1, y1)", "(x1, y2)", "(x2, y2)", "(x2, y1)"];

/// Rounding may part two computations of a sum by this much, relative to its size.
const RELATIVE: f64 = 2e-4;
/// … and by this much in nats, whatever its size.
const ABSOLUTE: f64 = 1e-3;
/// Both where products may be rounded to 8 or 10 bits instead of 24, a walk of as many errors.
const COARSE: f64 = 25.0;

/// Before the first update policy and reference are the same model: every margin must be 0 but for
/// rounding. If not, the cached reference is another model's. `coarse`: products are rounded to fewer bits than f32 has.
///
/// # Errors
/// Names the first sequence that differs.
pub fn step_zero(
    groups: &[Scored<'_>],
    needs: &[[bool; 4]],
    coarse: bool,
) -> Result<(), TrainError> {
    let coarse = if coarse { COARSE } else { 1.0 };
    for (scored, needed) in groups.iter().zip(needs) {
        for sequence in (0..4).filter(|&sequence| needed[sequence]) {
            let (policy, reference) = (scored.policy[sequence], scored.reference[sequence]);
            let bound = coarse * (ABSOLUTE + RELATIVE * reference.abs());
            let apart = (policy - reference).abs();
            if apart.is_nan() || apart > bound {
                return Err(TrainError::StepZero {
                    group: scored.group.id.clone(),
                    sequence: SEQUENCES[sequence],
                    policy,
                    reference,
                });
            }
        }
    }
    Ok(())
}

/// Every loss must be finite; those that are not name their rows.
///
/// # Errors
/// When one is not.
pub fn finite_losses(step: usize, groups: &[Scored<'_>], losses: &[f64]) -> Result<(), TrainError> {
    let bad: Vec<(&str, f64)> = groups
        .iter()
        .zip(losses)
        .filter(|(_, loss)| !loss.is_finite())
        .map(|(scored, loss)| (scored.group.id.as_str(), *loss))
        .collect();
    let Some(&(_, value)) = bad.first() else { return Ok(()) };
    Err(TrainError::NonFinite {
        step,
        what: "the loss",
        value,
        groups: name(bad.iter().map(|b| b.0)),
    })
}

/// The gradient's norm must be finite.
///
/// # Errors
/// When it is not, with the update's rows.
pub fn finite_norm<'a>(
    step: usize,
    norm: f64,
    groups: impl IntoIterator<Item = &'a str>,
) -> Result<(), TrainError> {
    if norm.is_finite() {
        return Ok(());
    }
    let what = "the gradient's norm";
    Err(TrainError::NonFinite { step, what, value: norm, groups: name(groups) })
}

fn name<'a>(ids: impl IntoIterator<Item = &'a str>) -> String {
    ids.into_iter().collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::{finite_losses, finite_norm, step_zero};
    use crate::{encode::EncodedGroup, objective::Scored};

    fn group() -> EncodedGroup {
        EncodedGroup {
            id: "g7".into(),
            x1: vec![1],
            x2: vec![1],
            y1: vec![1],
            y2: vec![1],
            false_cells: [true; 2],
        }
    }

    #[test]
    fn another_models_reference_is_found_at_step_zero() {
        let group = group();
        let scored =
            |policy| [Scored { group: &group, policy: [policy; 4], reference: [-100.0; 4] }];
        let all = [[true; 4]];
        step_zero(&scored(-100.01), &all, false).expect("rounding");
        let error = step_zero(&scored(-101.0), &all, false).expect_err("another model").to_string();
        assert!(error.contains("g7") && error.contains("(x1, y1)"), "{error}");
        assert!(step_zero(&scored(f64::NAN), &all, true).is_err());
        step_zero(&scored(-100.3), &all, true).expect("rounding to 8 bits");
        assert!(step_zero(&scored(-101.0), &all, true).is_err());
        step_zero(&scored(-101.0), &[[false; 4]], false).expect("nothing was read");
    }

    #[test]
    fn a_loss_that_is_not_finite_names_its_rows() {
        let group = group();
        let scored = [Scored { group: &group, policy: [0.0; 4], reference: [0.0; 4] }];
        finite_losses(3, &scored, &[0.7]).expect("finite");
        let error = finite_losses(3, &scored, &[f64::NAN]).expect_err("NaN").to_string();
        assert!(error.contains("step 3") && error.contains("g7"), "{error}");
        assert!(finite_norm(0, f64::INFINITY, ["a", "b"]).is_err());
    }
}

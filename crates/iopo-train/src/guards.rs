//! Checks that stop a run that went wrong and name the rows that show it.

use iopo_core::PerSequence;

use crate::{
    TrainError,
    encode::EncodedGroup,
    objective::{GroupWithLogps, sequences},
};

/// Largest difference that rounding may cause between two computations of a logp, relative to its size.
const RELATIVE: f64 = 2e-4;
/// The same, in nats.
const ABSOLUTE: f64 = 1e-3;
/// Factor on both if products are rounded to 8 or 10 bits instead of 24.
const COARSE: f64 = 25.0;

/// Checks that policy and reference agree before the first update, within rounding; otherwise the cached reference
/// belongs to another model. `coarse` says that products are rounded to fewer bits than f32 has.
///
/// # Errors
/// Returns [`TrainError::StepZero`] with the first sequence that differs.
pub fn step_zero(
    groups: &[GroupWithLogps<'_>],
    needs: impl Fn(&EncodedGroup) -> PerSequence<bool>,
    coarse: bool,
) -> Result<(), TrainError> {
    let coarse = if coarse { COARSE } else { 1.0 };
    for scored in groups {
        for sequence in sequences(needs(scored.group)) {
            let (policy, reference) =
                (*scored.policy.get(sequence), *scored.reference.get(sequence));
            let bound = coarse * (ABSOLUTE + RELATIVE * reference.abs());
            let apart = (policy - reference).abs();
            if apart.is_nan() || apart > bound {
                return Err(TrainError::StepZero {
                    group: scored.group.id.clone(),
                    sequence,
                    policy,
                    reference,
                });
            }
        }
    }
    Ok(())
}

/// Checks that every loss is finite.
///
/// # Errors
/// When one is not.
pub fn finite_losses(
    step: usize,
    groups: &[GroupWithLogps<'_>],
    losses: &[f64],
) -> Result<(), TrainError> {
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
    use iopo_core::PerSequence;

    use super::{finite_losses, finite_norm, step_zero};
    use crate::{
        encode::{EncodedGroup, all_sequences},
        objective::GroupWithLogps,
    };

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
        let scored = |policy| {
            [GroupWithLogps {
                group: &group,
                policy: PerSequence::from_fn(|_| policy),
                reference: PerSequence::from_fn(|_| -100.0),
            }]
        };
        step_zero(&scored(-100.01), all_sequences, false).expect("rounding");
        let error = step_zero(&scored(-101.0), all_sequences, false)
            .expect_err("another model")
            .to_string();
        assert!(error.contains("g7") && error.contains("x1y1"), "{error}");
        assert!(step_zero(&scored(f64::NAN), all_sequences, true).is_err());
        step_zero(&scored(-100.3), all_sequences, true).expect("rounding to 8 bits");
        assert!(step_zero(&scored(-101.0), all_sequences, true).is_err());
        step_zero(&scored(-101.0), |_| PerSequence::default(), false).expect("nothing was read");
    }

    #[test]
    fn a_loss_that_is_not_finite_names_its_rows() {
        let group = group();
        let scored = [GroupWithLogps {
            group: &group,
            policy: PerSequence::default(),
            reference: PerSequence::default(),
        }];
        finite_losses(3, &scored, &[0.7]).expect("finite");
        let error = finite_losses(3, &scored, &[f64::NAN]).expect_err("NaN").to_string();
        assert!(error.contains("step 3") && error.contains("g7"), "{error}");
        assert!(finite_norm(0, f64::INFINITY, ["a", "b"]).is_err());
    }
}

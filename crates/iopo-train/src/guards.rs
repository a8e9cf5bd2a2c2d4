//! Checks that stop a failing training and name the groups that caused it.

use iopo_core::PerSequence;

use crate::{
    TrainError,
    encode::EncodedGroup,
    objective::{GroupWithLogps, sequences},
};

/// Largest difference of two computations of a logp by rounding, relative to its size.
const RELATIVE: f64 = 2e-4;
/// Largest difference of two computations of a small logp by rounding, in nats.
const ABSOLUTE: f64 = 1e-3;
/// Factor on both bounds if products are rounded to 8 or 10 bits instead of 24.
const COARSE: f64 = 25.0;

/// Checks that policy and reference agree, within rounding, before the first update. If they differ, the cached reference
/// belongs to another model.
///
/// `coarse` says that products are rounded to fewer bits than f32 has.
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
            let difference = (policy - reference).abs();
            if difference.is_nan() || difference > bound {
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
/// Returns [`TrainError::NonFinite`] with the groups whose loss is not finite.
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
    let groups = joined(bad.into_iter().map(|(id, _)| id));
    Err(TrainError::NonFinite { step, what: "the loss", value, groups })
}

/// Checks that the gradient norm is finite.
///
/// # Errors
/// Returns [`TrainError::NonFinite`] with the groups of the update if it is not.
pub fn finite_norm<'a>(
    step: usize,
    norm: f64,
    groups: impl IntoIterator<Item = &'a str>,
) -> Result<(), TrainError> {
    if norm.is_finite() {
        return Ok(());
    }
    let what = "the gradient norm";
    Err(TrainError::NonFinite { step, what, value: norm, groups: joined(groups) })
}

fn joined<'a>(ids: impl IntoIterator<Item = &'a str>) -> String {
    ids.into_iter().collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use iopo_core::{FalseCells, PerSequence};

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
            false_cells: FalseCells::BOTH,
        }
    }

    #[test]
    fn a_reference_of_another_model_is_detected_at_step_zero() {
        let group = group();
        let scored = |policy| {
            [GroupWithLogps {
                group: &group,
                policy: PerSequence::from_fn(|_| policy),
                reference: PerSequence::from_fn(|_| -100.0),
                weight: 1.0,
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
        step_zero(&scored(-101.0), |_| PerSequence::default(), false).expect("no sequence is read");
    }

    #[test]
    fn a_loss_that_is_not_finite_names_its_groups() {
        let group = group();
        let scored = [GroupWithLogps {
            group: &group,
            policy: PerSequence::default(),
            reference: PerSequence::default(),
            weight: 1.0,
        }];
        finite_losses(3, &scored, &[0.7]).expect("finite");
        let error = finite_losses(3, &scored, &[f64::NAN]).expect_err("NaN").to_string();
        assert!(error.contains("step 3") && error.contains("g7"), "{error}");
        assert!(finite_norm(0, f64::INFINITY, ["a", "b"]).is_err());
    }
}

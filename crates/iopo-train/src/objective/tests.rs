use burn::tensor::{DType, Device, Tensor, TensorData};
use iopo_core::{FalseCells, PerSequence};
use iopo_objective::{GroupLogps, LossShape, three_sequences, without_output};

use super::{GroupWithLogps, LossOutput, Objective, UpdateSize};
use crate::{Method, encode::EncodedGroup};

fn group(false_cells: FalseCells) -> EncodedGroup {
    EncodedGroup {
        id: "g".into(),
        x1: vec![1, 2],
        x2: vec![1, 3],
        y1: vec![4; 5],
        y2: vec![5; 10],
        false_cells,
    }
}

/// y2 follows x1 too.
const SIDED: FalseCells = FalseCells { x1y2: false, x2y1: true };

const POLICY: PerSequence<f64> = PerSequence { x1y1: -10.0, x1y2: -14.0, x2y1: -13.0, x2y2: -20.0 };
const REFERENCE: PerSequence<f64> =
    PerSequence { x1y1: -11.0, x1y2: -13.0, x2y1: -12.0, x2y2: -19.5 };

fn evaluate(method: Method, cells: FalseCells, pref_ftx: f64) -> LossOutput {
    let group = group(cells);
    let objective = Objective::new(method, 0.1, pref_ftx);
    let scored =
        GroupWithLogps { group: &group, policy: POLICY, reference: REFERENCE, weight: 1.0 };
    objective.evaluate(&[scored], UpdateSize::of([&group])).expect("a small loss")
}

fn near(got: f64, expected: f64) {
    assert!((got - expected).abs() < 1e-12, "found {got}, expected {expected}");
}

#[test]
fn iopo_follows_its_formula_and_the_sft_term_is_per_token() {
    let made = evaluate(Method::Iopo, FalseCells::BOTH, 1.0);
    let z: f64 = 0.1 * (1.0 - 0.5 + 1.0 + 1.0);
    near(made.losses[0], (-z).exp().ln_1p() + 10.0 / 5.0 + 20.0 / 10.0);
    let gradient = -0.1 / (1.0 + z.exp());
    near(made.gradients[0].x1y1, gradient - 0.2);
    near(made.gradients[0].x1y2, -gradient);
    near(made.gradients[0].x2y2, gradient - 0.1);
}

#[test]
fn a_sided_group_reads_its_false_cell_only() {
    let made = evaluate(Method::Iopo, SIDED, 0.0);
    near(made.losses[0], (-0.1f64 * (1.0 - 0.5 + 2.0)).exp().ln_1p());
    near(made.gradients[0].x1y2, 0.0);
    assert!(!Method::Iopo.needs(&group(SIDED)).x1y2);
}

#[test]
fn dpo_paper_reads_the_strict_pair() {
    let made = evaluate(Method::DpoPaper, FalseCells::BOTH, 0.0);
    near(made.losses[0], (-0.1f64 * 2.0).exp().ln_1p());
    assert!(made.gradients[0].x2y2.abs() + made.gradients[0].x2y1.abs() < 1e-15);
    let made = evaluate(Method::DpoPaper, SIDED, 0.0);
    near(made.losses[0], (-0.1f64 * 0.5).exp().ln_1p());
    assert!(
        made.gradients[0].x2y2 < 0.0
            && made.gradients[0].x2y1 > 0.0
            && made.gradients[0].x1y1 == 0.0
    );
}

#[test]
fn sft_is_a_mean_over_the_tokens_of_the_update() {
    let made = evaluate(Method::Sft, FalseCells::BOTH, 0.0);
    near(made.loss, 30.0 / 15.0);
    near(made.gradients[0].x1y1, -1.0 / 15.0);
    near(made.gradients[0].x1y2, 0.0);
}

fn shaped(method: Method, shape: LossShape) -> f64 {
    let group = group(FalseCells::BOTH);
    let objective = Objective { shape, ..Objective::new(method, 0.1, 0.0) };
    let scored =
        GroupWithLogps { group: &group, policy: POLICY, reference: REFERENCE, weight: 1.0 };
    let made = objective.evaluate(&[scored], UpdateSize::of([&group]));
    made.expect("a small loss").losses[0]
}

#[test]
fn the_loss_type_shapes_the_loss_and_some_are_per_token() {
    // Output margins: 2 and 0.5 summed, 1/5 + 1/10 and −0.5/10 + 1/5 per token.
    near(shaped(Method::Iopo, LossShape::Hinge), 1.0 - 0.25);
    near(shaped(Method::Dpo, LossShape::Hinge), 0.5 * ((1.0 - 0.2) + (1.0 - 0.05)));
    near(shaped(Method::DpoPaper, LossShape::Hinge), 1.0 - 0.2);
    near(shaped(Method::Iopo, LossShape::Ipo), (0.3f64 + 0.15 - 5.0).powi(2));
    near(shaped(Method::DpoPaper, LossShape::Ipo), (0.3f64 - 5.0).powi(2));
    let normalized = LossShape::SigmoidNorm;
    near(shaped(Method::Iopo, normalized), (-0.1f64 * (0.3 + 0.15)).exp().ln_1p());
    near(shaped(Method::DpoPaper, normalized), (-0.1f64 * 0.3).exp().ln_1p());
    let smoothed = LossShape::Sigmoid { label_smoothing: 0.25 };
    let expected = 0.75 * (-0.25f64).exp().ln_1p() + 0.25 * 0.25f64.exp().ln_1p();
    near(shaped(Method::Iopo, smoothed), expected);
}

#[test]
fn methods_without_a_reference_read_only_strict_pairs() {
    // Per token: −2 and −1.4 under x1, −2 and −2.6 under x2.
    let softplus = |z: f64| z.exp().ln_1p();
    let (v1, v2) = (softplus(0.1 * 0.6), softplus(-0.1 * 0.6));
    near(evaluate(Method::Simpo, FalseCells::BOTH, 0.0).losses[0], 0.5 * (v1 + v2));
    let made = evaluate(Method::Simpo, SIDED, 0.0);
    near(made.losses[0], v2);
    assert!(made.gradients[0].x1y1.abs() + made.gradients[0].x1y2.abs() < 1e-15);
    assert!(made.gradients[0].x2y2 < 0.0 && made.gradients[0].x2y1 > 0.0);
    near(evaluate(Method::TpoL, SIDED, 0.5).losses[0], v2 + 0.5 * 2.0);
    near(evaluate(Method::Tpo, SIDED, 0.5).losses[0], softplus(0.7) + 0.5 * 2.0);
    let odds = |logp: f64| logp - (-logp.exp()).ln_1p();
    let ratio = softplus(odds(-2.6) - odds(-2.0));
    near(evaluate(Method::Orpo, SIDED, 0.0).losses[0], 2.0 + 0.1 * ratio);
    for method in [Method::Simpo, Method::Orpo, Method::Tpo, Method::TpoL] {
        let needs = method.needs(&group(SIDED));
        assert_eq!(needs, PerSequence { x1y1: false, x1y2: false, x2y1: true, x2y2: true });
    }
}

/// A pair without x2: y1 is chosen, y2 rejected.
fn pair() -> EncodedGroup {
    let x1y2_is_false = FalseCells { x1y2: true, x2y1: false };
    EncodedGroup { x2: Vec::new(), ..group(x1y2_is_false) }
}

#[test]
fn a_pair_has_the_loss_of_its_two_sequences() {
    let softplus = |z: f64| z.exp().ln_1p();
    let odds = |logp: f64| logp - (-logp.exp()).ln_1p();
    let orpo = 2.0 + 0.1 * softplus(odds(-1.4) - odds(-2.0));
    for (method, loss) in [
        (Method::Sft, 2.0),
        (Method::SftContinued, 2.0),
        (Method::Dpo, softplus(-0.2) + 0.5 * 2.0),
        (Method::DpoPaper, softplus(-0.2) + 0.5 * 2.0),
        (Method::Simpo, softplus(0.1 * 0.6)),
        (Method::Orpo, orpo),
        (Method::Tpo, softplus(-0.4) + 0.5 * 2.0),
        (Method::TpoL, softplus(0.1 * 0.6) + 0.5 * 2.0),
    ] {
        let group = pair();
        let needs = method.needs(&group);
        let read = |logps: PerSequence<f64>| {
            logps.zip(needs, |logp, is_needed| if is_needed { logp } else { 0.0 })
        };
        let scored = GroupWithLogps {
            group: &group,
            policy: read(POLICY),
            reference: read(REFERENCE),
            weight: 1.0,
        };
        let made = Objective::new(method, 0.1, 0.5).evaluate(&[scored], UpdateSize::of([&group]));
        let made = made.expect("a small loss");
        near(made.losses[0], loss);
        assert!(made.gradients[0].x1y1 < 0.0, "{method}");
        assert_eq!(made.gradients[0].x1y2 > 0.0, method.is_preference(), "{method}");
        let expected =
            PerSequence { x1y1: true, x1y2: method.is_preference(), ..PerSequence::default() };
        assert_eq!(needs, expected, "{method}");
        assert!(!method.compares_instructions());
    }
    assert_eq!(pair().response_tokens(), PerSequence { x1y1: 5, x1y2: 10, x2y1: 0, x2y2: 0 });
    near(pair().margin(POLICY), 4.0);
}

#[test]
fn rewards_are_the_values_that_the_loss_compares() {
    let group = group(FalseCells::BOTH);
    let scored =
        GroupWithLogps { group: &group, policy: POLICY, reference: REFERENCE, weight: 1.0 };
    let reward = |objective: Objective| objective.rewards(&scored).x1y2;
    near(reward(Objective::new(Method::Iopo, 0.1, 1.0)), -0.1);
    let ipo = Objective { shape: LossShape::Ipo, ..Objective::new(Method::Dpo, 0.1, 1.0) };
    near(reward(ipo), -0.01);
    near(reward(Objective::new(Method::Simpo, 0.1, 1.0)), -0.14);
    near(reward(Objective::new(Method::Tpo, 0.1, 1.0)), -1.4);
}

/// Computes loss and gradient of one full group with a function of iopo-objective.
fn published(
    loss: fn(&GroupLogps, &GroupLogps, f64) -> Tensor<1>,
) -> (f64, PerSequence<Option<f64>>) {
    let device = Device::flex().autodiff();
    let leaf = |value: f64| {
        let data = TensorData::new(vec![value], [1]);
        Tensor::<1>::from_data(data, (&device, DType::F64)).require_grad()
    };
    let (policy, reference) = (POLICY.map(leaf), REFERENCE.map(leaf));
    let losses = loss(&policy, &reference, 0.1);
    let scalar = |tensor: Tensor<1>| tensor.into_data().try_to_vec::<f64>().expect("f64")[0];
    let gradients = losses.clone().sum().backward();
    (scalar(losses), policy.map(|leaf| leaf.grad(&gradients).map(scalar)))
}

#[test]
fn the_ablations_equal_the_published_functions_on_full_groups() {
    for (method, loss) in [
        (Method::IopoNoOutput, without_output as fn(&_, &_, f64) -> _),
        (Method::IopoThree, three_sequences),
    ] {
        let made = evaluate(method, FalseCells::BOTH, 0.0);
        let (expected, gradients) = published(loss);
        near(made.losses[0], expected);
        for (sequence, gradient) in gradients.iter() {
            near(*made.gradients[0].get(sequence), gradient.unwrap_or(0.0));
        }
        assert!(made.gradients[0].x1y1 < 0.0 && made.gradients[0].x2y1 > 0.0, "{method}");
    }
    // y2 follows both instructions, so only y1 has an input margin.
    let sided = evaluate(Method::IopoNoOutput, SIDED, 0.0);
    near(sided.losses[0], (-0.1f64 * (1.0 + 1.0)).exp().ln_1p());
    near(sided.gradients[0].x1y2, 0.0);
    near(sided.gradients[0].x2y2, 0.0);
    let sided = evaluate(Method::IopoThree, SIDED, 0.0);
    near(sided.losses[0], (-0.1f64 * (2.0 + 2.0)).exp().ln_1p());
    near(sided.gradients[0].x1y2, 0.0);
    let with_sft = evaluate(Method::IopoThree, FalseCells::BOTH, 1.0);
    near(with_sft.losses[0] - evaluate(Method::IopoThree, FalseCells::BOTH, 0.0).losses[0], 2.0);
    near(with_sft.gradients[0].x2y2, 0.0);
}

/// Computes the weighted loss of two groups, a full and a sided one, at these logps.
fn weighted(
    objective: &Objective,
    weights: [f64; 2],
    logps: [PerSequence<f64>; 2],
) -> (f64, Vec<PerSequence<f64>>) {
    let groups = [group(FalseCells::BOTH), group(SIDED)];
    let scored: Vec<GroupWithLogps<'_>> = groups
        .iter()
        .zip(logps)
        .zip(weights)
        .map(|((group, policy), weight)| GroupWithLogps {
            group,
            policy,
            reference: REFERENCE,
            weight,
        })
        .collect();
    let size = UpdateSize::of(&groups);
    let made = objective.evaluate(&scored, size).expect("two losses");
    let mean = made.losses.iter().zip(weights).map(|(loss, weight)| loss * weight / 2.0);
    near(made.loss, mean.sum());
    (made.loss, made.gradients)
}

#[test]
fn weighted_gradients_equal_finite_differences() {
    let other = PerSequence { x1y1: -9.0, x1y2: -9.5, x2y1: -15.0, x2y2: -18.0 };
    let (logps, weights, step) = ([POLICY, other], [0.25, 1.75], 1e-5);
    let shapes = [LossShape::default(), LossShape::SigmoidNorm, LossShape::Ipo];
    for &method in Method::ALL.iter().filter(|method| method.is_preference()) {
        for shape in shapes {
            let objective = Objective { shape, ..Objective::new(method, 0.1, 0.5) };
            let (_, gradients) = weighted(&objective, weights, logps);
            let (_, equal) = weighted(&objective, [1.0, 1.0], logps);
            let mut apart: f64 = 0.0;
            for index in 0..2 {
                for sequence in iopo_core::Sequence::ALL {
                    let moved = |by: f64| {
                        let mut logps = logps;
                        logps[index] = PerSequence::from_fn(|own| {
                            let by = if own == sequence { by } else { 0.0 };
                            *logps[index].get(own) + by
                        });
                        weighted(&objective, weights, logps).0
                    };
                    let expected = (moved(step) - moved(-step)) / (2.0 * step);
                    let found = *gradients[index].get(sequence);
                    assert!((found - expected).abs() < 1e-8, "{method} {shape:?} {sequence}");
                    apart = apart.max((equal[index].get(sequence) - expected).abs());
                }
            }
            // Negative control: equal weights give other gradients.
            assert!(apart > 1e-3, "{method} {shape:?}: {apart}");
        }
    }
}

#[test]
fn an_input_preference_has_the_loss_of_its_only_pair_in_every_method() {
    let input = EncodedGroup { id: "i".into(), y2: Vec::new(), ..group(SIDED) };
    let whole = group(FalseCells::BOTH);
    assert!(input.is_input_preference() && !whole.is_input_preference());
    for method in
        [Method::Dpo, Method::DpoPaper, Method::Iopo, Method::IopoNoOutput, Method::IopoThree]
    {
        let needs = method.needs(&input);
        assert_eq!(needs, PerSequence { x1y1: true, x1y2: false, x2y1: true, x2y2: false });
        let objective = Objective::new(method, 0.1, 1.0);
        let scored = |group, weight| {
            // Sequences that are not computed are 0.
            let read = |logps: PerSequence<f64>| {
                logps.zip(method.needs(group), |logp, is_read| if is_read { logp } else { 0.0 })
            };
            GroupWithLogps { group, policy: read(POLICY), reference: read(REFERENCE), weight }
        };
        let groups = [scored(&whole, 1.0), scored(&input, 0.25)];
        let made = objective.evaluate(&groups, UpdateSize::of([&whole, &input])).expect("losses");
        // s11 − s21 = 1 − (−1).
        let z: f64 = 0.1 * 2.0;
        near(made.losses[1], (-z).exp().ln_1p());
        let gradient = 0.5 * 0.25 * -0.1 / (1.0 + z.exp());
        near(made.gradients[1].x1y1, gradient);
        near(made.gradients[1].x2y1, -gradient);
        near(made.gradients[1].x1y2, 0.0);
        near(made.gradients[1].x2y2, 0.0);
        // The group beside it is not touched: it has the loss that it has alone.
        let alone =
            objective.evaluate(&groups[..1], UpdateSize::of([&whole, &input])).expect("losses");
        near(made.losses[0], alone.losses[0]);
        assert_eq!(made.gradients[0], alone.gradients[0], "{method}");
        near(made.loss, alone.loss + 0.5 * 0.25 * made.losses[1]);
        near(input.margin(POLICY), 3.0);
    }
    assert!(Method::Iopo.takes_input_preferences() && !Method::Sft.takes_input_preferences());
    assert!(!Method::Simpo.takes_input_preferences());
}

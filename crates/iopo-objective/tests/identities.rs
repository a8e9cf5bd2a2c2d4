//! Identities that hold for any logps.

use burn::tensor::{DType, Device, Tensor, TensorData};
use iopo_objective::{
    FalseCells, GroupLogps, GroupLogpsExt, GroupTokens, LossShape, cell_weights, dpo, dpo_mirrored,
    dpo_mirrored_shaped, dpo_mirrored_sided, input_accuracies, iopo, iopo_sided, nll_per_token,
    output_accuracies, sided_margin, three_sequences, without_input, without_output,
};

/// Pseudo-random logps in [-400, 0), the same in every run.
fn logps(seed: u64, rows: usize, device: &Device) -> Tensor<1> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let values: Vec<f64> = (0..rows)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            -400.0 * (state >> 11) as f64 / (1u64 << 53) as f64
        })
        .collect();
    Tensor::from_data(TensorData::new(values, [rows]), (device, DType::F64))
}

fn group(seed: u64, rows: usize) -> GroupLogps {
    let device = Device::flex();
    GroupLogps {
        x1y1: logps(seed * 4 + 1, rows, &device),
        x1y2: logps(seed * 4 + 2, rows, &device),
        x2y1: logps(seed * 4 + 3, rows, &device),
        x2y2: logps(seed * 4 + 4, rows, &device),
    }
}

fn values(tensor: Tensor<1>) -> Vec<f64> {
    tensor.into_data().try_to_vec::<f64>().expect("f64 values")
}

fn assert_close(got: &[f64], expected: &[f64]) {
    assert_eq!(got.len(), expected.len());
    for (got, expected) in got.iter().zip(expected) {
        assert!((got - expected).abs() < 1e-9, "{got} is not {expected}");
    }
}

#[test]
fn the_sum_of_output_margins_is_the_sum_of_input_margins() {
    let (policy, reference) = (group(1, 64), group(2, 64));
    let counts = |seed| logps(seed, 64, &Device::flex()).neg().add_scalar(1.0);
    let tokens = GroupTokens { y1: counts(90), y2: counts(91) };
    let means = (policy.per_token(&tokens), reference.per_token(&tokens));
    for (policy, reference) in [(policy, reference), means] {
        for beta in [0.01, 0.3, 10.0] {
            let rewards = policy.rewards(&reference, beta);
            let [output_x1, output_x2] = rewards.output_margins();
            let [input_y1, input_y2] = rewards.input_margins();
            let output = values(output_x1 + output_x2);
            assert_close(&output, &values(input_y1 + input_y2));
            let margin = policy.log_ratios(&reference).margin();
            assert_close(&output, &values(margin.mul_scalar(beta)));
        }
    }
}

#[test]
fn accuracies_are_the_signs_of_the_margins() {
    let rewards = group(12, 64).rewards(&group(13, 64), 0.1);
    let positive = |margin: Tensor<1>| margin.greater_elem(0.0).into_data();
    for (accuracies, margins) in [
        (output_accuracies(&rewards), rewards.output_margins()),
        (input_accuracies(&rewards), rewards.input_margins()),
    ] {
        for (accuracy, margin) in accuracies.into_iter().zip(margins) {
            assert_eq!(accuracy.into_data(), positive(margin));
        }
    }
}

#[test]
fn a_tie_counts_as_wrong() {
    let policy = group(3, 4);
    let rewards = policy.rewards(&policy, 0.1);
    for accuracy in output_accuracies(&rewards).into_iter().chain(input_accuracies(&rewards)) {
        assert_eq!(values(accuracy.float().cast(DType::F64)), [0.0; 4]);
    }
}

#[test]
fn the_papers_form_equals_the_simplified_one() {
    let (policy, reference, beta) = (group(3, 64), group(4, 64), 0.05);
    let s = policy.log_ratios(&reference);
    let mixed = s.x1y2 + s.x2y1;
    let pi1 = (s.x1y1.mul_scalar(2.0) - mixed.clone()).mul_scalar(beta);
    let pi2 = (s.x2y2.mul_scalar(2.0) - mixed).mul_scalar(beta);
    let z = (pi1 + pi2).mul_scalar(0.5);
    let paper = burn::tensor::activation::log_sigmoid(z).neg();
    assert_close(&values(iopo(&policy, &reference, beta)), &values(paper));
}

#[test]
fn every_preference_loss_is_ln_2_if_policy_and_reference_agree() {
    let policy = group(5, 8);
    let ln2 = vec![std::f64::consts::LN_2; 8];
    for loss in [iopo, dpo_mirrored, without_input, without_output, three_sequences] {
        assert_close(&values(loss(&policy, &policy, 0.1)), &ln2);
    }
    let ([pair, _], smoothing) = (policy.pairs(), 0.2);
    assert_close(&values(dpo(&pair, &pair, 0.1, smoothing)), &ln2);
}

#[test]
fn the_sided_loss_equals_the_full_one_if_both_cells_are_false() {
    let (policy, reference) = (group(6, 5), group(7, 5));
    let both = cell_weights(&[FalseCells { x1y2: true, x2y1: true }; 5], &policy.x1y1);
    assert_close(
        &values(iopo_sided(&policy, &reference, &both, 0.02)),
        &values(iopo(&policy, &reference, 0.02)),
    );
    assert_close(
        &values(dpo_mirrored_sided(&policy, &reference, &both, 0.02)),
        &values(dpo_mirrored(&policy, &reference, 0.02)),
    );
}

#[test]
fn a_false_cell_of_a_sided_group_counts_twice_and_a_true_cell_never() {
    let (policy, reference, beta) = (group(8, 2), group(9, 2), 0.02);
    let cells = [(true, false), (false, true)].map(|(x1y2, x2y1)| FalseCells { x1y2, x2y1 });
    let cells = cell_weights(&cells, &policy.x1y1);
    let s = policy.log_ratios(&reference);
    let [s11, s12, s22, s21] = [s.x1y1, s.x1y2, s.x2y2, s.x2y1].map(values);
    let loss = |z: f64| (-beta * z).exp().ln_1p();
    let expected = [loss(s11[0] + s22[0] - 2.0 * s12[0]), loss(s11[1] + s22[1] - 2.0 * s21[1])];
    assert_close(&values(iopo_sided(&policy, &reference, &cells, beta)), &expected);
    let expected = [loss(s11[0] - s12[0]), loss(s22[1] - s21[1])];
    assert_close(&values(dpo_mirrored_sided(&policy, &reference, &cells, beta)), &expected);
    let expected = [s11[0] + s22[0] - 2.0 * s12[0], s11[1] + s22[1] - 2.0 * s21[1]];
    assert_close(&values(sided_margin(&policy, &reference, &cells)), &expected);
    let expected = [s11[0] - s12[0], s22[1] - s21[1]].map(|margin| (1.0 - beta * margin).max(0.0));
    let hinge = dpo_mirrored_shaped(&policy, &reference, &cells, LossShape::Hinge, beta);
    assert_close(&values(hinge), &expected);
}

#[test]
fn the_ablations_follow_their_formulas() {
    let (policy, reference, beta) = (group(10, 3), group(11, 3), 0.01);
    let s = policy.log_ratios(&reference);
    let [s11, s12, s22, s21] = [s.x1y1, s.x1y2, s.x2y2, s.x2y1].map(values);
    let loss = |z: f64| (-beta * z).exp().ln_1p();
    let rows = |f: &dyn Fn(usize) -> f64| (0..3).map(f).collect::<Vec<_>>();
    assert_close(
        &values(without_output(&policy, &reference, beta)),
        &rows(&|i| 0.5 * (loss(s11[i] - s21[i]) + loss(s22[i] - s12[i]))),
    );
    assert_close(
        &values(without_input(&policy, &reference, beta)),
        &rows(&|i| 0.5 * (loss(s11[i] - s12[i]) + loss(s22[i] - s21[i]))),
    );
    assert_close(
        &values(three_sequences(&policy, &reference, beta)),
        &rows(&|i| loss(2.0 * s11[i] - s12[i] - s21[i])),
    );
}

#[test]
fn losses_and_gradients_of_extreme_logps_are_finite_in_f32() {
    let device = Device::flex().autodiff();
    let logps = |values: [f32; 2]| Tensor::<1>::from_floats(values, &device);
    let policy = GroupLogps {
        x1y1: logps([-1.0, -50_000.0]).require_grad(),
        x1y2: logps([-50_000.0, -1.0]),
        x2y1: logps([-50_000.0, -1.0]),
        x2y2: logps([-1.0, -50_000.0]),
    };
    let reference = GroupLogps::from_fn(|_| logps([0.0, 0.0]));
    let losses = iopo(&policy, &reference, 1.0);
    let found: Vec<f32> = losses.to_data().try_to_vec().expect("f32 values");
    assert!((found[0]).abs() < 1e-6 && (found[1] - 99_998.0).abs() < 1.0, "{found:?}");
    let gradient = policy.x1y1.grad(&losses.sum().backward()).expect("a gradient");
    assert_eq!(gradient.to_data().try_to_vec::<f32>().expect("f32 values"), [0.0, -1.0]);
}

#[test]
fn sft_is_the_negative_mean_log_probability() {
    let device = Device::flex();
    let nll = nll_per_token(
        &Tensor::from_floats([-12.0, -3.0], &device),
        &Tensor::from_floats([4.0, 6.0], &device),
    );
    assert_eq!(nll.into_data().try_to_vec::<f32>().expect("f32 values"), [3.0, 0.5]);
}

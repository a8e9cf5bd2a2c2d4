//! What must hold whatever the numbers are.

use burn::tensor::{Bool, DType, Device, Tensor, TensorData};
use iopo_objective::{
    FalseCells, GroupLogps, GroupTokens, LossShape, Rewards, dpo, dpo_mirrored,
    dpo_mirrored_shaped, dpo_mirrored_sided, iopo, iopo_sided, nll_per_token, sided_margin,
    three_sequences, without_input, without_output,
};

/// Pseudo-random sums in [-400, 0), the same in every run.
fn sums(seed: u64, rows: usize, device: &Device) -> Tensor<1> {
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
        chosen_v1: sums(seed * 4 + 1, rows, &device),
        rejected_v1: sums(seed * 4 + 2, rows, &device),
        chosen_v2: sums(seed * 4 + 3, rows, &device),
        rejected_v2: sums(seed * 4 + 4, rows, &device),
    }
}

fn values(tensor: Tensor<1>) -> Vec<f64> {
    tensor.into_data().try_to_vec::<f64>().expect("f64 values")
}

fn mask(values: &[bool]) -> Tensor<1, Bool> {
    Tensor::from_data(TensorData::new(values.to_vec(), [values.len()]), &Device::flex())
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
    let counts = |seed| sums(seed, 64, &Device::flex()).neg().add_scalar(1.0);
    let tokens = GroupTokens { y1: counts(90), y2: counts(91) };
    let means = (policy.per_token(&tokens), reference.per_token(&tokens));
    for (policy, reference) in [(policy, reference), means] {
        for beta in [0.01, 0.3, 10.0] {
            let rewards = Rewards::new(&policy, &reference, beta);
            let (output_v1, output_v2) = rewards.margins();
            let (input_v1, input_v2) = rewards.input_margins();
            let output = values(output_v1 + output_v2);
            assert_close(&output, &values(input_v1 + input_v2));
            assert_close(&output, &values(policy.margin(&reference).mul_scalar(beta)));
        }
    }
}

#[test]
fn accuracies_are_the_signs_of_the_margins() {
    let rewards = Rewards::new(&group(12, 64), &group(13, 64), 0.1);
    let positive = |margin: Tensor<1>| margin.greater_elem(0.0).into_data();
    let ((output_v1, output_v2), (right_v1, right_v2)) = (rewards.margins(), rewards.accuracies());
    assert_eq!(right_v1.into_data(), positive(output_v1));
    assert_eq!(right_v2.into_data(), positive(output_v2));
    let (input_v1, input_v2) = rewards.input_margins();
    let (right_v1, right_v2) = rewards.input_accuracies();
    assert_eq!(right_v1.into_data(), positive(input_v1));
    assert_eq!(right_v2.into_data(), positive(input_v2));
}

#[test]
fn the_papers_form_collapses_to_ours() {
    let (policy, reference, beta) = (group(3, 64), group(4, 64), 0.05);
    let s = policy.log_ratios(&reference);
    let off = s.rejected_v1 + s.rejected_v2;
    let pi1 = (s.chosen_v1.mul_scalar(2.0) - off.clone()).mul_scalar(beta);
    let pi2 = (s.chosen_v2.mul_scalar(2.0) - off).mul_scalar(beta);
    let z = (pi1 + pi2).mul_scalar(0.5);
    let paper = burn::tensor::activation::log_sigmoid(z).neg();
    assert_close(&values(iopo(&policy, &reference, beta)), &values(paper));
}

#[test]
fn without_a_difference_every_preference_loss_is_ln_2() {
    let policy = group(5, 8);
    let ln2 = vec![std::f64::consts::LN_2; 8];
    for loss in [iopo, dpo_mirrored, without_input, without_output, three_sequences] {
        assert_close(&values(loss(&policy, &policy, 0.1)), &ln2);
    }
    let (v1, smoothing) = (policy.pair_v1(), 0.2);
    assert_close(&values(dpo(&v1, &v1, 0.1, smoothing)), &ln2);
}

#[test]
fn the_sided_form_is_the_full_one_where_both_cells_are_false() {
    let (policy, reference) = (group(6, 5), group(7, 5));
    let both = FalseCells { rejected_v1: mask(&[true; 5]), rejected_v2: mask(&[true; 5]) };
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
fn a_sided_group_counts_its_false_cell_twice_and_the_other_never() {
    let (policy, reference, beta) = (group(8, 2), group(9, 2), 0.02);
    let cells = FalseCells { rejected_v1: mask(&[true, false]), rejected_v2: mask(&[false, true]) };
    let s = policy.log_ratios(&reference);
    let [s11, s12, s22, s21] = [s.chosen_v1, s.rejected_v1, s.chosen_v2, s.rejected_v2].map(values);
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
fn the_ablations_are_their_formulas() {
    let (policy, reference, beta) = (group(10, 3), group(11, 3), 0.01);
    let s = policy.log_ratios(&reference);
    let [s11, s12, s22, s21] = [s.chosen_v1, s.rejected_v1, s.chosen_v2, s.rejected_v2].map(values);
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
fn extreme_sums_stay_finite_in_f32_with_their_gradients() {
    let device = Device::flex().autodiff();
    let sums = |values: [f32; 2]| Tensor::<1>::from_floats(values, &device);
    let policy = GroupLogps {
        chosen_v1: sums([-1.0, -50_000.0]).require_grad(),
        rejected_v1: sums([-50_000.0, -1.0]),
        chosen_v2: sums([-1.0, -50_000.0]),
        rejected_v2: sums([-50_000.0, -1.0]),
    };
    let zero = sums([0.0, 0.0]);
    let reference = GroupLogps {
        chosen_v1: zero.clone(),
        rejected_v1: zero.clone(),
        chosen_v2: zero.clone(),
        rejected_v2: zero,
    };
    let losses = iopo(&policy, &reference, 1.0);
    let found: Vec<f32> = losses.to_data().try_to_vec().expect("f32 values");
    assert!((found[0]).abs() < 1e-6 && (found[1] - 99_998.0).abs() < 1.0, "{found:?}");
    let gradient = policy.chosen_v1.grad(&losses.sum().backward()).expect("a gradient");
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

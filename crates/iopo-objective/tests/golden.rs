//! Losses, gradients and rewards against the reference implementation's, in f64.

use std::{fs, path::Path};

use burn::tensor::{DType, Device, Tensor, TensorData};
use iopo_objective::{GroupLogps, PairLogps, Rewards, dpo, iopo_smoothed, pref_ftx};
use serde_json::Value;

const KEYS: [&str; 4] = ["chosen_v1", "rejected_v1", "chosen_v2", "rejected_v2"];

fn numbers(value: &Value, rows: usize) -> Vec<f64> {
    let list = value.as_array().expect("a list");
    list[..rows].iter().map(|number| number.as_f64().expect("a number")).collect()
}

fn tensor(values: Vec<f64>, device: &Device) -> Tensor<1> {
    let length = values.len();
    Tensor::from_data(TensorData::new(values, [length]), (device, DType::F64))
}

fn values(tensor: &Tensor<1>) -> Vec<f64> {
    tensor.clone().into_data().try_to_vec::<f64>().expect("f64 values")
}

fn group(source: &Value, rows: usize, device: &Device, tracked: bool) -> GroupLogps {
    let field = |key: &str| {
        let made = tensor(numbers(&source[key], rows), device);
        if tracked { made.require_grad() } else { made }
    };
    GroupLogps {
        chosen_v1: field(KEYS[0]),
        rejected_v1: field(KEYS[1]),
        chosen_v2: field(KEYS[2]),
        rejected_v2: field(KEYS[3]),
    }
}

fn rows(case: &Value) -> usize {
    case["n"].as_u64().expect("n") as usize
}

/// The repository's golden numbers, and the shared ones where they are.
#[expect(clippy::print_stderr, reason = "what is left out is said")]
fn sources() -> Vec<Value> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |path| fs::read_to_string(root.join(path)).ok();
    let own = read("../../fixtures/golden/loss_golden.json").expect("the repository's numbers");
    let shared = read("../../../shared/golden/loss_golden.json");
    if shared.is_none() {
        eprintln!("left out: shared/golden/loss_golden.json is not here");
    }
    let parse = |text: String| serde_json::from_str(&text).expect("golden numbers are JSON");
    [Some(own), shared].into_iter().flatten().map(parse).collect()
}

fn assert_close(got: &[f64], expected: &[f64], what: &str) {
    assert_eq!(got.len(), expected.len(), "{what}: number of rows");
    for (row, (got, expected)) in got.iter().zip(expected).enumerate() {
        let difference = (got - expected).abs();
        assert!(difference <= 1e-6, "{what}, row {row}: {got} is not {expected}");
    }
}

/// One IOPO case: losses and the gradient of their mean with respect to the four sums.
fn check_iopo(inputs: &Value, case: &Value) {
    let (rows, gradients) = (rows(case), &case["grad_mean_loss"]);
    let device = Device::flex().autodiff();
    let policy = group(&inputs["policy"], rows, &device, true);
    let reference = group(&inputs["reference"], rows, &device, false);
    let setting = |key: &str| case[key].as_f64().expect("a number");
    let y1 = tensor(numbers(&inputs["lengths"]["chosen_v1"], rows), &device);
    let y2 = tensor(numbers(&inputs["lengths"]["chosen_v2"], rows), &device);
    let losses = iopo_smoothed(&policy, &reference, setting("beta"), setting("label_smoothing"))
        + pref_ftx(&policy, &y1, &y2).mul_scalar(setting("pref_ftx"));
    assert_close(&values(&losses), &numbers(&case["losses"], rows), "iopo losses");

    let found = losses.mean().backward();
    let leaves = [&policy.chosen_v1, &policy.rejected_v1, &policy.chosen_v2, &policy.rejected_v2];
    for (key, leaf) in KEYS.iter().zip(leaves) {
        let gradient = leaf.grad(&found).expect("every sum has a gradient");
        assert_close(&values(&gradient), &numbers(&gradients[*key], rows), key);
    }
}

fn check_dpo(inputs: &Value, case: &Value) {
    let (rows, gradients) = (rows(case), &case["grad_mean_loss"]);
    let device = Device::flex().autodiff();
    let pair = |source: &Value, tracked| {
        let group = group(source, rows, &device, tracked);
        PairLogps { chosen: group.chosen_v1, rejected: group.rejected_v1 }
    };
    let (policy, reference) = (pair(&inputs["policy"], true), pair(&inputs["reference"], false));
    let setting = |key: &str| case[key].as_f64().expect("a number");
    let losses = dpo(&policy, &reference, setting("beta"), setting("label_smoothing"));
    assert_close(&values(&losses), &numbers(&case["losses"], rows), "dpo losses");

    let found = losses.mean().backward();
    for (key, leaf) in KEYS.iter().zip([&policy.chosen, &policy.rejected]) {
        let gradient = leaf.grad(&found).expect("every sum has a gradient");
        assert_close(&values(&gradient), &numbers(&gradients[*key], rows), key);
    }
}

fn check_rewards(inputs: &Value, expected: &Value, beta: f64, device: &Device) {
    let rows = expected["margin_v1"].as_array().expect("rows").len();
    let policy = group(&inputs["policy"], rows, device, false);
    let reference = group(&inputs["reference"], rows, device, false);
    let rewards = Rewards::new(&policy, &reference, beta);
    let fields =
        [&rewards.chosen_v1, &rewards.rejected_v1, &rewards.chosen_v2, &rewards.rejected_v2];
    for (key, field) in KEYS.iter().zip(fields) {
        assert_close(&values(field), &numbers(&expected[*key], rows), key);
    }
    let (margin_v1, margin_v2) = rewards.margins();
    assert_close(&values(&margin_v1), &numbers(&expected["margin_v1"], rows), "margin_v1");
    assert_close(&values(&margin_v2), &numbers(&expected["margin_v2"], rows), "margin_v2");
    let (right_v1, right_v2) = rewards.accuracies();
    let as_numbers = |mask: Tensor<1, burn::tensor::Bool>| values(&mask.float().cast(DType::F64));
    assert_close(&as_numbers(right_v1), &numbers(&expected["accuracy_v1"], rows), "accuracy_v1");
    assert_close(&as_numbers(right_v2), &numbers(&expected["accuracy_v2"], rows), "accuracy_v2");
}

#[test]
fn losses_and_gradients_are_those_of_the_reference() {
    for golden in sources() {
        let cases = golden["cases"].as_array().expect("cases");
        let sigmoid: Vec<&Value> =
            cases.iter().filter(|case| case["loss_type"] == "sigmoid").collect();
        assert_eq!(sigmoid.len(), 8);
        for case in sigmoid {
            check_iopo(&golden["inputs"], case);
        }
        for case in golden["dpo"].as_array().expect("cases") {
            check_dpo(&golden["inputs"], case);
        }
    }
}

#[test]
fn rewards_and_margins_are_those_of_the_reference() {
    let device = Device::flex();
    for golden in sources() {
        for beta in [0.05, 0.1, 0.5] {
            let expected = &golden["rewards"][format!("sum_beta{beta}")];
            check_rewards(&golden["inputs"], expected, beta, &device);
        }
    }
}

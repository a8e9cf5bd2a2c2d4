//! Losses and gradients of a training, compared with the reference implementation.

use std::path::Path;

use iopo_core::{FalseCells, PerSequence};
use iopo_objective::LossShape;
use iopo_train::{
    EncodedGroup, Method, Objective,
    objective::{GroupWithLogps, UpdateSize},
};
use serde_json::Value;

use crate::under_test::worse;

/// Names of the sequences in the golden file.
const KEYS: PerSequence<&str> =
    PerSequence { x1y1: "chosen_v1", x1y2: "rejected_v1", x2y1: "rejected_v2", x2y2: "chosen_v2" };

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().expect("a list").iter().map(|v| v.as_f64().expect("a number")).collect()
}

fn logps(columns: &Value) -> Vec<PerSequence<f64>> {
    let columns = KEYS.map(|key| numbers(&columns[key]));
    (0..columns.x1y1.len()).map(|row| columns.as_ref().map(|column| column[row])).collect()
}

/// Makes a group with responses of these lengths; a loss reads nothing else.
fn group(lengths: PerSequence<f64>) -> EncodedGroup {
    let response = |length: f64| vec![1; length as usize];
    EncodedGroup {
        id: String::new(),
        x1: vec![1],
        x2: vec![2],
        y1: response(lengths.x1y1),
        y2: response(lengths.x2y2),
        false_cells: FalseCells::BOTH,
    }
}

/// Returns the largest difference of losses and gradients, relative where the expected value exceeds 1.
fn off(objective: &Objective, golden: &Value, case: &Value) -> f64 {
    let inputs = &golden["inputs"];
    let groups: Vec<EncodedGroup> = logps(&inputs["lengths"]).into_iter().map(group).collect();
    let (policy, reference) = (logps(&inputs["policy"]), logps(&inputs["reference"]));
    let rows = case["n"].as_u64().expect("n") as usize;
    let scored: Vec<GroupWithLogps<'_>> = (0..rows)
        .map(|at| GroupWithLogps {
            group: &groups[at],
            policy: policy[at],
            reference: reference[at],
            weight: 1.0,
        })
        .collect();
    let size = UpdateSize::of(&groups[..rows]);
    let made = objective.evaluate(&scored, size).expect("losses");
    let apart = |a: f64, b: f64| (a - b).abs() / b.abs().max(1.0);
    let losses = numbers(&case["losses"]);
    let losses = made.losses.iter().zip(&losses).map(|(a, b)| apart(*a, *b));
    let gradients = logps(&case["grad_mean_loss"]);
    let gradients = made
        .gradients
        .iter()
        .zip(&gradients)
        .flat_map(|(a, b)| a.iter().map(|(sequence, a)| (a, b.get(sequence))));
    losses.chain(gradients.map(|(a, b)| apart(*a, *b))).fold(0.0, worse)
}

#[test]
fn losses_and_gradients_are_those_of_the_reference() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/golden/loss_golden.json");
    let golden: Value =
        serde_json::from_slice(&std::fs::read(path).expect("golden numbers")).expect("JSON");
    let (mut worst, mut least, mut count) = (0f64, f64::INFINITY, 0);
    for case in golden["cases"].as_array().expect("cases") {
        let number = |key: &str| case[key].as_f64().expect("a number");
        let label_smoothing = number("label_smoothing");
        let shape = match case["loss_type"].as_str() {
            Some("sigmoid") => LossShape::Sigmoid { label_smoothing },
            Some("hinge") => LossShape::Hinge,
            Some("robust") => LossShape::Robust { label_smoothing },
            Some("exo_pair") => LossShape::ExoPair { label_smoothing },
            // IPO reads means instead of sums; the tests of iopo-objective cover it.
            Some("ipo") => continue,
            other => panic!("no loss for the loss type {other:?} of the golden file"),
        };
        let plain = Objective::new(Method::Iopo, number("beta"), number("pref_ftx"));
        let objective = Objective { shape, ..plain };
        worst = worse(worst, off(&objective, &golden, case));
        // Negative control: another beta gives other numbers.
        least = least.min(off(&Objective { beta: 1.5 * plain.beta, ..objective }, &golden, case));
        count += 1;
    }
    assert!(count >= 30, "{count} cases");
    assert!(worst < 1e-14, "{worst}");
    assert!(least > 1e-6, "{least}");
}

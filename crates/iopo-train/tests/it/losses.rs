//! The reference implementation's losses and slopes, computed where a training computes them.

use std::path::Path;

use iopo_objective::LossShape;
use iopo_train::{
    EncodedGroup, Method, Objective,
    objective::{Scored, Window},
};
use serde_json::Value;

use crate::under_test::{under_test, worse};

/// In the order of a group's four sums: (x1, y1), (x1, y2), (x2, y2), (x2, y1).
const KEYS: [&str; 4] = ["chosen_v1", "rejected_v1", "chosen_v2", "rejected_v2"];

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().expect("a list").iter().map(|v| v.as_f64().expect("a number")).collect()
}

fn sums(columns: &Value) -> Vec<[f64; 4]> {
    let columns = KEYS.map(|key| numbers(&columns[key]));
    (0..columns[0].len()).map(|row| std::array::from_fn(|at| columns[at][row])).collect()
}

/// A group with responses of these lengths; a loss reads nothing else of it.
fn group(lengths: [f64; 4]) -> EncodedGroup {
    let response = |at: usize| vec![1; lengths[at] as usize];
    EncodedGroup {
        id: String::new(),
        x1: vec![1],
        x2: vec![2],
        y1: response(0),
        y2: response(2),
        false_cells: [true, true],
    }
}

/// The worst of losses and slopes, against their size where that is above 1.
fn off(objective: &Objective, golden: &Value, case: &Value) -> f64 {
    let inputs = &golden["inputs"];
    let groups: Vec<EncodedGroup> = sums(&inputs["lengths"]).into_iter().map(group).collect();
    let (policy, reference) = (sums(&inputs["policy"]), sums(&inputs["reference"]));
    let rows = case["n"].as_u64().expect("n") as usize;
    let scored: Vec<Scored<'_>> = (0..rows)
        .map(|at| Scored { group: &groups[at], policy: policy[at], reference: reference[at] })
        .collect();
    let window = Window::of(&groups[..rows]);
    let made = objective.evaluate(&scored, window, &under_test().device).expect("losses");
    let apart = |a: f64, b: f64| (a - b).abs() / b.abs().max(1.0);
    let losses = numbers(&case["losses"]);
    let losses = made.losses.iter().zip(&losses).map(|(a, b)| apart(*a, *b));
    let slopes = sums(&case["grad_mean_loss"]);
    let slopes = made.slopes.iter().zip(&slopes).flat_map(|(a, b)| a.iter().zip(b));
    losses.chain(slopes.map(|(a, b)| apart(*a, *b))).fold(0.0, worse)
}

#[test]
fn losses_and_slopes_are_those_of_the_reference() {
    let (under, root) = (under_test(), Path::new(env!("CARGO_MANIFEST_DIR")));
    let path = root.join("../../fixtures/golden/loss_golden.json");
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
            // Its sums are means: iopo-objective's own tests hold it.
            _ => continue,
        };
        let plain = Objective::new(Method::Iopo, number("beta"), number("pref_ftx"));
        let objective = Objective { shape, ..plain };
        worst = worse(worst, off(&objective, &golden, case));
        // Control: another beta gives other numbers.
        least = least.min(off(&Objective { beta: 1.5 * plain.beta, ..objective }, &golden, case));
        count += 1;
    }
    assert!(count >= 30, "{count} cases");
    under.holds("losses", "the reference's cases", worst);
    assert!(least > 2.0 * under.tolerance("losses"), "{least}");
}

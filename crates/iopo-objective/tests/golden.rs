//! Losses, gradients and rewards compared with the reference implementation, in f64.

mod support;

use std::{fs, path::Path};

use burn::tensor::{Bool, DType, Device, Tensor};
use iopo_objective::{
    GroupLogps, GroupLogpsExt, GroupTokens, LossShape, PairLogps, PerSequence, TripleLogps,
    TripleTokens, dpo, orpo, output_accuracies, pref_ftx, simpo, three_sequences, tpo, tpo_l,
    without_input, without_output,
};
use serde_json::Value;
use support::{apart, tensor, values};

const TOLERANCE: f64 = 1e-6;

/// The name of each sequence in the golden numbers.
const KEYS: PerSequence<&str> =
    PerSequence { x1y1: "chosen_v1", x1y2: "rejected_v1", x2y1: "rejected_v2", x2y2: "chosen_v2" };

fn numbers(value: &Value, rows: usize) -> Vec<f64> {
    let list = value.as_array().expect("a list");
    list[..rows].iter().map(|number| number.as_f64().expect("a number")).collect()
}

fn setting(case: &Value, key: &str) -> f64 {
    case[key].as_f64().expect("a number")
}

fn list<'a>(golden: &'a Value, key: &str) -> &'a [Value] {
    golden[key].as_array().expect("cases")
}

/// The repository's golden numbers.
fn own() -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/golden/loss_golden.json");
    serde_json::from_str(&fs::read_to_string(path).expect("the repository's numbers"))
        .expect("golden numbers are JSON")
}

/// The repository's golden numbers, and the shared ones if they exist.
#[expect(clippy::print_stderr, reason = "a skipped source is reported")]
fn sources() -> Vec<Value> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let shared = fs::read_to_string(root.join("../../../shared/golden/loss_golden.json")).ok();
    if shared.is_none() {
        eprintln!("skipped: shared/golden/loss_golden.json not found");
    }
    let shared = shared.map(|text| serde_json::from_str(&text).expect("golden numbers are JSON"));
    [Some(own()), shared].into_iter().flatten().collect()
}

/// The inputs of a case, with gradients of the policy's logps.
struct Columns {
    policy: GroupLogps,
    reference: GroupLogps,
    tokens: GroupTokens,
}

fn group(source: &Value, rows: usize, device: &Device) -> GroupLogps {
    KEYS.map(|key| tensor(numbers(&source[key], rows), device))
}

impl Columns {
    fn new(inputs: &Value, case: &Value) -> Self {
        let rows = case["n"].as_u64().expect("n") as usize;
        let device = Device::flex().autodiff();
        let policy = group(&inputs["policy"], rows, &device);
        let lengths = group(&inputs["lengths"], rows, &device);
        Self {
            policy: policy.map(Tensor::require_grad),
            reference: group(&inputs["reference"], rows, &device),
            tokens: GroupTokens { y1: lengths.x1y1, y2: lengths.x2y2 },
        }
    }

    /// Returns the largest difference from a case's losses and gradients of the mean loss.
    fn apart(&self, losses: &Tensor<1>, case: &Value) -> f64 {
        let rows = losses.dims()[0];
        let mut off = apart(&values(losses), &numbers(&case["losses"], rows));
        let found = losses.clone().mean().backward();
        for (sequence, leaf) in self.policy.iter() {
            let gradient = leaf.grad(&found).map_or(vec![0.0; rows], |found| values(&found));
            let expected = &case["grad_mean_loss"][*KEYS.get(sequence)];
            // A case names only the sequences that its loss reads.
            let expected =
                if expected.is_null() { vec![0.0; rows] } else { numbers(expected, rows) };
            off = off.max(apart(&gradient, &expected));
        }
        off
    }

    fn assert(&self, losses: &Tensor<1>, case: &Value) {
        let off = self.apart(losses, case);
        assert!(off <= TOLERANCE, "off by {off}: {}", case["loss_type"]);
    }
}

fn shape(case: &Value) -> LossShape {
    let label_smoothing = setting(case, "label_smoothing");
    match case["loss_type"].as_str().expect("a loss type") {
        "sigmoid" => LossShape::Sigmoid { label_smoothing },
        "hinge" => LossShape::Hinge,
        "ipo" => LossShape::Ipo,
        "robust" => LossShape::Robust { label_smoothing },
        "exo_pair" => LossShape::ExoPair { label_smoothing },
        other => panic!("unknown loss type: {other}"),
    }
}

/// Computes IOPO with a shape as the authors' trainer does: `ipo` uses logps per token, and its SFT term is divided by
/// the length twice.
fn iopo_losses(columns: &Columns, case: &Value, shape: LossShape, per_token: bool) -> Tensor<1> {
    let Columns { policy, reference, tokens } = columns;
    let (policy, reference) = if per_token {
        (policy.per_token(tokens), reference.per_token(tokens))
    } else {
        (policy.clone(), reference.clone())
    };
    shape.losses(policy.log_ratios(&reference).margin(), setting(case, "beta"))
        + pref_ftx(&policy, &tokens.y1, &tokens.y2).mul_scalar(setting(case, "pref_ftx"))
}

#[test]
fn all_forty_iopo_cases_match_the_reference() {
    for golden in sources() {
        let cases = list(&golden, "cases");
        assert_eq!(cases.len(), 40);
        for case in cases {
            let (columns, shape) = (Columns::new(&golden["inputs"], case), shape(case));
            let losses = iopo_losses(&columns, case, shape, shape.is_per_token());
            columns.assert(&losses, case);
        }
    }
}

#[test]
fn a_wrong_shape_sign_or_length_is_detected() {
    let golden = own();
    let cases = list(&golden, "cases");
    for case in cases.iter().filter(|case| setting(case, "label_smoothing") > 0.0) {
        let columns = Columns::new(&golden["inputs"], case);
        let right = shape(case);
        let off = |columns: &Columns, shape: LossShape, per_token: bool| {
            columns.apart(&iopo_losses(columns, case, shape, per_token), case)
        };
        let label_smoothing = 0.1;
        for wrong in [
            LossShape::Sigmoid { label_smoothing },
            LossShape::Sigmoid { label_smoothing: 0.0 },
            LossShape::Hinge,
            LossShape::Ipo,
            LossShape::Robust { label_smoothing },
            LossShape::ExoPair { label_smoothing },
        ] {
            let expected = wrong == right;
            assert_eq!(off(&columns, wrong, right.is_per_token()) <= TOLERANCE, expected);
        }
        assert!(
            off(&columns, right, !right.is_per_token()) > TOLERANCE,
            "means instead of sums are not detected"
        );
        let Columns { policy, reference, tokens } = Columns::new(&golden["inputs"], case);
        let (x1y1, x1y2) = (policy.x1y2.clone(), policy.x1y1.clone());
        let swapped = GroupLogps { x1y1, x1y2, ..policy };
        let swapped = Columns { policy: swapped, reference, tokens };
        assert!(
            off(&swapped, right, right.is_per_token()) > TOLERANCE,
            "swapped responses are not detected"
        );
    }
}

#[test]
fn dpo_matches_the_reference() {
    for golden in sources() {
        assert_eq!(list(&golden, "dpo").len(), 6);
        for case in list(&golden, "dpo") {
            let columns = Columns::new(&golden["inputs"], case);
            let ([policy, _], [reference, _]) = (columns.policy.pairs(), columns.reference.pairs());
            let (beta, smoothing) = (setting(case, "beta"), setting(case, "label_smoothing"));
            columns.assert(&dpo(&policy, &reference, beta, smoothing), case);
        }
    }
}

#[test]
fn dpo_of_every_shape_matches_torch() {
    let golden = own();
    assert_eq!(list(&golden, "dpo_shapes").len(), 10);
    for case in list(&golden, "dpo_shapes") {
        let (columns, shape) = (Columns::new(&golden["inputs"], case), shape(case));
        let ([mut policy, _], [mut reference, _]) =
            (columns.policy.pairs(), columns.reference.pairs());
        if shape.is_per_token() {
            let [tokens, _] = columns.tokens.pairs();
            (policy, reference) = (policy.per_token(&tokens), reference.per_token(&tokens));
        }
        columns.assert(&shape.losses(policy.margin(&reference), setting(case, "beta")), case);
    }
}

#[test]
fn ablations_match_torch() {
    let golden = own();
    assert_eq!(list(&golden, "ablations").len(), 6);
    for case in list(&golden, "ablations") {
        let columns = Columns::new(&golden["inputs"], case);
        let loss = match case["loss_type"].as_str().expect("a loss type") {
            "without_input" => without_input,
            "without_output" => without_output,
            "three_sequences" => three_sequences,
            other => panic!("unknown loss type: {other}"),
        };
        columns.assert(&loss(&columns.policy, &columns.reference, setting(case, "beta")), case);
    }
}

fn reference_free(case: &Value, pair: &PairLogps, columns: &Columns) -> Tensor<1> {
    let [tokens, _] = columns.tokens.pairs();
    let triple = TripleLogps { gold: columns.policy.x2y2.clone(), pair: pair.clone() };
    let counts = TripleTokens { gold: columns.tokens.y2.clone(), pair: tokens.clone() };
    let with = |key: &str| setting(case, key);
    match case["loss_type"].as_str().expect("a loss type") {
        "simpo" => simpo(pair, &tokens, with("beta"), with("gamma")),
        "orpo" => orpo(pair, &tokens, with("lambda")),
        "tpo" => tpo(&triple, &counts, with("beta"), with("alpha")),
        "tpo_l" => tpo_l(&triple, &counts, with("beta"), with("gamma"), with("alpha")),
        other => panic!("unknown loss type: {other}"),
    }
}

#[test]
fn losses_without_a_reference_match_torch() {
    let golden = own();
    assert_eq!(list(&golden, "reference_free").len(), 12);
    for case in list(&golden, "reference_free") {
        let columns = Columns::new(&golden["inputs"], case);
        let [PairLogps { chosen, rejected }, _] = columns.policy.pairs();
        let wrong = PairLogps { chosen: rejected.clone(), rejected: chosen.clone() };
        let right = PairLogps { chosen, rejected };
        columns.assert(&reference_free(case, &right, &columns), case);
        let off = columns.apart(&reference_free(case, &wrong, &columns), case);
        assert!(off > TOLERANCE, "swapped responses are not detected: {}", case["loss_type"]);
    }
}

#[test]
fn rewards_and_margins_match_the_reference() {
    let device = Device::flex();
    for golden in sources() {
        let mut checked = 0;
        for (name, expected) in golden["rewards"].as_object().expect("rewards") {
            let (kind, beta) = name.split_once("_beta").expect("a name of sums or means");
            let rows = expected["margin_v1"].as_array().expect("rows").len();
            let inputs = &golden["inputs"];
            let mut policy = group(&inputs["policy"], rows, &device);
            let mut reference = group(&inputs["reference"], rows, &device);
            if kind == "avg" {
                let lengths = group(&inputs["lengths"], rows, &device);
                let tokens = GroupTokens { y1: lengths.x1y1, y2: lengths.x2y2 };
                (policy, reference) = (policy.per_token(&tokens), reference.per_token(&tokens));
            }
            let rewards = policy.rewards(&reference, beta.parse().expect("beta"));
            for (key, found) in named(&rewards) {
                let off = apart(&values(&found), &numbers(&expected[key], rows));
                assert!(off <= TOLERANCE, "{name} {key} off by {off}");
            }
            checked += 1;
        }
        assert_eq!(checked, 6);
    }
}

/// Rewards, margins and accuracies, in f64.
fn named(rewards: &GroupLogps) -> [(&'static str, Tensor<1>); 8] {
    let [margin_v1, margin_v2] = rewards.output_margins();
    let [accuracy_v1, accuracy_v2] = output_accuracies(rewards);
    let as_numbers = |mask: Tensor<1, Bool>| mask.float().cast(DType::F64);
    [
        ("chosen_v1", rewards.x1y1.clone()),
        ("rejected_v1", rewards.x1y2.clone()),
        ("chosen_v2", rewards.x2y2.clone()),
        ("rejected_v2", rewards.x2y1.clone()),
        ("margin_v1", margin_v1),
        ("margin_v2", margin_v2),
        ("accuracy_v1", as_numbers(accuracy_v1)),
        ("accuracy_v2", as_numbers(accuracy_v2)),
    ]
}

/// The trainer's means of rewards, accuracies and margins, for the cases that have them.
#[test]
fn metrics_match_the_reference() {
    for golden in sources() {
        for case in list(&golden, "cases").iter().filter(|case| !case["metrics"].is_null()) {
            let Columns { policy, reference, tokens } = Columns::new(&golden["inputs"], case);
            let (policy, reference) = if shape(case).is_per_token() {
                (policy.per_token(&tokens), reference.per_token(&tokens))
            } else {
                (policy, reference)
            };
            let rewards = policy.rewards(&reference, setting(case, "beta"));
            for (key, found) in named(&rewards) {
                let key = key.replace("margin", "margins").replace("accuracy", "accuracies");
                let expected = setting(&case["metrics"], &format!("rewards/{key}"));
                let off = (values(&found.mean())[0] - expected).abs();
                assert!(off <= TOLERANCE, "{key} off by {off}");
            }
        }
    }
}

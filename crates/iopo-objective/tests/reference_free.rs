//! `SimPO`, ORPO, TPO and TPO-L: limits, gradients and extreme log-probabilities.

mod support;

use std::f64::consts::LN_2;

use burn::tensor::{Device, Tensor};
use iopo_objective::{
    PairLogps, PairTokens, TripleLogps, TripleTokens, nll_per_token, orpo, simpo, tpo, tpo_l,
};
use support::{apart, tensor, values};

/// Losses of pairs and their gradients with respect to the chosen and rejected logps.
struct Found {
    losses: Vec<f64>,
    chosen: Vec<f64>,
    rejected: Vec<f64>,
}

type Loss = fn(&PairLogps, &PairTokens) -> Tensor<1>;

const LOSSES: [(&str, Loss); 4] = [
    ("simpo", |pair, tokens| simpo(pair, tokens, 2.0, 1.0)),
    ("orpo", |pair, tokens| orpo(pair, tokens, 0.25)),
    ("tpo", |pair, tokens| tpo(&pair.triple(), &tokens.triple(), 0.1, 1.0)),
    ("tpo_l", |pair, tokens| tpo_l(&pair.triple(), &tokens.triple(), 2.0, 1.6, 1.0)),
];

fn pairs(chosen: &[f64], rejected: &[f64]) -> PairLogps {
    let device = Device::flex().autodiff();
    let leaf = |values: &[f64]| tensor(values.to_vec(), &device).require_grad();
    PairLogps { chosen: leaf(chosen), rejected: leaf(rejected) }
}

fn tokens(chosen: &[f64], rejected: &[f64]) -> PairTokens {
    let device = Device::flex().autodiff();
    PairTokens {
        chosen: tensor(chosen.to_vec(), &device),
        rejected: tensor(rejected.to_vec(), &device),
    }
}

fn at(loss: Loss, pair: &PairLogps, tokens: &PairTokens) -> Found {
    let losses = loss(pair, tokens);
    let found = losses.clone().sum().backward();
    let gradient = |leaf: &Tensor<1>| values(&leaf.grad(&found).expect("a gradient"));
    let (chosen, rejected) = (gradient(&pair.chosen), gradient(&pair.rejected));
    Found { losses: values(&losses), chosen, rejected }
}

#[test]
fn gradients_raise_the_chosen_response_and_lower_the_rejected_one() {
    let pair = pairs(&[-20.0, -3.0, -60.0, -4.0], &[-25.0, -3.0, -30.0, -2.0]);
    let tokens = tokens(&[10.0, 7.0, 20.0, 30.0], &[12.0, 7.0, 25.0, 4.0]);
    for (name, loss) in LOSSES {
        let found = at(loss, &pair, &tokens);
        assert!(found.chosen.iter().all(|gradient| *gradient < 0.0), "{name}: {:?}", found.chosen);
        assert!(
            found.rejected.iter().all(|gradient| *gradient > 0.0),
            "{name}: {:?}",
            found.rejected
        );
    }
}

#[test]
fn a_likelier_rejected_response_costs_more() {
    let rejected: Vec<f64> = (1..=60).rev().map(|sum| -f64::from(sum)).collect();
    let rows = rejected.len();
    let pair = pairs(&vec![-20.0; rows], &rejected);
    let tokens = tokens(&vec![10.0; rows], &vec![10.0; rows]);
    for (name, loss) in LOSSES {
        let losses = at(loss, &pair, &tokens).losses;
        assert!(losses.windows(2).all(|pair| pair[1] > pair[0]), "{name}");
    }
}

#[test]
fn equal_responses_cost_ln_2_and_the_imitation_term() {
    let (pair, tokens) = (pairs(&[-20.0], &[-20.0]), tokens(&[10.0], &[10.0]));
    let nll = 2.0;
    let log_sigmoid = |z: f64| -(-z).exp().ln_1p();
    let expected = [
        ("simpo", -log_sigmoid(-1.0)),
        ("orpo", nll + 0.25 * LN_2),
        ("tpo", nll + LN_2),
        ("tpo_l", nll - log_sigmoid(-1.6)),
    ];
    for ((name, loss), (of, expected)) in LOSSES.into_iter().zip(expected) {
        assert_eq!(name, of);
        let off = apart(&at(loss, &pair, &tokens).losses, &[expected]);
        assert!(off < 1e-12, "{name} off by {off}");
    }
}

#[test]
fn a_weight_of_zero_removes_its_term() {
    let pair = pairs(&[-20.0, -3.0], &[-25.0, -9.0]);
    let tokens = tokens(&[10.0, 7.0], &[12.0, 5.0]);
    let same = |found: Tensor<1>, expected: Tensor<1>| {
        assert!(apart(&values(&found), &values(&expected)) < 1e-12);
    };
    same(orpo(&pair, &tokens, 0.0), nll_per_token(&pair.chosen, &tokens.chosen));
    let (triple, counts) = (pair.triple(), tokens.triple());
    same(tpo_l(&triple, &counts, 2.0, 1.6, 0.0), simpo(&pair, &tokens, 2.0, 1.6));
    // With one token per response, sums are means.
    let ones = self::tokens(&[1.0, 1.0], &[1.0, 1.0]);
    same(tpo(&triple, &counts, 0.5, 0.0), simpo(&pair, &ones, 0.5, 0.0));
}

#[test]
fn the_gold_response_has_the_imitation_gradient_only() {
    let device = Device::flex().autodiff();
    let gold = tensor(vec![-30.0], &device).require_grad();
    let triple = TripleLogps { gold: gold.clone(), pair: pairs(&[-20.0], &[-25.0]) };
    let counts = TripleTokens { gold: tensor(vec![15.0], &device), pair: tokens(&[10.0], &[12.0]) };
    for loss in [tpo(&triple, &counts, 0.1, 0.3), tpo_l(&triple, &counts, 2.0, 1.6, 0.3)] {
        let gradient = gold.grad(&loss.backward()).expect("a gradient");
        assert!(apart(&values(&gradient), &[-0.3 / 15.0]) < 1e-12);
    }
}

#[test]
fn simpo_depends_on_lengths_and_tpo_does_not() {
    let pair = pairs(&[-20.0], &[-30.0]);
    let (short, long) = (tokens(&[10.0], &[10.0]), tokens(&[10.0], &[40.0]));
    let loss = |found: Tensor<1>| values(&found)[0];
    assert!(loss(simpo(&pair, &long, 2.0, 0.0)) > loss(simpo(&pair, &short, 2.0, 0.0)));
    let of = |tokens: &PairTokens| loss(tpo(&pair.triple(), &tokens.triple(), 0.1, 1.0));
    assert!((of(&short) - of(&long)).abs() < 1e-12);
}

#[test]
fn orpo_is_precise_near_probability_one() {
    // Near p = 1, odds(p) ≈ 1/−log p, so the ratio of odds is the ratio of the logarithms.
    let (chosen, rejected) = (-1.7e-11, -4.3e-11);
    let (pair, tokens) = (pairs(&[chosen], &[rejected]), tokens(&[1.0], &[1.0]));
    let expected = (-(rejected / chosen).ln()).exp().ln_1p() - chosen;
    let off = apart(&values(&orpo(&pair, &tokens, 1.0)), &[expected]);
    assert!(off < 1e-9, "off by {off}");
}

#[test]
fn extreme_log_probabilities_give_finite_losses() {
    let chosen = [-1.0, -999.0, -1e-12, -99_999.0, 0.0, 0.0, -1e-30];
    let rejected = [-999.0, -1.0, -99_999.0, -1e-12, -5.0, 0.0, 0.0];
    let ones = [1.0; 7];
    for (name, loss) in LOSSES {
        let found = at(loss, &pairs(&chosen, &rejected), &tokens(&ones, &ones));
        let numbers = found.losses.iter().chain(&found.chosen).chain(&found.rejected);
        assert!(numbers.into_iter().all(|number| number.is_finite()), "{name}: {:?}", found.losses);

        let device = Device::flex().autodiff();
        let leaf = |values: [f64; 7]| {
            Tensor::<1>::from_floats(values.map(|value| value as f32), &device).require_grad()
        };
        let pair = PairLogps { chosen: leaf(chosen), rejected: leaf(rejected) };
        let ones = Tensor::<1>::ones([7], &device);
        let losses = loss(&pair, &PairTokens { chosen: ones.clone(), rejected: ones });
        let gradients = losses.clone().sum().backward();
        let [up, down] = [&pair.chosen, &pair.rejected].map(|leaf| leaf.grad(&gradients));
        for found in [losses, up.expect("a gradient"), down.expect("a gradient")] {
            let found: Vec<f32> = found.into_data().try_to_vec().expect("f32 values");
            assert!(found.iter().all(|number| number.is_finite()), "{name}: {found:?}");
        }
    }
}

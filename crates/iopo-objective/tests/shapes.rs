//! Each loss shape as a function of the margin: limits, gradients and extreme margins.

mod support;

use burn::tensor::{Device, Tensor};
use iopo_objective::LossShape;
use support::{apart, tensor, values};

const BETA: f64 = 0.1;

const SHAPES: [LossShape; 8] = [
    LossShape::Sigmoid { label_smoothing: 0.0 },
    LossShape::Sigmoid { label_smoothing: 0.1 },
    LossShape::Hinge,
    LossShape::Ipo,
    LossShape::Robust { label_smoothing: 0.1 },
    LossShape::ExoPair { label_smoothing: 0.0 },
    LossShape::ExoPair { label_smoothing: 0.1 },
    LossShape::SigmoidNorm,
];

/// Returns losses and their gradients.
fn at(shape: LossShape, margins: &[f64]) -> (Vec<f64>, Vec<f64>) {
    let margins = tensor(margins.to_vec(), &Device::flex().autodiff()).require_grad();
    let losses = shape.losses(margins.clone(), BETA);
    let gradients = margins.grad(&losses.clone().sum().backward()).expect("a gradient");
    (values(&losses), values(&gradients))
}

#[test]
fn gradients_equal_finite_differences() {
    let margins = [-42.0, -7.5, -1.0, 0.0, 0.3, 4.0, 9.0, 12.0, 33.0];
    let step = 1e-4;
    for shape in SHAPES {
        let moved = |by: f64| at(shape, &margins.map(|margin| margin + by)).0;
        let gradients: Vec<f64> = moved(step)
            .iter()
            .zip(moved(-step))
            .map(|(up, down)| (up - down) / (2.0 * step))
            .collect();
        assert!(apart(&at(shape, &margins).1, &gradients) < 1e-6, "{shape:?}");
    }
}

#[test]
fn every_shape_has_a_negative_gradient_at_margin_zero() {
    for shape in SHAPES {
        assert!(at(shape, &[0.0]).1[0] < 0.0, "{shape:?}");
    }
}

#[test]
fn each_shape_has_its_minimum_at_the_predicted_margin() {
    // With z = β·h, the minimum is at σ(z) = 1 − ε with smoothing, h = 1/(2β) for ipo and z = 1 for hinge.
    let smooth_end = (0.9f64 / 0.1).ln() / BETA;
    for (shape, lowest, loss) in [
        (SHAPES[1], smooth_end, -0.9 * 0.9f64.ln() - 0.1 * 0.1f64.ln()),
        (LossShape::Ipo, 0.5 / BETA, 0.0),
        (SHAPES[6], smooth_end, 0.0),
        (SHAPES[5], (0.999f64 / 0.001).ln() / BETA, 0.0),
    ] {
        let (losses, gradients) = at(shape, &[lowest - 1.0, lowest, lowest + 1.0]);
        assert!((losses[1] - loss).abs() < 1e-9 && gradients[1].abs() < 1e-9, "{shape:?}");
        assert!(gradients[0] < 0.0 && gradients[2] > 0.0, "{shape:?}");
    }
    let (losses, gradients) = at(LossShape::Hinge, &[1.0 / BETA - 1.0, 1.0 / BETA + 1.0]);
    assert!(apart(&losses, &[BETA, 0.0]) < 1e-12 && apart(&gradients, &[-BETA, 0.0]) < 1e-12);
}

#[test]
fn without_smoothing_a_wider_margin_never_costs_more() {
    let margins: Vec<f64> = (-200..=200).map(f64::from).collect();
    let falling = [
        LossShape::default(),
        LossShape::SigmoidNorm,
        LossShape::Hinge,
        LossShape::Robust { label_smoothing: 0.2 },
    ];
    for shape in falling {
        let (losses, _) = at(shape, &margins);
        assert!(losses.windows(2).all(|pair| pair[1] <= pair[0]), "{shape:?}");
    }
}

#[test]
fn robust_is_unbiased_under_flipped_labels() {
    let (margins, flipped) = ([-30.0, -2.0, 0.0, 5.0, 80.0], [30.0, 2.0, 0.0, -5.0, -80.0]);
    let robust = LossShape::Robust { label_smoothing: 0.1 };
    let (right, wrong) = (at(robust, &margins).0, at(robust, &flipped).0);
    let mean: Vec<f64> = right.iter().zip(wrong).map(|(r, w)| 0.9 * r + 0.1 * w).collect();
    assert!(apart(&mean, &at(LossShape::default(), &margins).0) < 1e-9);
}

#[test]
fn without_smoothing_robust_is_sigmoid() {
    let margins = [-998.0, -3.0, 0.0, 3.0, 998.0];
    let robust = at(LossShape::Robust { label_smoothing: 0.0 }, &margins);
    assert_eq!(robust, at(LossShape::default(), &margins));
}

#[test]
fn extreme_margins_give_finite_losses() {
    let far = [-100_000.0, -9_980.0, -998.0, 998.0, 9_980.0, 100_000.0];
    for shape in SHAPES {
        let (losses, gradients) = at(shape, &far);
        assert!(losses.iter().chain(&gradients).all(|number| number.is_finite()), "{shape:?}");

        let device = Device::flex().autodiff();
        let margins = Tensor::<1>::from_floats(far.map(|margin| margin as f32), &device);
        let margins = margins.require_grad();
        let losses = shape.losses(margins.clone(), 1.0);
        let gradients = margins.grad(&losses.clone().sum().backward()).expect("a gradient");
        for found in [losses, gradients] {
            let found: Vec<f32> = found.into_data().try_to_vec().expect("f32 values");
            assert!(found.iter().all(|number| number.is_finite()), "{shape:?}: {found:?}");
        }
    }
}

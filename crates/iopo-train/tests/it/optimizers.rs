//! Updates of every optimizer, compared with PyTorch, also after its moments were serialized and restored.

use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::Tensor;
use iopo_model::Decoder;
use iopo_train::optim::{Optimizer, OptimizerName};
use iopo_train::weights::trained_tensors;
use serde_json::Value;

use crate::common::config;

const NORM: &str = "model.norm.weight";
const TOLERANCE: f64 = 1e-6;

fn golden() -> Value {
    let text = include_str!("../../../../fixtures/golden/optimizers_golden.json");
    serde_json::from_str(text).expect("JSON")
}

fn number(value: &Value) -> f64 {
    value.as_f64().expect("a number")
}

/// Makes a decoder whose norms repeat the initial values of the golden file.
fn start(values: usize) -> Decoder {
    let device = iopo_model::device::device("flex").expect("the default device");
    Decoder::from_tensors(&config(7), &device, |name, shape| {
        let size: usize = shape.iter().product();
        let value = |index: usize| 1.0 + (index % values) as f32 / 8.0;
        Ok((0..size).map(|index| if name.contains("norm") { value(index) } else { 0.1 }).collect())
    })
    .expect("a decoder")
}

/// Makes the gradient of an update for the norms; the other weights have none.
fn gradients(decoder: &Decoder, update: usize, values: usize) -> GradientsParams {
    struct Norms {
        values: usize,
        update: usize,
        made: GradientsParams,
    }
    impl ModuleVisitor for Norms {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            if D == 1 {
                let size = param.shape().num_elements();
                let value = |index: usize| {
                    (((index % self.values) * (self.update + 1)) as f64 + 1.0).sin() as f32
                };
                let values: Vec<f32> = (0..size).map(value).collect();
                let gradient = Tensor::<1>::from_floats(values.as_slice(), &param.val().device());
                self.made.register(param.id, gradient);
            }
        }
    }
    let mut norms = Norms { values, update, made: GradientsParams::new() };
    decoder.visit(&mut norms);
    norms.made
}

/// Returns the largest difference from the golden values. The optimizer is restored from its bytes after the third update.
fn difference(case: &Value, rate: f64, name: OptimizerName, weight_decay: f64) -> f64 {
    let rows: Vec<&Vec<Value>> = case["values"]
        .as_array()
        .expect("rows")
        .iter()
        .map(|row| row.as_array().expect("values"))
        .collect();
    let values = rows[0].len();
    let mut decoder = start(values);
    let mut optimizer = Optimizer::new(name, weight_decay);
    let mut worst = 0.0_f64;
    for (update, row) in rows.iter().enumerate() {
        let gradients = gradients(&decoder, update, values);
        decoder = optimizer.step(rate, decoder, gradients, None);
        let (_, norm) = &trained_tensors(&decoder).expect("weights")[NORM];
        for (got, expected) in norm.iter().zip(row.iter().cycle()) {
            worst = worst.max((f64::from(*got) - number(expected)).abs());
        }
        if update == 2 {
            let bytes = optimizer.to_bytes().expect("moments");
            optimizer = Optimizer::new(name, weight_decay).restored(bytes).expect("read");
        }
    }
    worst
}

#[test]
fn every_optimizer_follows_its_reference() {
    let golden = golden();
    let rate = number(&golden["rate"]);
    let mut seen = Vec::new();
    for case in golden["cases"].as_array().expect("cases") {
        let name: OptimizerName = serde_json::from_value(case["optimizer"].clone()).expect("known");
        let decay = number(&case["weight_decay"]);
        let worst = difference(case, rate, name, decay);
        assert!(worst < TOLERANCE, "{name:?}, decay {decay}: off by {worst:e}");
        // Negative control: another weight decay gives other updates.
        let other = difference(case, rate, name, decay + 0.05);
        assert!(other > 10.0 * TOLERANCE, "{name:?}: another decay changes only {other:e}");
        seen.push(name);
    }
    seen.dedup();
    assert_eq!(seen, OptimizerName::ALL);
}

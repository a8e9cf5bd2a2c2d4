//! Loss and gradients of SmolLM2-135M-Instruct on four real groups, compared with PyTorch's. The test is skipped with a
//! message if the model file or the golden numbers are missing.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use iopo_core::{FalseCells, PerSequence};
use iopo_model::NamedTensors;
use iopo_train::{
    EncodedGroup, Method, SequenceLayout, metrics::MetricMeans, reference::ReferenceLogps,
    state::TrainerState, trainer::TrainingData,
};
use safetensors::{SafeTensors, tensor::TensorView};
use serde_json::Value;

use crate::{
    common::{adamw, token_settings, trainer},
    smollm2,
};

/// The four sequences of a group in the golden files.
const SEQUENCES: PerSequence<&str> =
    PerSequence { x1y1: "chosenv1", x1y2: "rejectedv1", x2y1: "rejectedv2", x2y2: "chosenv2" };

/// Largest relative difference of a norm, a whole tensor and the loss.
const TOLERANCE: f64 = 2e-4;

/// Returns the model's GGUF file and the directory of golden numbers, if both exist.
#[expect(clippy::print_stderr, reason = "a skipped test says so")]
fn files() -> Option<(PathBuf, PathBuf)> {
    let model = smollm2::file();
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/golden");
    let golden = golden.join("real_grads.safetensors").is_file().then_some(golden);
    if model.is_none() || golden.is_none() {
        eprintln!("skipped: SmolLM2's GGUF file or the shared golden numbers are missing");
    }
    model.zip(golden)
}

/// Splits one sequence into prompt and response by its labels.
fn sequence(example: &Value, name: &str) -> (Vec<u32>, Vec<u32>) {
    let list = |field: &str| -> Vec<i64> {
        let values = example["encoded"][name][field].as_array().expect("a list");
        values.iter().map(|value| value.as_i64().expect("a number")).collect()
    };
    let prompt = list("labels").iter().filter(|label| **label < 0).count();
    let ids: Vec<u32> = list("input_ids").into_iter().map(|id| id as u32).collect();
    (ids[..prompt].to_vec(), ids[prompt..].to_vec())
}

/// Returns the groups, and their logps under the perturbed reference.
fn groups(golden: &Value) -> (Vec<EncodedGroup>, ReferenceLogps) {
    let mut reference = BTreeMap::new();
    let examples = golden["examples"].as_array().expect("examples").iter().enumerate();
    let made = examples.map(|(index, example)| {
        let ((x1, y1), (x2, y2)) = (sequence(example, "chosenv1"), sequence(example, "chosenv2"));
        assert_eq!(sequence(example, "rejectedv1"), (x1.clone(), y2.clone()));
        assert_eq!(sequence(example, "rejectedv2"), (x2.clone(), y1.clone()));
        let id = format!("real-{index}");
        let logp = |name: &str| example["perturbed_ref_logps"][name].as_f64().expect("a logp");
        reference.insert(id.clone(), SEQUENCES.map(logp));
        EncodedGroup { id, x1, x2, y1, y2, false_cells: FalseCells::BOTH }
    });
    (made.collect(), reference)
}

/// Reads the tensors whose golden gradients are stored in full.
fn full_gradients(path: &Path) -> NamedTensors {
    let bytes = fs::read(path).expect("golden gradients");
    let file = SafeTensors::deserialize(&bytes).expect("safetensors");
    let read = |(name, view): (String, TensorView<'_>)| {
        let name = name.strip_prefix("grad.")?.to_owned();
        let floats = view.data().chunks_exact(4);
        let values = floats.map(|bytes| f32::from_le_bytes(bytes.try_into().expect("four bytes")));
        Some((name, (view.shape().to_vec(), values.collect())))
    };
    file.tensors().into_iter().filter_map(read).collect()
}

fn norm(values: impl Iterator<Item = f64>) -> f64 {
    values.map(|value| value * value).sum::<f64>().sqrt()
}

/// Compares every norm with its golden one and returns the largest relative difference.
fn worst_norm(gradients: &NamedTensors, golden: &Value) -> f64 {
    let norms = golden["batch"]["grad_norm_per_param"].as_object().expect("norms");
    assert_eq!(norms.len(), 272);
    assert_eq!(norms.keys().collect::<Vec<_>>().len(), gradients.len());
    let off = |(name, expected): (&String, &Value)| {
        let expected = expected.as_f64().expect("a number");
        let got = norm(gradients[name].1.iter().map(|value| f64::from(*value)));
        (got - expected).abs() / expected
    };
    norms.iter().map(off).fold(0.0, f64::max)
}

#[test]
fn every_gradient_of_a_real_model_equals_the_reference() {
    let Some((model, folder)) = files() else { return };
    let text = fs::read_to_string(folder.join("real_golden.json")).expect("golden numbers");
    let golden: Value = serde_json::from_str(&text).expect("JSON");
    let (groups, reference) = groups(&golden);
    let members: Vec<&EncodedGroup> = groups.iter().collect();
    let decoder = smollm2::decoder(&model);
    let out = tempfile::tempdir().expect("a folder");
    let mut config = token_settings(None);
    (config.tokens_per_micro_batch, config.pref_ftx) = (Some(1 << 20), 0.0);
    let number = |key: &str| golden["batch"][key].as_f64().expect("a number");
    for (shape, beta) in
        [(SequenceLayout::Tree, 0.1), (SequenceLayout::Rows, 0.1), (SequenceLayout::Tree, 0.11)]
    {
        (config.beta, config.sequence_layout) = (beta, shape);
        let data = TrainingData { train: &members, dev: &[], reference: &reference };
        let trainer = trainer(&config, Method::Iopo, data, out.path());
        let mut state = TrainerState::new(decoder.clone(), adamw(0.0));
        let mut means = MetricMeans::default();
        let (found, loss) = trainer.gradients(&mut state, &members, &mut means).expect("gradients");
        let gradients = decoder.named_gradients(&found).expect("names");
        let worst = worst_norm(&gradients, &golden);
        let whole = norm(gradients.values().flat_map(|(_, values)| values).map(|v| f64::from(*v)));
        let expected = number("grad_global_norm");
        if beta > 0.1 {
            // Negative control: with another beta, all of them differ.
            assert!(worst > 10.0 * TOLERANCE && (whole - expected).abs() > 0.1, "{worst}, {whole}");
            continue;
        }
        let expected_loss = number("loss_perturbed_ref");
        assert!((loss - expected_loss).abs() < TOLERANCE * expected_loss, "loss {loss}");
        assert!((whole - expected).abs() < TOLERANCE * expected, "norm {whole}");
        assert!(worst < TOLERANCE, "{shape:?}: a norm is off by {worst}");
        let full = full_gradients(&folder.join("real_grads.safetensors"));
        assert_eq!(full.len(), 7);
        for (name, (shape, expected)) in &full {
            let (found, values) = &gradients[name];
            assert_eq!(found, shape, "{name}");
            let pairs = values.iter().zip(expected);
            let off = norm(pairs.map(|(got, expected)| f64::from(got - expected)))
                / norm(expected.iter().map(|value| f64::from(*value)));
            assert!(off < TOLERANCE, "{name} is off by {off}");
        }
    }
}

//! Twelve `AdamW` steps, compared with PyTorch's step by step.

use std::{f64::consts::LN_2, fs, path::Path};

use iopo_core::FalseCells;
use iopo_llm::Silent;
use iopo_model::{Activations, Decoder, Dtype, LoraConfig};
use iopo_schema::TrainingMetric;
use iopo_train::{
    EncodedGroup, Method, SequenceLayout,
    encode::all_sequences,
    evaluate::group_logps,
    reference::ReferenceLogps,
    state::TrainerState,
    trainer::TrainingData,
    weights::{read_safetensors, trained_tensors},
};
use serde_json::Value;

use crate::common::{adamw, token_settings, trainer};
use crate::under_test::{UnderTest, under_test, worse};

/// The columns of a trace and their metrics.
const COLUMNS: [(&str, TrainingMetric); 5] = [
    ("lr", TrainingMetric::LearningRate),
    ("loss", TrainingMetric::Loss),
    ("grad_norm", TrainingMetric::GradNorm),
    ("acc_v1", TrainingMetric::RewardsAccuraciesV1),
    ("acc_v2", TrainingMetric::RewardsAccuraciesV2),
];

/// Splits one sequence of a quad into prompt and response by its labels.
fn sequence(quad: &Value, name: &str) -> (Vec<u32>, Vec<u32>) {
    let list = |field: &str| -> Vec<i64> {
        let values = quad[format!("{name}_{field}")].as_array().expect("a list");
        values.iter().map(|value| value.as_i64().expect("a number")).collect()
    };
    let prompt = list("labels").iter().filter(|label| **label < 0).count();
    let ids: Vec<u32> = list("input_ids").into_iter().map(|id| id as u32).collect();
    (ids[..prompt].to_vec(), ids[prompt..].to_vec())
}

fn quads(trace: &Value) -> Vec<EncodedGroup> {
    let read = |(index, quad): (usize, &Value)| {
        let ((x1, y1), (x2, y2)) = (sequence(quad, "chosenv1"), sequence(quad, "chosenv2"));
        assert_eq!(sequence(quad, "rejectedv1"), (x1.clone(), y2.clone()));
        assert_eq!(sequence(quad, "rejectedv2"), (x2.clone(), y1.clone()));
        EncodedGroup { id: format!("quad-{index}"), x1, x2, y1, y2, false_cells: FalseCells::BOTH }
    };
    trace["data"].as_array().expect("quads").iter().enumerate().map(read).collect()
}

/// Trains like the trace, compares each step with it and returns the trained decoder.
fn follow(
    under: &UnderTest,
    start: Decoder,
    base: &Decoder,
    lora: Option<&LoraConfig>,
    trace: &Value,
    groups: &[EncodedGroup],
    (shape, activations): (SequenceLayout, Activations),
) -> Decoder {
    let mut worst = 0f64;
    let members: Vec<&EncodedGroup> = groups.iter().collect();
    let logps = group_logps(base, &members, shape, 4096, all_sequences, &Silent).expect("logps");
    let reference: ReferenceLogps =
        groups.iter().map(|group| group.id.clone()).zip(logps).collect();
    let folder = tempfile::tempdir().expect("a folder");
    let number = |key: &str| trace[key].as_f64().expect("a number");
    let mut config = token_settings(lora);
    (config.beta, config.pref_ftx, config.sequence_layout) = (0.1, 0.0, shape);
    // 12 updates, 2 of them warm-up.
    (config.groups_per_update, config.num_train_epochs) = (members.len(), 12);
    (config.learning_rate, config.warmup_ratio) = (number("lr"), 2.0 / 12.0);
    // Small enough that every update has several micro-batches.
    config.tokens_per_micro_batch = Some(100);
    let data = TrainingData { train: &members, dev: &[], reference: &reference };
    let trainer = trainer(&config, Method::Iopo, data, folder.path());
    assert_eq!(trainer.plan().updates(), 12);
    let mut state = TrainerState::new(start, adamw(number("weight_decay")));
    state.activations = activations;
    for (step, row) in trace["rows"].as_array().expect("rows").iter().enumerate() {
        let of_step: Vec<&EncodedGroup> =
            (0..4).map(|at| members[(4 * step + at) % members.len()]).collect();
        let (next, means) = trainer.update(state, &of_step).expect("an update");
        state = next;
        let loss = row["loss"].as_f64().expect("a number");
        // While the policy equals the reference, or with weights of 8 bits, rounding decides which reward is greater.
        let is_reference = (loss - LN_2).abs() < 1e-6;
        for (golden, ours) in COLUMNS {
            if (is_reference || under.dtype != Dtype::F32) && golden.starts_with("acc") {
                continue;
            }
            let expected = row[golden].as_f64().expect("a number");
            let got = means.mean(ours).expect("a metric");
            worst = worse(worst, (got - expected).abs() / expected.abs().max(f64::MIN_POSITIVE));
        }
    }
    let what = if lora.is_some() { "12 steps of an adapter" } else { "12 steps of every weight" };
    under.check("trace", what, worst);
    state.decoder
}

/// Runs `test` on every checkpoint with a trace: those of the repository, and the shared ones if they exist.
#[expect(clippy::print_stderr, reason = "a skipped test says so")]
fn each(test: impl Fn(&Path, &Value, &[EncodedGroup])) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut seen = 0;
    for folder in ["../../fixtures/golden/tiny", "../../../shared/golden/tiny"] {
        let Ok(entries) = fs::read_dir(root.join(folder)) else {
            eprintln!("skipped: {folder} is missing");
            continue;
        };
        for entry in entries {
            let dir = entry.expect("an entry").path();
            if !dir.is_dir() {
                continue;
            }
            let text = fs::read_to_string(dir.join("train_trace.json")).expect("a trace");
            let trace: Value = serde_json::from_str(&text).expect("JSON");
            test(&dir, &trace, &quads(&trace));
            seen += 1;
        }
    }
    assert!(seen >= 5);
}

#[test]
fn full_fine_tuning_follows_the_trace() {
    let under = under_test();
    if under.dtype != Dtype::F32 {
        under.skip("training of every weight");
        return;
    }
    each(|dir, trace, groups| {
        let base = under.load(dir);
        for way in [
            (SequenceLayout::Tree, Activations::Kept),
            (SequenceLayout::Tree, Activations::Recomputed),
            (SequenceLayout::Rows, Activations::Kept),
        ] {
            follow(&under, base.clone(), &base, None, &trace["full"], groups, way);
        }
    });
}

#[test]
fn adapters_follow_the_trace_to_the_same_factors() {
    // Rounding to f32 changes a factor by less than 1e-6. An epsilon of 1e-6 would change it by more than 1e-5.
    let under = under_test();
    each(|dir, trace, groups| {
        let base = under.load(dir);
        let lora = LoraConfig::new(4, 8.0);
        let tensors = |folder: &str| {
            read_safetensors(&dir.join(folder).join("adapter_model.safetensors")).expect("factors")
        };
        let start = base.clone().load_adapter(&tensors("lora"), 2.0).expect("fits");
        let expected = tensors("lora_trained");
        for activations in [Activations::Kept, Activations::Recomputed] {
            let way = (SequenceLayout::Tree, activations);
            let trained =
                follow(&under, start.clone(), &base, Some(&lora), &trace["lora"], groups, way);
            let got = trained_tensors(&trained).expect("factors");
            assert_eq!(got.len(), expected.len());
            let apart = |(name, (_, values)): (&String, &(Vec<usize>, Vec<f32>))| {
                let pairs = got[name].1.iter().zip(values);
                pairs.map(|(a, b)| f64::from((a - b).abs())).fold(0.0, worse)
            };
            let worst = expected.iter().map(apart).fold(0.0, worse);
            under.check("factors", "an adapter after 12 steps", worst);
            // Negative control: the steps changed the factors by more than that.
            let start = trained_tensors(&start).expect("factors");
            let moved = expected.iter().map(|(name, (_, values))| {
                let pairs = start[name].1.iter().zip(values);
                pairs.map(|(a, b)| f64::from((a - b).abs())).fold(0.0, f64::max)
            });
            assert!(moved.fold(0.0, f64::max) > 2.0 * under.bound("factors").unwrap_or_default());
        }
    });
}

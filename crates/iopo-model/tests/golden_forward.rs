//! Logits, response log-probabilities and gradients of the IOPO loss against the reference implementation.

mod common;

use std::collections::BTreeMap;

use common::under_test::{UnderTest, under_test, worse};
use common::{Golden, adapter, checkpoints, read, relative};
use iopo_model::{Activations, Decoder, Dtype, Layout, ModelError, NamedTensors, Targets};
use serde_json::Value;

const BETA: f64 = 0.1;

/// Lays out the right-padded batch of four as four root segments, with the targets and their count per sequence.
fn batch(golden: &BTreeMap<String, Golden>) -> (Layout, Targets, Vec<usize>) {
    let ids = &golden["input_ids"];
    let (mask, labels) = (&golden["attention_mask"], &golden["labels"]);
    let width = ids.shape[1];
    let row = |tensor: &Golden, row: usize| tensor.values[row * width..(row + 1) * width].to_vec();
    let lengths: Vec<usize> = (0..4).map(|at| row(mask, at).iter().sum::<f64>() as usize).collect();
    let sequences: Vec<Vec<u32>> = (0..4)
        .map(|at| row(ids, at)[..lengths[at]].iter().map(|id| *id as u32).collect())
        .collect();
    let layout = Layout::sequences(sequences).expect("layout");
    let mut targets = Targets::default();
    let mut counts = Vec::new();
    for (at, &length) in lengths.iter().enumerate() {
        let labels = row(labels, at);
        let before = targets.rows.len();
        for (column, label) in labels.iter().enumerate().take(length).skip(1) {
            if *label >= 0.0 {
                targets.rows.push(layout.position(at, column - 1));
                targets.tokens.push(*label as u32);
            }
        }
        counts.push(targets.rows.len() - before);
    }
    (layout, targets, counts)
}

fn totals(logps: &[f32], counts: &[usize]) -> Vec<f64> {
    let mut rest = logps;
    counts
        .iter()
        .map(|&count| {
            let (head, tail) = rest.split_at(count);
            rest = tail;
            head.iter().map(|logp| f64::from(*logp)).sum()
        })
        .collect()
}

/// Returns log-probabilities and the gradients of −log σ(β(x1y1 + x2y2 − x1y2 − x2y1)), for rows in the order x1y1, x1y2, x2y2,
/// x2y1.
fn gradients(
    decoder: &Decoder,
    layout: &Layout,
    targets: &Targets,
    counts: &[usize],
    reference: &[f64],
    activations: Activations,
) -> (Vec<f64>, NamedTensors) {
    let signs = [1.0, -1.0, 1.0, -1.0];
    let mut policy = Vec::new();
    let (_, grads) = decoder
        .response_logps_and_grads::<ModelError>(layout, targets, activations, |logps| {
            policy = totals(logps, counts);
            let margin: f64 =
                policy.iter().zip(reference).zip(signs).map(|((p, r), sign)| sign * (p - r)).sum();
            let derivative = -BETA / (1.0 + (BETA * margin).exp());
            Ok(counts
                .iter()
                .zip(signs)
                .flat_map(|(&count, sign)| std::iter::repeat_n((derivative * sign) as f32, count))
                .collect())
        })
        .expect("gradients");
    (policy, decoder.named_gradients(&grads).expect("names"))
}

fn logits_error(decoder: &Decoder, layout: &Layout, golden: &Golden) -> f64 {
    let hidden = decoder.hidden(layout).expect("hidden");
    let logits: Vec<f32> = decoder.logits(&hidden).into_data().try_to_vec().expect("logits");
    let vocab = golden.shape[2];
    let mut worst = 0f64;
    let mut flat = 0;
    for segment in 0..layout.segment_count() {
        let next = if segment + 1 < layout.segment_count() {
            layout.position(segment + 1, 0)
        } else {
            layout.token_count()
        };
        for column in 0..next - layout.position(segment, 0) {
            let start = (segment * golden.shape[1] + column) * vocab;
            for (ours, theirs) in logits[flat * vocab..(flat + 1) * vocab]
                .iter()
                .zip(&golden.values[start..start + vocab])
            {
                worst = worse(worst, (f64::from(*ours) - theirs).abs());
            }
            flat += 1;
        }
    }
    worst
}

/// Returns the largest relative error of a parameter; every parameter must have a gradient.
fn gradients_error(name: &str, ours: &NamedTensors, golden: &BTreeMap<String, Golden>) -> f64 {
    let (mut checked, mut worst) = (0, 0f64);
    for (key, theirs) in golden {
        let Some(parameter) = key.strip_prefix("grad.") else { continue };
        let found =
            ours.get(parameter).unwrap_or_else(|| panic!("{name}: no gradient of {parameter}"));
        assert_eq!(found.0, theirs.shape, "{name}: {parameter}");
        worst = worse(worst, relative(&found.1, &theirs.values));
        checked += 1;
    }
    assert_eq!(checked, ours.len(), "{name}: every parameter is checked");
    worst
}

fn list(value: &Value) -> Vec<f64> {
    value.as_array().expect("list").iter().map(|v| v.as_f64().expect("number")).collect()
}

/// Compares logits, log-probabilities and gradients with a golden file.
fn check(
    under: &UnderTest,
    name: &str,
    decoder: &Decoder,
    golden: &BTreeMap<String, Golden>,
    info: &Value,
) {
    let (layout, targets, counts) = batch(golden);
    under.check("logits", name, logits_error(decoder, &layout, &golden["logits"]));
    let expected = list(&info["logps"]);
    if under.dtype != Dtype::F32 && !decoder.has_adapter() {
        under
            .skip(&format!("gradients of {name}, because this type trains no weights of the base"));
        let logps = decoder.response_logps(&layout, &targets).expect("log-probabilities");
        under.check("logps", name, farthest(&totals(&logps, &counts), &expected));
        return;
    }
    let reference = list(&info["ref_logps"]);
    for activations in [Activations::Kept, Activations::Recomputed] {
        let (logps, grads) =
            gradients(decoder, &layout, &targets, &counts, &reference, activations);
        under.check("logps", name, farthest(&logps, &expected));
        under.check("gradients", name, gradients_error(name, &grads, golden));
    }
}

fn farthest(ours: &[f64], theirs: &[f64]) -> f64 {
    assert_eq!(ours.len(), theirs.len());
    ours.iter().zip(theirs).map(|(a, b)| (a - b).abs()).fold(0.0, worse)
}

#[test]
fn logits_logps_and_every_gradient_equal_the_reference() {
    let all = checkpoints();
    assert!(all.len() >= 5);
    let under = under_test();
    for dir in all {
        let name = dir.file_name().expect("a name").to_string_lossy().into_owned();
        let decoder = under.load(&dir);
        let golden = read(&dir.join("forward.safetensors"));
        let info: Value =
            serde_json::from_slice(&std::fs::read(dir.join("info.json")).expect("info"))
                .expect("json");
        check(&under, &name, &decoder, &golden, &info);

        let scale = 8.0 / 4.0;
        let adapter = adapter(&dir.join("lora"));
        let adapted = decoder.clone().load_adapter(&adapter, scale).expect("adapter");
        let with_adapter = read(&dir.join("lora_forward.safetensors"));
        check(&under, &format!("{name} with adapter"), &adapted, &with_adapter, &info["lora"]);

        // Negative controls: another reference and another adapter give other numbers.
        let (layout, targets, counts) = batch(&with_adapter);
        let reference = list(&info["lora"]["ref_logps"]);
        // With an impossible first response in the reference, the gradients vanish.
        let shifted: Vec<f64> = [&[reference[0] - 1e3], &reference[1..]].concat();
        let (_, wrong) =
            gradients(&adapted, &layout, &targets, &counts, &shifted, Activations::Kept);
        assert!(gradients_error(&name, &wrong, &with_adapter) > 2.0 * under.tolerance("gradients"));
        let other = decoder.load_adapter(&adapter, 2.0 * scale).expect("adapter");
        let off = logits_error(&other, &layout, &with_adapter["logits"]);
        assert!(off > 2.0 * under.tolerance("logits"), "{name}: {off}");
    }
}

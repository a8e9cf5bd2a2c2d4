//! A group's tree gives the logps, losses and gradients of four separate sequences. A tree in which one response sees
//! another does not.

use std::collections::BTreeMap;

use crate::common::{Numbers, decoder, groups, with_adapter};
use crate::under_test::{under_test, worse};
use iopo_core::{FalseCells, PerSequence};
use iopo_model::{Activations, Decoder, Layout, LoraConfig, NamedTensors, Segment, Targets};
use iopo_train::{
    Batch, EncodedGroup, Method, Objective, SequenceLayout, TrainError,
    encode::all_sequences,
    objective::{GroupWithLogps, UpdateSize},
};
use proptest::prelude::*;

const VOCAB: usize = 61;

/// Computes losses and gradients of a batch. The reference is random, so that the gradients of the groups differ.
fn step(decoder: &Decoder, groups: &[&EncodedGroup], batch: &Batch) -> (Vec<f64>, NamedTensors) {
    let objective = Objective::new(Method::Iopo, 0.1, 0.5);
    let size = UpdateSize::of(groups.iter().copied());
    let mut losses = Vec::new();
    let coefficients = |logps: &[f32]| -> Result<Vec<f32>, TrainError> {
        let logps = batch.sequence_logps(logps, groups.len())?;
        let scored: Vec<GroupWithLogps<'_>> = groups
            .iter()
            .zip(logps)
            .map(|(group, policy)| {
                let mut numbers = Numbers::new(group.id.len() as u64 + group.x1[0] as u64);
                let reference = PerSequence::from_fn(|_| -30.0 - 20.0 * numbers.next());
                GroupWithLogps { group, policy, reference, weight: 1.0 }
            })
            .collect();
        let made = objective.evaluate(&scored, size)?;
        losses = made.losses;
        Ok(batch.token_gradients(&made.gradients))
    };
    let Batch { layout, targets, .. } = batch;
    let (_, gradients) = decoder
        .response_logps_and_grads(layout, targets, Activations::Kept, coefficients)
        .expect("a step");
    (losses, decoder.named_gradients(&gradients).expect("names"))
}

fn relative(a: &[f32], b: &[f32]) -> f64 {
    let norm = |values: Vec<f64>| values.iter().map(|v| v * v).sum::<f64>().sqrt();
    let difference = norm(a.iter().zip(b).map(|(a, b)| f64::from(a - b)).collect());
    difference / norm(b.iter().map(|b| f64::from(*b)).collect()).max(1e-9)
}

/// Returns the largest difference of two steps, over losses (relative where they exceed 1) and tensors.
fn distance(a: &(Vec<f64>, NamedTensors), b: &(Vec<f64>, NamedTensors)) -> f64 {
    assert_eq!(a.1.keys().collect::<Vec<_>>(), b.1.keys().collect::<Vec<_>>());
    let loss = a.0.iter().zip(&b.0).map(|(a, b)| (a - b).abs() / b.abs().max(1.0));
    let tensor = b.1.iter().map(|(name, (_, values))| relative(&a.1[name].1, values));
    loss.chain(tensor).fold(0.0, worse)
}

/// Makes a tree with one mistake: y2 under x1 continues y1 instead of the prompt.
fn leaking(group: &EncodedGroup) -> Batch {
    let good = Batch::new(&[group], SequenceLayout::Tree, all_sequences).expect("a tree");
    let shared = group.x1.iter().zip(&group.x2).take_while(|(a, b)| a == b).count();
    let fed = |tokens: &[u32]| tokens[..tokens.len() - 1].to_vec();
    let segment = |parent, tokens| Segment { parent, tokens };
    let layout = Layout::new(vec![
        segment(None, group.x1[..shared].to_vec()),
        segment(Some(0), group.x1[shared..].to_vec()),
        segment(Some(1), fed(&group.y1)),
        segment(Some(2), fed(&group.y2)),
        segment(Some(0), group.x2[shared..].to_vec()),
        segment(Some(4), fed(&group.y2)),
        segment(Some(4), fed(&group.y1)),
    ])
    .expect("a tree");
    assert_eq!(layout.token_count(), good.layout.token_count());
    Batch { layout, targets: Targets::clone(&good.targets), ..good }
}

#[test]
fn a_response_that_sees_its_sibling_is_detected() {
    let under = under_test();
    let Some(most) = under.bound("tree") else { return under.skip("segment trees") };
    let decoder = decoder(VOCAB, 1);
    // If y2 follows x1 too, the loss does not read that sequence.
    for group in groups(8, VOCAB, 2).iter().filter(|group| group.false_cells.x1y2) {
        let members = [group];
        let plain = Batch::new(&members, SequenceLayout::Rows, all_sequences).expect("rows");
        let expected = step(&decoder, &members, &plain);
        let apart = distance(&step(&decoder, &members, &leaking(group)), &expected);
        assert!(apart > most, "a leak changed the step by only {apart}");
        let good = Batch::new(&members, SequenceLayout::Tree, all_sequences).expect("a tree");
        under.check("tree", &group.id, distance(&step(&decoder, &members, &good), &expected));
    }
}

/// Four realistic groups, encoded with SmolLM2's tokenizer and template.
const REAL_GROUPS: &str = include_str!("real_groups.json");

#[test]
fn on_real_groups_the_tree_computes_under_80_percent_of_the_padded_rows() {
    let read: Vec<BTreeMap<String, Vec<u32>>> =
        serde_json::from_str(REAL_GROUPS).expect("four groups");
    let groups: Vec<EncodedGroup> = read
        .into_iter()
        .enumerate()
        .map(|(index, mut part)| {
            let mut take = |name: &str| part.remove(name).expect("a part of the group");
            EncodedGroup {
                id: format!("real-{index}"),
                x1: take("x1"),
                x2: take("x2"),
                y1: take("y1"),
                y2: take("y2"),
                false_cells: FalseCells::BOTH,
            }
        })
        .collect();
    for group in &groups {
        let tree = Batch::new(&[group], SequenceLayout::Tree, all_sequences).expect("a tree");
        let ratio = tree.layout.token_count() as f64 / tree.padded_tokens as f64;
        assert!(ratio < 0.8, "{}: {ratio}", group.id);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn the_tree_gives_the_numbers_of_four_separate_sequences(
        seed in 0u64..1 << 40,
        stem in 0usize..12,
        rests in (0usize..7, 0usize..7),
        responses in (1usize..9, 1usize..9),
        count in 1usize..4,
        adapted in any::<bool>(),
    ) {
        let under = under_test();
        if under.bound("tree").is_none() {
            return Ok(());
        }
        let mut numbers = Numbers::new(seed);
        let mut tokens = |length: usize| -> Vec<u32> {
            (0..length).map(|_| numbers.below(VOCAB) as u32).collect()
        };
        let groups: Vec<EncodedGroup> = (0..count)
            .map(|index| {
                let shared = tokens(stem + 1);
                EncodedGroup {
                    id: format!("g{index}"),
                    x1: [shared.clone(), tokens(rests.0)].concat(),
                    x2: [shared, tokens(rests.1)].concat(),
                    y1: tokens(responses.0),
                    y2: tokens(responses.1),
                    false_cells: FalseCells { x1y2: true, x2y1: index % 2 == 0 },
                }
            })
            .collect();
        let members: Vec<&EncodedGroup> = groups.iter().collect();
        let plain = decoder(VOCAB, seed ^ 1);
        let model = if adapted {
            let lora = LoraConfig::new(3, 6.0);
            let fresh = with_adapter(plain, &lora);
            // B starts at zero, which makes the gradient of A zero too.
            let mut factors = fresh.adapter().expect("factors");
            for (_, values) in factors.values_mut() {
                for value in values {
                    *value = 0.4 * (numbers.next() - 0.5) as f32;
                }
            }
            fresh.load_adapter(&factors, 2.0).expect("fits")
        } else {
            plain
        };
        let needs = |group: &EncodedGroup| Method::Iopo.needs(group);
        let tree = Batch::new(&members, SequenceLayout::Tree, needs).expect("a tree");
        let rows = Batch::new(&members, SequenceLayout::Rows, needs).expect("rows");
        prop_assert!(tree.layout.token_count() <= rows.layout.token_count());
        let apart = distance(&step(&model, &members, &tree), &step(&model, &members, &rows));
        under.check("tree", &format!("{count} random groups"), apart);
    }
}

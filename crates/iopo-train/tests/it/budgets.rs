//! Budgets of operations for an update and for a generated token.
//!
//! Burn's capture device records operations and computes nothing, so any machine counts what the host asks of a GPU, views of
//! tensors included. A step of a small model waits for the host, whose time grows with that number.

use std::{collections::BTreeMap, fs, path::Path};

use burn::tensor::Device;
use burn_ir::{BaseOperationIr, OperationIr};
use iopo_core::{FalseCells, PerSequence};
use iopo_llm::{Sampling, Silent};
use iopo_model::{Decoder, Dtype, GenerationRequest, Limits, LoraConfig, ModelConfig};
use iopo_train::{EncodedGroup, Method, TrainConfig, state::TrainerState, trainer::TrainingData};

use crate::common::{adamw, trainer, with_adapter};

/// Names and largest numbers of operations, one per line.
const BUDGETS: &str = "../../fixtures/conformance/budgets.tsv";

/// What is counted, and how.
type Count = (&'static str, fn() -> Recorded);

const COUNTS: [Count; 7] = [
    ("update of adapters, 1 group", || update(LAYERS, 1, Some(Dtype::F32))),
    ("update of adapters on bf16 weights, 1 group", || update(LAYERS, 1, Some(Dtype::Bf16))),
    ("update of adapters, 8 groups in a micro-batch", || update(LAYERS, 8, Some(Dtype::F32))),
    ("update of every weight, 1 group", || update(LAYERS, 1, None)),
    ("generated token, 1 row", || token(1, false)),
    ("generated token, 32 rows", || token(32, false)),
    ("generated token with adapters, 1 row", || token(1, true)),
];

/// Layers of SmolLM2-135M.
const LAYERS: usize = 30;

/// A model in the shape of SmolLM2-135M with some of its layers. Its values are not read.
fn decoder(layers: usize, dtype: Dtype, device: &Device) -> Decoder {
    let json = serde_json::json!({
        "model_type": "llama", "vocab_size": 49_152, "hidden_size": 576, "intermediate_size": 1536,
        "num_hidden_layers": layers, "num_attention_heads": 9, "num_key_value_heads": 3, "head_dim": 64,
        "rms_norm_eps": 1e-5, "rope_theta": 1e5, "max_position_embeddings": 8192,
        "tie_word_embeddings": true, "eos_token_id": 0, "pad_token_id": 0,
    });
    let config = ModelConfig::from_hf_json(&json, Path::new("config.json")).expect("a config");
    let zeros = |_: &str, shape: &[usize]| Ok(vec![0.0; shape.iter().product()]);
    Decoder::from_tensors_in(dtype, &config, device, zeros).expect("a decoder")
}

/// A group of 512 + 128 tokens whose instructions share a stem.
fn group(id: usize) -> EncodedGroup {
    let tokens = |from: u32, length: u32| (from..from + length).collect::<Vec<u32>>();
    let (stem, own) = (tokens(1, 384), [tokens(1000, 128), tokens(2000, 128)]);
    let [x1, x2] = own.map(|own| [stem.clone(), own].concat());
    let [y1, y2] = [tokens(3000, 128), tokens(4000, 128)];
    EncodedGroup { id: format!("group-{id}"), x1, x2, y1, y2, false_cells: FalseCells::BOTH }
}

/// Operations that a run records: uploads, and all others by name.
#[derive(Debug, Default)]
struct Recorded {
    uploads: usize,
    operations: usize,
    by_name: BTreeMap<String, usize>,
}

fn recorded(run: impl FnOnce(&Device)) -> Recorded {
    let device = Device::capture();
    let captured = device.capture_scope(|scope| {
        run(&device);
        scope.complete([], [])
    });
    let mut recorded = Recorded::default();
    for operation in captured.expect("a capture").graph.operations {
        match &operation {
            OperationIr::Init(_) => {
                recorded.uploads += 1;
                continue;
            }
            // On GPUs, Burn leaves a tensor of that shape as it is.
            OperationIr::BaseFloat(BaseOperationIr::Reshape(reshape))
            | OperationIr::BaseInt(BaseOperationIr::Reshape(reshape))
                if reshape.input.shape == reshape.out.shape =>
            {
                continue;
            }
            _ => {}
        }
        recorded.operations += 1;
        // `Family(Operation(arguments))`, in a family `Family(type, Operation(arguments))`.
        let text = format!("{operation:?}");
        let name = text.split('(').take(2).collect::<Vec<_>>().join(" ");
        *recorded.by_name.entry(name).or_default() += 1;
    }
    recorded
}

/// What the second repetition of a run adds to the first.
fn repeated(run: impl Fn(&Device, usize)) -> Recorded {
    let [once, twice] = [1, 2].map(|times| recorded(|device| run(device, times)));
    let by_name = twice.by_name.iter().map(|(name, count)| {
        (name.clone(), count - once.by_name.get(name).copied().unwrap_or_default())
    });
    Recorded {
        uploads: twice.uploads - once.uploads,
        operations: twice.operations - once.operations,
        by_name: by_name.filter(|(_, count)| *count > 0).collect(),
    }
}

/// Counts an update of some groups in one micro-batch, of adapters on weights of a type or of every weight.
fn update(layers: usize, groups: usize, adapters_on: Option<Dtype>) -> Recorded {
    let groups: Vec<EncodedGroup> = (0..groups).map(group).collect();
    let members: Vec<&EncodedGroup> = groups.iter().collect();
    let mut config = TrainConfig::default();
    config.use_peft = adapters_on.is_some();
    config.groups_per_update = groups.len();
    config.tokens_per_micro_batch = Some(1 << 20);
    // Reads of the device return ones, so the gradients are clipped, and the policy differs from its reference.
    let reference = groups.iter().map(|group| (group.id.clone(), PerSequence::from_fn(|_| 0.0)));
    let reference = reference.collect();
    let data = TrainingData { train: &members, dev: &[], reference: &reference };
    let dir = tempfile::tempdir().expect("a folder");
    let trainer = trainer(&config, Method::Iopo, data, dir.path());
    repeated(|device, times| {
        let mut decoder = decoder(layers, adapters_on.unwrap_or_default(), device);
        if adapters_on.is_some() {
            decoder = with_adapter(decoder, &LoraConfig::default());
        }
        let mut state = TrainerState::new(decoder, adamw(0.01));
        for _ in 0..times {
            state = trainer.update(state, &members).expect("an update").0;
        }
    })
}

/// Counts a decoding step.
fn token(rows: usize, adapters: bool) -> Recorded {
    repeated(|device, times| {
        let sampling = Sampling::greedy(8 + times);
        let request = GenerationRequest { tokens: (1..100).collect(), sampling };
        let requests = vec![request; rows];
        let mut decoder = decoder(LAYERS, Dtype::F32, device).frozen();
        if adapters {
            decoder = with_adapter(decoder, &LoraConfig::default());
        }
        decoder.generate(&requests, &[], Limits::default(), &Silent).expect("continuations");
    })
}

#[test]
fn operations_are_within_their_budgets() {
    let budgets = fs::read_to_string(BUDGETS).expect("the budgets");
    let budgets: Vec<(&str, usize)> = budgets
        .lines()
        .skip(1)
        .map(|line| line.split_once('\t').expect("two columns"))
        .map(|(name, budget)| (name, budget.parse().expect("a number")))
        .collect();
    assert_eq!(
        budgets.iter().map(|(name, _)| *name).collect::<Vec<_>>(),
        COUNTS.map(|(name, _)| name)
    );
    println!("| | operations | budget | uploads |\n|---|---|---|---|");
    let mut over = Vec::new();
    for ((name, budget), (_, count)) in budgets.into_iter().zip(COUNTS) {
        let Recorded { operations, uploads, by_name } = count();
        println!("| {name} | {operations} | {budget} | {uploads} |");
        if operations > budget {
            over.push(format!("{name}: {operations} operations, budget {budget}: {by_name:?}"));
        }
    }
    assert!(over.is_empty(), "{over:#?}");
}

#[test]
fn operations_grow_with_the_layers_by_the_same_number_each() {
    let [two, three, four] = [2, 3, 4].map(|layers| update(layers, 1, Some(Dtype::F32)).operations);
    assert_eq!(three - two, four - three);
    // Negative control: what is counted depends on the model, and most of it is in the layers.
    assert!(30 * (three - two) > two);
}

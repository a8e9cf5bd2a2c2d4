//! Recorded steps against plain ones, on the device that `IOPO_TEST_DEVICE` names (default `wgpu`).

use std::path::Path;
use std::rc::Rc;

use burn::tensor::{Device, Tensor, capture};
use iopo_llm::{Sampling, Silent};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::{BEFORE_A_GRAPH, GpuStep, GpuSteps, Output, StepGraph, uploaded};
use crate::cache::{Caches, Columns, LayerCache};
use crate::kernels::gpu;
use crate::{Decoder, GenerationRequest, Limits, ModelConfig, device};

const ROWS: usize = 3;

fn gpu_device() -> Device {
    let name = std::env::var("IOPO_TEST_DEVICE").unwrap_or_else(|_| "wgpu".to_owned());
    device::device(&name).expect("the device")
}

fn decoder(device: &Device) -> Decoder {
    let json = serde_json::json!({
        "model_type": "llama", "vocab_size": 50, "hidden_size": 24, "intermediate_size": 40,
        "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2,
        "rope_theta": 1e4, "max_position_embeddings": 512, "tie_word_embeddings": true,
    });
    let config = ModelConfig::from_hf_json(&json, Path::new("config.json")).expect("a model");
    let mut rng = ChaCha8Rng::seed_from_u64(7);
    let random = |_: &str, shape: &[usize]| {
        Ok((0..shape.iter().product()).map(|_| rng.random_range(-0.5..0.5)).collect())
    };
    Decoder::from_tensors(&config, device, random).expect("a decoder").frozen()
}

/// Caches of prompts of zeros, of these lengths.
fn caches(decoder: &Decoder, lengths: [usize; ROWS]) -> (Caches, Columns) {
    let (device, mut columns) = (decoder.device(), Columns::default());
    for (slot, length) in lengths.into_iter().enumerate() {
        columns.place(slot, length);
    }
    let empty = |_| LayerCache::new(ROWS, columns.used, decoder.heads(), &device);
    let layers = decoder.layers.iter().map(empty).collect::<Vec<_>>();
    let mut caches = Caches::default();
    *caches.change() = layers;
    (caches, columns)
}

fn values(tensor: Tensor<2>) -> Vec<f32> {
    tensor.into_data().try_to_vec().expect("f32")
}

fn far(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

/// The tokens of five steps.
const TOKENS: [[u32; ROWS]; 5] = [[1, 2, 3], [4, 5, 6], [49, 0, 8], [7, 7, 7], [9, 30, 20]];

#[test]
fn five_replayed_steps_equal_five_plain_ones() {
    let decoder = decoder(&gpu_device());
    let step = Rc::new(GpuStep::new(&decoder));
    let lengths = [4, 2, 1];
    let (plain, mut columns) = caches(&decoder, lengths);
    let want = TOKENS.map(|tokens| {
        let inputs = uploaded(step.inputs(&tokens, &columns), &decoder);
        let mut plain = plain.layers().borrow_mut();
        columns.used += 1;
        values(step.run(&inputs, ROWS, &mut plain, Output::Logits, false).expect("caches"))
    });
    let (shared, mut columns) = caches(&decoder, lengths);
    let first = step.inputs(&TOKENS[0], &columns);
    let mut graph =
        StepGraph::record(&step, &first, ROWS, &shared, Output::Logits).expect("a graph");
    for (tokens, want) in TOKENS.iter().zip(&want) {
        let got = values(graph.replay(step.inputs(tokens, &columns)).expect("caches"));
        columns.used += 1;
        assert!(far(&got, want) < 1e-5);
    }
    // Negative control: with the inputs of the first step, the result is another.
    let stale = values(graph.replay(first).expect("caches"));
    assert!(far(&stale, &want[4]) > 1e-2);
}

#[test]
fn steps_are_recorded_until_the_tensors_change() {
    let decoder = decoder(&gpu_device());
    let mut steps = GpuSteps::new(&decoder).expect("a GPU");
    let (mut shared, mut columns) = caches(&decoder, [60, 2, 1]);
    let mut run = |output, columns: &mut Columns| {
        let made = steps.run(&[1, 2, 3], &mut shared, columns, output).expect("caches");
        columns.used += 1;
        (values(made), steps.graph.is_some())
    };
    // Column 64 is the first that needs more room.
    let recorded: Vec<bool> = (0..10).map(|_| run(Output::Likeliest, &mut columns).1).collect();
    let plain = [false; BEFORE_A_GRAPH];
    assert_eq!(recorded, [&plain[..], &plain, &[true; 2]].concat());
    // Another output needs another graph.
    let (likeliest, _) = run(Output::Likeliest, &mut columns);
    columns.used -= 1;
    let (logits, recorded) = run(Output::Logits, &mut columns);
    assert!(!recorded);
    let best = |row: &[f32]| row.iter().copied().fold(f32::MIN, f32::max);
    for (row, token) in logits.chunks(50).zip(likeliest) {
        assert_eq!(row[token as usize], best(row));
    }
    let error = steps.run(&[1, 50, 3], &mut shared, &columns, Output::Logits);
    assert!(error.is_err(), "token 50 is outside the vocabulary");
}

#[test]
fn everything_that_holds_a_tensor_sees_what_overwrites_it() {
    let decoder = decoder(&gpu_device());
    let tensor = uploaded(vec![1.0, 2.0, 3.0], &decoder);
    let other = tensor.clone();
    let written = gpu::overwrite(tensor, uploaded(vec![4.0, 5.0, 6.0], &decoder));
    let read = |tensor: Tensor<1>| tensor.into_data().try_to_vec::<f32>().expect("f32");
    assert_eq!(read(written), [4.0, 5.0, 6.0]);
    assert_eq!(read(other), [4.0, 5.0, 6.0]);
}

#[test]
fn rows_that_come_and_go_get_the_tokens_of_flex() {
    let [on_gpu, on_flex] = [gpu_device(), Device::flex()].map(|device| decoder(&device));
    // Long enough that caches grow, and that steps are recorded between the changes of a batch.
    let lengths = [(3, 90), (40, 20), (7, 30), (1, 90), (30, 5), (20, 40), (9, 61)];
    let request = |(row, (length, limit)): (usize, (u32, usize))| GenerationRequest {
        tokens: (0..length).map(|at| (at * 31 + row as u32 * 17) % 50).collect(),
        sampling: Sampling::greedy(limit),
    };
    let requests: Vec<GenerationRequest> = lengths.into_iter().enumerate().map(request).collect();
    let texts = |decoder: &Decoder, rows| {
        let limits = Limits::default().with_rows(rows);
        let made = decoder.generate(&requests, &[], limits, &Silent).expect("texts");
        made.into_iter().map(|row| row.tokens).collect::<Vec<_>>()
    };
    let want = texts(&on_flex, 7);
    // Negative control: texts depend on their prompts.
    assert_ne!(want[0][..5], want[3][..5]);
    for rows in [1, 3, 7] {
        assert_eq!(texts(&on_gpu, rows), want, "{rows} rows");
    }
}

#[test]
fn a_refused_recording_leaves_the_next_steps_as_they_were() {
    let decoder = decoder(&gpu_device());
    let step = Rc::new(GpuStep::new(&decoder));
    let run = |refused: bool| {
        let (caches, mut columns) = caches(&decoder, [4, 2, 1]);
        TOKENS.map(|tokens| {
            let inputs_of_step = step.inputs(&tokens, &columns);
            let mut layers = caches.layers().borrow_mut();
            if refused && columns.used == 6 {
                // No device records an upload.
                let graph = capture(&decoder.device(), || {
                    let inputs = uploaded(inputs_of_step.clone(), &decoder);
                    step.run(&inputs, ROWS, &mut layers, Output::Logits, true)
                });
                assert!(!graph.is_hardware());
            }
            let inputs = uploaded(inputs_of_step, &decoder);
            columns.used += 1;
            values(step.run(&inputs, ROWS, &mut layers, Output::Logits, false).expect("caches"))
        })
    };
    let [plain, refused] = [false, true].map(run);
    assert!(plain.iter().zip(&refused).all(|(a, b)| far(a, b) < 1e-5));
}

//! Greedy generation on the device under test is flex's: token by token, up to where two tokens are as likely.

mod common;

use common::under_test::{UnderTest, under_test};
use common::{checkpoints, smollm2};
use iopo_llm::{Message, Sampling, Silent};
use iopo_model::{
    ChatModel, Checkpoint, Decoder, Dtype, GenerationRequest, Layout, Limits, device::device,
};

const SEEDS: &str = include_str!("../../iopo/data/tasks.jsonl");

/// The next token's logits, by a pass over the whole text without a cache.
fn next(decoder: &Decoder, tokens: &[u32]) -> Vec<f32> {
    let layout = Layout::sequences([tokens.to_vec()]).expect("layout");
    let hidden = decoder.hidden(&layout).expect("hidden");
    let (rows, width) = (tokens.len(), hidden.dims()[1]);
    let last = hidden.slice([rows - 1..rows, 0..width]);
    decoder.logits(&last).into_data().try_to_vec().expect("logits")
}

fn likeliest(logits: &[f32]) -> usize {
    (0..logits.len()).rev().max_by(|&a, &b| logits[a].total_cmp(&logits[b])).expect("a token")
}

/// How many texts are the same to the end; the others must part at a tie. A text ends at one of the `stop` tokens, which
/// it does not hold.
fn agreeing(
    under: &UnderTest,
    flex: &Decoder,
    (prompts, stop): (&[GenerationRequest], &[u32]),
    pairs: [&[Vec<u32>]; 2],
) -> usize {
    let tie = under.bound("tie").expect("a tie is defined") as f32;
    let mut same = 0;
    for (prompt, (ours, theirs)) in prompts.iter().zip(pairs[0].iter().zip(pairs[1])) {
        let Some(at) = (0..ours.len().max(theirs.len())).find(|&at| ours.get(at) != theirs.get(at))
        else {
            same += 1;
            continue;
        };
        let text = [prompt.tokens.as_slice(), &theirs[..at]].concat();
        // The token that was taken instead must be one that flex nearly took.
        let logits = next(flex, &text);
        let taken = ours.get(at).map_or(stop, std::slice::from_ref);
        let taken = taken.iter().map(|&token| logits[token as usize]);
        let gap = logits[likeliest(&logits)] - taken.fold(f32::NEG_INFINITY, f32::max);
        assert!(gap < tie, "a text parts at token {at}, where flex's first two are {gap} apart");
    }
    same
}

fn generate(decoder: &Decoder, prompts: &[GenerationRequest], stop: &[u32]) -> Vec<Vec<u32>> {
    let limits = Limits { rows: 16, ..Limits::default() };
    let made = decoder.generate(prompts, stop, limits, &Silent).expect("generated");
    made.into_iter().map(|row| row.tokens).collect()
}

#[test]
fn tiny_checkpoints_continue_as_a_pass_without_cache_does() {
    let under = under_test();
    if under.bound("tie").is_none() {
        return under.skip("greedy generation");
    }
    let flex = device("flex").expect("flex");
    for dir in checkpoints() {
        let mut checkpoint = Checkpoint::open(&dir).expect("a checkpoint");
        let config = checkpoint.config.clone();
        let reference =
            Decoder::from_tensors(&config, &flex, |name, shape| checkpoint.tensor(name, shape))
                .expect("a decoder");
        let prompts: Vec<GenerationRequest> = (0..6u32)
            .map(|at| GenerationRequest {
                tokens: (0..3 + 4 * at).map(|token| 1 + (7 * at + 5 * token) % 70).collect(),
                sampling: Sampling::greedy(20),
            })
            .collect();
        let made = generate(&under.load(&dir), &prompts, &[]);
        let expected: Vec<Vec<u32>> = prompts
            .iter()
            .map(|prompt| {
                let mut text = prompt.tokens.clone();
                for _ in 0..20 {
                    text.push(likeliest(&next(&reference, &text)) as u32);
                }
                text.split_off(prompt.tokens.len())
            })
            .collect();
        let same = agreeing(&under, &reference, (&prompts, &[]), [&made, &expected]);
        let name = dir.file_name().expect("a name").to_string_lossy();
        under.note(&format!(
            "{same} of 6 texts of {name} are flex's to the last token, the others up to a tie"
        ));
        // Control: the texts hang on their prompts.
        assert_ne!(made[0], made[5]);
    }
}

#[test]
fn smollm2_answers_fifty_prompts_as_flex_does() {
    let (under, Some(path)) = (under_test(), smollm2()) else { return };
    let flex = device("flex").expect("flex");
    if under.device == flex || under.bound("tie").is_none() {
        return under.skip("SmolLM2's answers beside flex's");
    }
    let load = |device| ChatModel::load(&path, "smollm2", (device, Dtype::F32), 16).expect("loads");
    let (reference, model) = (load(&flex), load(&under.device));
    let task = |line: &str| -> String {
        let seed: serde_json::Value = serde_json::from_str(line).expect("JSON");
        seed["task"].as_str().expect("a task").to_owned()
    };
    let prompts: Vec<GenerationRequest> = SEEDS
        .lines()
        .take(50)
        .map(|line| GenerationRequest {
            tokens: reference.encode_prompt(&[Message::user(task(line))]).expect("encoded"),
            sampling: Sampling::greedy(48),
        })
        .collect();
    assert_eq!(prompts.len(), 50);
    let made = generate(model.decoder(), &prompts, model.stop());
    let expected = generate(reference.decoder(), &prompts, reference.stop());
    let asked = (prompts.as_slice(), model.stop());
    let same = agreeing(&under, reference.decoder(), asked, [&made, &expected]);
    under.note(&format!(
        "{same} of 50 answers of SmolLM2 are flex's to the last token, the others up to a tie"
    ));
}

//! Greedy generation on the device under test gives the tokens of flex, up to a tie between two tokens.

mod common;

use common::under_test::{UnderTest, under_test};
use common::{checkpoints, smollm2};
use iopo_llm::{Message, Sampling, Silent};
use iopo_model::{
    ChatModel, Checkpoint, Decoder, Dtype, GenerationRequest, Layout, Limits, device::device,
};

const TASKS: &str = include_str!("../../iopo/data/tasks.jsonl");

/// Returns the logits of the next token from a pass over the whole text, without a cache.
fn next_logits(decoder: &Decoder, tokens: &[u32]) -> Vec<f32> {
    let layout = Layout::sequences([tokens.to_vec()]).expect("layout");
    let hidden = decoder.hidden(&layout).expect("hidden");
    let (rows, width) = (tokens.len(), hidden.dims()[1]);
    let last = hidden.slice([rows - 1..rows, 0..width]);
    decoder.logits(&last).into_data().try_to_vec().expect("logits")
}

fn likeliest(logits: &[f32]) -> usize {
    (0..logits.len()).rev().max_by(|&a, &b| logits[a].total_cmp(&logits[b])).expect("a token")
}

/// Returns the number of equal texts; every other text must differ first at a tie. Texts end before a `stop` token.
fn agreeing(
    under: &UnderTest,
    flex: &Decoder,
    (prompts, stop): (&[GenerationRequest], &[u32]),
    pairs: [&[Vec<u32>]; 2],
) -> usize {
    let tie = under.bound("tie").expect("the tolerance of a tie") as f32;
    let mut same = 0;
    for (prompt, (ours, theirs)) in prompts.iter().zip(pairs[0].iter().zip(pairs[1])) {
        let Some(at) = (0..ours.len().max(theirs.len())).find(|&at| ours.get(at) != theirs.get(at))
        else {
            same += 1;
            continue;
        };
        let text = [prompt.tokens.as_slice(), &theirs[..at]].concat();
        // Flex's logit of the other token must be close to its largest.
        let logits = next_logits(flex, &text);
        let taken = ours.get(at).map_or(stop, std::slice::from_ref);
        let taken = taken.iter().map(|&token| logits[token as usize]);
        let gap = logits[likeliest(&logits)] - taken.fold(f32::NEG_INFINITY, f32::max);
        assert!(
            gap < tie,
            "the texts differ at token {at}, where the logits on flex are {gap} apart"
        );
    }
    same
}

fn generate(decoder: &Decoder, prompts: &[GenerationRequest], stop: &[u32]) -> Vec<Vec<u32>> {
    let limits = Limits::default().with_rows(16);
    let generated = decoder.generate(prompts, stop, limits, &Silent).expect("generated");
    generated.into_iter().map(|row| row.tokens).collect()
}

#[test]
fn tiny_checkpoints_give_the_tokens_of_passes_without_a_cache() {
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
                    text.push(likeliest(&next_logits(&reference, &text)) as u32);
                }
                text.split_off(prompt.tokens.len())
            })
            .collect();
        let same = agreeing(&under, &reference, (&prompts, &[]), [&made, &expected]);
        let name = dir.file_name().expect("a name").to_string_lossy();
        under.note(&format!(
            "{same} of 6 texts of {name} equal those of flex, the others differ at a tie"
        ));
        // Negative control: texts depend on their prompts.
        assert_ne!(made[0], made[5]);
    }
}

#[test]
fn smollm2_gives_the_answers_of_flex_to_fifty_prompts() {
    let (under, Some(path)) = (under_test(), smollm2()) else { return };
    let flex = device("flex").expect("flex");
    if under.device == flex || under.bound("tie").is_none() {
        return under.skip("the comparison of SmolLM2's answers with flex");
    }
    let load = |device| ChatModel::load(&path, "smollm2", (device, Dtype::F32), 16).expect("loads");
    let (reference, model) = (load(&flex), load(&under.device));
    let task = |line: &str| -> String {
        let task: serde_json::Value = serde_json::from_str(line).expect("JSON");
        task["task"].as_str().expect("a task").to_owned()
    };
    let prompts: Vec<GenerationRequest> = TASKS
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
        "{same} of 50 answers of SmolLM2 equal those of flex, the others differ at a tie"
    ));
}

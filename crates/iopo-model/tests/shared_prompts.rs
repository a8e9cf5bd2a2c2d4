//! Rows with a common prefix share its prefill and give the same tokens as alone.

mod tiny;

use iopo_llm::{Sampling, Silent};
use iopo_model::{Decoder, Generated, GenerationRequest, Limits};
use tiny::decoder;

/// Makes tokens that all depend on `salt`.
fn tokens(length: u32, salt: u32) -> Vec<u32> {
    (0..length).map(|at| 3 + (at * 31 + salt * 17) % 90).collect()
}

fn greedy(tokens: Vec<u32>) -> GenerationRequest {
    GenerationRequest { tokens, sampling: Sampling::greedy(24) }
}

fn sampled(tokens: Vec<u32>, seed: u64) -> GenerationRequest {
    let sampling =
        Sampling::greedy(24).with_temperature(0.9).with_top_p(0.9).with_top_k(40).with_seed(seed);
    GenerationRequest { tokens, sampling }
}

fn generate(decoder: &Decoder, prompts: &[GenerationRequest], rows: usize) -> Vec<Generated> {
    let limits = Limits::default().with_rows(rows);
    decoder.generate(prompts, &[2], limits, &Silent).expect("generated")
}

/// Generates each prompt in a separate batch, where nothing is shared.
fn alone(decoder: &Decoder, prompts: &[GenerationRequest]) -> Vec<Vec<u32>> {
    let alone = prompts.iter().map(|prompt| {
        let generated = generate(decoder, std::slice::from_ref(prompt), 1).remove(0);
        assert_eq!(generated.cached, 0);
        generated.tokens
    });
    alone.collect()
}

fn texts(generated: &[Generated]) -> Vec<Vec<u32>> {
    generated.iter().map(|generated| generated.tokens.clone()).collect()
}

/// Counts the prompt tokens that were not reused from another row.
fn computed(prompts: &[GenerationRequest], generated: &[Generated]) -> usize {
    prompts.iter().zip(generated).map(|(prompt, row)| prompt.tokens.len() - row.cached).sum()
}

#[test]
fn samples_of_one_prompt_share_a_prefill_and_differ_by_their_random_streams() {
    let decoder = decoder();
    let mut prompts: Vec<GenerationRequest> =
        (0..5).map(|seed| sampled(tokens(40, 1), seed)).collect();
    prompts.extend([greedy(tokens(40, 1)), greedy(tokens(40, 1))]);
    let generated = generate(&decoder, &prompts, 32);
    assert_eq!(texts(&generated), alone(&decoder, &prompts));
    assert_eq!(computed(&prompts, &generated), 40);
    // Negative controls: random streams differ, and another prompt shares nothing.
    assert_ne!(generated[0].tokens, generated[1].tokens);
    prompts.push(greedy(tokens(40, 2)));
    let with_other = generate(&decoder, &prompts, 32);
    assert_eq!(computed(&prompts, &with_other), 80);
    assert_eq!(with_other[7].cached, 0);
    assert_ne!(with_other[7].tokens, with_other[6].tokens);
    assert_eq!(texts(&with_other[..7]), texts(&generated));
}

#[test]
fn a_prompt_is_prefilled_once_even_if_its_samples_wait_for_a_slot() {
    let decoder = decoder();
    // Samples of three prompts, two of equal length, alternate and end at different times.
    let mut prompts = Vec::new();
    for turn in 0..5u64 {
        for (salt, length) in [(1, 30), (2, 30), (3, 70)] {
            let mut prompt = sampled(tokens(length, salt), 10 * turn + u64::from(salt));
            prompt.sampling.max_new_tokens = 1 + (turn as usize * 37 + length as usize) % 90;
            prompts.push(prompt);
        }
    }
    let want = alone(&decoder, &prompts);
    for rows in [1, 2, 3, 4, 7, 32] {
        let generated = generate(&decoder, &prompts, rows);
        assert_eq!(texts(&generated), want, "{rows} rows");
        assert_eq!(computed(&prompts, &generated), 30 + 30 + 70, "{rows} rows");
    }
}

#[test]
fn prompts_admitted_together_share_the_prefill_of_their_common_prefix() {
    let decoder = decoder();
    let stem = tokens(20, 1);
    let with = |stem: &[u32], rest: &[u32]| greedy([stem, rest].concat());
    let (a, b) = (tokens(9, 5), tokens(14, 6));
    let prompts = [with(&stem, &a), with(&stem, &b), with(&stem, &[]), with(&tokens(20, 2), &a)];
    let generated = generate(&decoder, &prompts, 32);
    let want = alone(&decoder, &prompts);
    assert_eq!(texts(&generated), want);
    assert_eq!(computed(&prompts, &generated), 20 + 9 + 14 + 29);
    // Negative control: another prefix of the same rest gives another text.
    assert_ne!(want[0], want[3]);
    // A short common prefix is not shared.
    let prompts = [with(&stem[..5], &a), with(&stem[..5], &b)];
    let generated = generate(&decoder, &prompts, 32);
    assert_eq!(texts(&generated), alone(&decoder, &prompts));
    assert_eq!(computed(&prompts, &generated), 14 + 19);
}

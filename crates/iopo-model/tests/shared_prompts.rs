//! Rows that begin alike share what was computed for it, and say what each says alone.

mod tiny;

use iopo_llm::{Sampling, Silent};
use iopo_model::{Decoder, Generated, GenerationRequest, Limits};
use tiny::decoder;

/// Tokens that depend on `salt` from the first one on.
fn tokens(length: u32, salt: u32) -> Vec<u32> {
    (0..length).map(|at| 3 + (at * 31 + salt * 17) % 90).collect()
}

fn greedy(tokens: Vec<u32>) -> GenerationRequest {
    GenerationRequest { tokens, sampling: Sampling::greedy(24) }
}

fn sampled(tokens: Vec<u32>, seed: u64) -> GenerationRequest {
    let sampling = Sampling { max_new_tokens: 24, temperature: 0.9, top_p: 0.9, top_k: 40, seed };
    GenerationRequest { tokens, sampling }
}

fn generate(decoder: &Decoder, prompts: &[GenerationRequest], rows: usize) -> Vec<Generated> {
    let limits = Limits { rows, ..Limits::default() };
    decoder.generate(prompts, &[2], limits, &Silent).expect("generated")
}

/// Each prompt in a batch of its own, where there is nothing to share.
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

/// Tokens of prompts that went through the model.
fn computed(prompts: &[GenerationRequest], generated: &[Generated]) -> usize {
    prompts.iter().zip(generated).map(|(prompt, row)| prompt.tokens.len() - row.cached).sum()
}

#[test]
fn samples_of_one_prompt_are_prefilled_once_and_differ_by_their_streams_alone() {
    let decoder = decoder();
    let mut prompts: Vec<GenerationRequest> =
        (0..5).map(|seed| sampled(tokens(40, 1), seed)).collect();
    prompts.extend([greedy(tokens(40, 1)), greedy(tokens(40, 1))]);
    let generated = generate(&decoder, &prompts, 32);
    assert_eq!(texts(&generated), alone(&decoder, &prompts));
    assert_eq!(computed(&prompts, &generated), 40);
    // Controls: streams tell samples apart, and so does a prompt, of which nothing is taken over.
    assert_ne!(generated[0].tokens, generated[1].tokens);
    prompts.push(greedy(tokens(40, 2)));
    let with_other = generate(&decoder, &prompts, 32);
    assert_eq!(computed(&prompts, &with_other), 80);
    assert_eq!(with_other[7].cached, 0);
    assert_ne!(with_other[7].tokens, with_other[6].tokens);
    assert_eq!(texts(&with_other[..7]), texts(&generated));
}

#[test]
fn a_prompt_is_prefilled_once_however_late_its_samples_find_a_slot() {
    let decoder = decoder();
    // The samples of three prompts, two of them as long as each other, come in turns and end at different times.
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
fn a_common_beginning_is_computed_once_for_prompts_taken_in_together() {
    let decoder = decoder();
    let stem = tokens(20, 1);
    let with = |stem: &[u32], rest: &[u32]| greedy([stem, rest].concat());
    let (a, b) = (tokens(9, 5), tokens(14, 6));
    let prompts = [with(&stem, &a), with(&stem, &b), with(&stem, &[]), with(&tokens(20, 2), &a)];
    let generated = generate(&decoder, &prompts, 32);
    let want = alone(&decoder, &prompts);
    assert_eq!(texts(&generated), want);
    assert_eq!(computed(&prompts, &generated), 20 + 9 + 14 + 29);
    // Control: another stem before the same rest gives another text.
    assert_ne!(want[0], want[3]);
    // Few tokens in common are not worth it.
    let prompts = [with(&stem[..5], &a), with(&stem[..5], &b)];
    let generated = generate(&decoder, &prompts, 32);
    assert_eq!(texts(&generated), alone(&decoder, &prompts));
    assert_eq!(computed(&prompts, &generated), 14 + 19);
}

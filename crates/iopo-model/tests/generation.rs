//! Generation with a cache gives the tokens of the plain forward pass, and adapters that do not fit are errors.

use std::collections::BTreeMap;

mod tiny;

use iopo_llm::{FinishReason, Sampling, Silent};
use iopo_model::{Decoder, GenerationRequest, Layout, Limits, LoraConfig, NamedTensors};
use tiny::decoder;

fn prompts() -> Vec<GenerationRequest> {
    let first = [(3, 150), (40, 20), (7, 90), (1, 150), (70, 5)];
    let more = [(20, 0), (69, 130), (12, 1), (33, 61), (2, 40), (64, 64), (5, 150)];
    first
        .into_iter()
        .chain(more)
        .enumerate()
        .map(|(row, (length, limit))| GenerationRequest {
            tokens: (0..length).map(|at| 3 + (at * 31 + row as u32 * 17) % 90).collect(),
            sampling: Sampling::greedy(limit),
        })
        .collect()
}

/// Decodes greedily without a cache: one pass over the whole sequence per token.
fn without_cache(decoder: &Decoder, prompt: &GenerationRequest) -> Vec<u32> {
    let mut tokens = prompt.tokens.clone();
    for _ in 0..prompt.sampling.max_new_tokens {
        let layout = Layout::sequences([tokens.clone()]).expect("layout");
        let hidden = decoder.hidden(&layout).expect("hidden");
        let last = hidden.slice([tokens.len() - 1..tokens.len(), 0..32]);
        let logits: Vec<f32> = decoder.logits(&last).into_data().try_to_vec().expect("logits");
        let best =
            (0..logits.len()).fold(0, |best, at| if logits[at] > logits[best] { at } else { best });
        tokens.push(best as u32);
    }
    tokens.split_off(prompt.tokens.len())
}

#[test]
fn a_ragged_batch_with_a_cache_gives_the_tokens_of_the_plain_pass() {
    let decoder = decoder();
    let prompts = prompts();
    let want: Vec<Vec<u32>> =
        prompts.iter().map(|prompt| without_cache(&decoder, prompt)).collect();
    // Negative control: texts depend on their prompts.
    assert_ne!(want[0][..5], want[3][..5]);
    // Without a stop token, rows end at their limits. With a slot for every row, the batch shrinks and its cache grows past
    // one block. With fewer slots, new rows reuse the slots of finished ones, unused columns are trimmed, and slots are added
    // after the wide rows have finished.
    let few = |rows, tokens| Limits::default().with_rows(rows).with_tokens(tokens);
    for limits in [Limits::default(), few(1, 1), few(2, 1 << 15), few(3, 1 << 15), few(4, 400)] {
        let generated = decoder.generate(&prompts, &[], limits, &Silent).expect("generated");
        assert_eq!(generated.len(), prompts.len());
        for (at, generated) in generated.iter().enumerate() {
            assert_eq!(generated.tokens, want[at], "prompt {at}, {limits:?}");
            assert_eq!(generated.finish_reason, FinishReason::Length);
            assert_eq!(generated.count, prompts[at].sampling.max_new_tokens);
        }
    }
}

#[test]
fn a_stop_token_ends_a_row_and_is_not_part_of_it() {
    let decoder = decoder();
    let prompts = prompts();
    let free = decoder.generate(&prompts, &[], Limits::default(), &Silent).expect("generated");
    let stop = free[0].tokens[4];
    let stopped =
        decoder.generate(&prompts, &[stop], Limits::default(), &Silent).expect("generated");
    let first = free[0].tokens.iter().position(|token| *token == stop).expect("the stop token");
    assert_eq!(stopped[0].tokens, free[0].tokens[..first]);
    assert_eq!((stopped[0].count, stopped[0].finish_reason), (first + 1, FinishReason::Stop));
}

#[test]
fn sampled_rows_do_not_depend_on_other_rows() {
    let decoder = decoder();
    let mut prompts = prompts();
    for (row, prompt) in prompts.iter_mut().enumerate() {
        let seed = row as u64;
        prompt.sampling = Sampling::greedy(30)
            .with_temperature(0.9)
            .with_top_p(0.9)
            .with_top_k(40)
            .with_seed(seed);
    }
    let together = decoder.generate(&prompts, &[2], Limits::default(), &Silent).expect("generated");
    for (prompt, expected) in prompts.iter().zip(&together) {
        let alone = decoder
            .generate(std::slice::from_ref(prompt), &[2], Limits::default(), &Silent)
            .expect("generated");
        assert_eq!(&alone[0], expected);
    }
}

#[test]
fn bad_prompts_and_bad_adapters_are_errors() {
    let decoder = decoder();
    let prompt = |tokens: Vec<u32>| GenerationRequest { tokens, sampling: Sampling::greedy(2) };
    assert!(decoder.generate(&[prompt(Vec::new())], &[], Limits::default(), &Silent).is_err());
    assert!(decoder.generate(&[prompt(vec![97])], &[], Limits::default(), &Silent).is_err());
    assert!(
        decoder.generate(&[], &[], Limits::default(), &Silent).expect("nothing to do").is_empty()
    );

    let refused = |tensors: &NamedTensors| {
        let error = decoder.clone().load_adapter(tensors, 2.0).expect_err("refused");
        error.to_string()
    };
    assert!(refused(&BTreeMap::new()).contains("found no factors"));
    let good = decoder
        .clone()
        .with_lora(&LoraConfig::default(), 1)
        .expect("adapter")
        .adapter()
        .expect("read");
    decoder.clone().load_adapter(&good, 2.0).expect("fits");
    let name = good.keys().next().expect("a factor").clone();
    let mut missing = good.clone();
    missing.remove(&name);
    assert!(refused(&missing).contains("missing"));
    let mut shape = good.clone();
    shape.entry(name.clone()).and_modify(|(shape, _)| shape[1] += 1);
    assert!(refused(&shape).contains("expected"));
    let mut infinite = good.clone();
    infinite.entry(name).and_modify(|(_, values)| values[0] = f32::INFINITY);
    assert!(refused(&infinite).contains("not finite"));
    let mut foreign = good;
    foreign.insert(
        "base_model.model.model.layers.9.mlp.up_proj.lora_A.weight".into(),
        (vec![1, 1], vec![0.0]),
    );
    assert!(refused(&foreign).contains("match no layer"));
}

//! SmolLM2-135M-Instruct from its GGUF file gives the log-probabilities and greedy continuations of the reference
//! implementation. Skipped with a message if the file or the golden numbers are absent.

mod common;

use common::{golden, smollm2};
use iopo_llm::{Sampling, Silent};
use iopo_model::{Decoder, GenerationRequest, Layout, Limits, ModelFiles, Targets};
use serde_json::Value;

fn numbers(value: &Value) -> Vec<i64> {
    value.as_array().expect("list").iter().map(|v| v.as_i64().expect("integer")).collect()
}

fn read(name: &str) -> Option<Value> {
    golden(name)
        .map(|path| serde_json::from_slice(&std::fs::read(path).expect("file")).expect("json"))
}

fn decoder(path: &std::path::Path) -> Decoder {
    let (mut checkpoint, _, _) = ModelFiles::open(path).expect("opens");
    let config = checkpoint.config.clone();
    let device = iopo_model::device::device("flex").expect("flex");
    Decoder::from_tensors(&config, &device, |name, shape| checkpoint.tensor(name, shape))
        .expect("decoder")
}

#[test]
fn log_probabilities_and_greedy_texts_equal_the_reference() {
    let (Some(real), Some(greedy), Some(path)) =
        (read("real_golden.json"), read("generate_golden.json"), smollm2())
    else {
        return;
    };
    let decoder = decoder(&path);
    for example in real["examples"].as_array().expect("examples") {
        for (name, encoded) in example["encoded"].as_object().expect("encoded") {
            let ids: Vec<u32> =
                numbers(&encoded["input_ids"]).into_iter().map(|id| id as u32).collect();
            let labels = numbers(&encoded["labels"]);
            let layout = Layout::sequences([ids]).expect("layout");
            let mut targets = Targets::default();
            for (column, label) in labels.iter().enumerate().skip(1) {
                if *label >= 0 {
                    targets.rows.push(column - 1);
                    targets.tokens.push(*label as u32);
                }
            }
            let logps = decoder.response_logps(&layout, &targets).expect("log-probabilities");
            let golden = &example["policy_logps"][name];
            let sum: f64 = logps.iter().map(|logp| f64::from(*logp)).sum();
            let expected = golden["sum"].as_f64().expect("sum");
            assert!((sum - expected).abs() <= 1e-2, "{name}: {sum} against {expected}");
            for (ours, theirs) in logps.iter().zip(golden["tokens"].as_array().expect("tokens")) {
                let theirs = theirs.as_f64().expect("number");
                assert!(
                    (f64::from(*ours) - theirs).abs() <= 1e-2,
                    "{name}: {ours} against {theirs}"
                );
            }
        }
    }
    let cases = greedy.as_array().expect("cases");
    let prompts: Vec<GenerationRequest> = cases
        .iter()
        .map(|case| GenerationRequest {
            tokens: numbers(&case["prompt_ids"]).into_iter().map(|id| id as u32).collect(),
            sampling: Sampling::greedy(64),
        })
        .collect();
    let stop = &decoder.config().eos_token_ids.clone();
    let batch = decoder.generate(&prompts, stop, Limits::default(), &Silent).expect("generated");
    for (prompt, (case, generated)) in prompts.iter().zip(cases.iter().zip(&batch)) {
        let mut expected: Vec<u32> =
            numbers(&case["new_ids"]).into_iter().map(|id| id as u32).collect();
        if expected.last().is_some_and(|last| stop.contains(last)) {
            expected.pop();
        }
        assert_eq!(generated.tokens, expected, "{}", case["prompt"]);
        let alone = decoder
            .generate(std::slice::from_ref(prompt), stop, Limits::default(), &Silent)
            .expect("generated");
        assert_eq!(alone[0].tokens, generated.tokens, "alone and in a batch");
    }
}

//! Recomputed activations give the same gradients bit for bit and need less memory.

mod common;

use std::path::Path;

use common::{adapter, checkpoints, load};
use iopo_model::{
    Activations, Decoder, Layout, LoraConfig, ModelConfig, ModelError, NamedTensors, Segment,
    Targets, device::device, memory,
};

const BOTH: [Activations; 2] = [Activations::Kept, Activations::Recomputed];

/// Makes a tree: a common prefix, two rests of the prompt (one empty), three responses.
fn tree() -> (Layout, Targets) {
    let segment = |parent, tokens: &[u32]| Segment { parent, tokens: tokens.to_vec() };
    let layout = Layout::new(vec![
        segment(None, &[3, 7, 11, 2, 19, 23]),
        segment(Some(0), &[5, 13]),
        segment(Some(0), &[]),
        segment(Some(1), &[17, 4, 9]),
        segment(Some(1), &[8]),
        segment(Some(2), &[17, 4, 21, 6]),
    ])
    .expect("a tree");
    let rows = vec![7, 8, 9, 10, 7, 11, 5, 12, 13, 14, 15];
    (layout, Targets { rows, tokens: vec![17, 4, 9, 1, 8, 1, 17, 4, 21, 6, 1] })
}

/// Returns the bits of the log-probabilities and the gradients of their weighted sum, with `last` as the last weight.
fn gradients(
    decoder: &Decoder,
    (layout, targets): &(Layout, Targets),
    last: f32,
    activations: Activations,
) -> (Vec<u32>, NamedTensors) {
    let coefficients = |logps: &[f32]| {
        let mut weights: Vec<f32> = (0..logps.len()).map(|at| 0.1 * at as f32 - 0.4).collect();
        weights[logps.len() - 1] = last;
        Ok::<_, ModelError>(weights)
    };
    let (logps, found) = decoder
        .response_logps_and_grads(layout, targets, activations, coefficients)
        .expect("gradients");
    let bits = logps.into_iter().map(f32::to_bits).collect();
    (bits, decoder.named_gradients(&found).expect("names"))
}

#[test]
fn recomputed_activations_give_the_same_gradients_bit_for_bit() {
    let tree = tree();
    for dir in checkpoints() {
        let full = load(&dir);
        let tied = full.config().tie_word_embeddings;
        let factors = adapter(&dir.join("lora"));
        let lora = full.clone().load_adapter(&factors, 2.0).expect("an adapter");
        for decoder in [&full, &lora] {
            let [kept, recomputed] =
                BOTH.map(|activations| gradients(decoder, &tree, 0.3, activations));
            assert!(kept == recomputed, "{}: the gradients differ", dir.display());
            let names: Vec<&String> = recomputed.1.keys().collect();
            if decoder.has_adapter() {
                assert_eq!(names, factors.keys().collect::<Vec<_>>());
            } else {
                assert!(names.contains(&&"model.embed_tokens.weight".to_owned()));
                assert_eq!(names.contains(&&"lm_head.weight".to_owned()), !tied);
            }
            // Negative control: a slightly different coefficient gives other gradients.
            let (_, other) = gradients(decoder, &tree, 0.300_001, Activations::Recomputed);
            assert!(other != kept.1, "{}: the gradients are equal", dir.display());
        }
    }
}

/// Makes a decoder whose activations need much more memory than its weights.
fn deep() -> Decoder {
    let json = serde_json::json!({
        "model_type": "llama", "vocab_size": 32, "hidden_size": 32, "intermediate_size": 256,
        "num_hidden_layers": 24, "num_attention_heads": 2, "num_key_value_heads": 1, "head_dim": 16,
        "rms_norm_eps": 1e-5, "rope_theta": 1e4, "max_position_embeddings": 64,
        "tie_word_embeddings": true, "eos_token_id": 0,
    });
    let config =
        ModelConfig::from_hf_json(&json, Path::new("config.json")).expect("a configuration");
    let device = device("flex").expect("flex");
    let value = |at: usize| ((at * 7919) % 101) as f32 / 500.0 - 0.1;
    let tensor = |_: &str, shape: &[usize]| Ok((0..shape.iter().product()).map(value).collect());
    let decoder = Decoder::from_tensors(&config, &device, tensor).expect("a decoder");
    decoder.with_lora(&LoraConfig::new(1, 16.0), 0).expect("adapters")
}

#[test]
fn recomputation_keeps_the_activations_of_one_layer_at_a_time() {
    if memory::peak().is_none() {
        return;
    }
    let decoder = deep();
    let sequences = (0..64).map(|start| (start..start + 64).map(|token| token % 32).collect());
    let layout = Layout::sequences::<Vec<u32>>(sequences).expect("a layout");
    let batch = (layout, Targets { rows: vec![9, 700], tokens: vec![1, 2] });
    // The peak only rises, so the smaller measurement comes first.
    let peak = |activations| {
        let found = gradients(&decoder, &batch, 0.3, activations);
        (memory::peak().expect("a peak") as f64, found)
    };
    let before = memory::peak().expect("a peak") as f64;
    let (recomputed, again) = peak(Activations::Recomputed);
    let (kept, found) = peak(Activations::Kept);
    let (recomputed, kept) = (recomputed - before, kept - before);
    // Products of this size run on several threads.
    assert!(again == found, "the gradients differ");
    assert!(kept > 4.0 * recomputed, "{kept} bytes against {recomputed}");
    // Three wide buffers of 4,096 tokens in each of 24 layers.
    assert!(kept > 24.0 * 4096.0 * 3.0 * 256.0 * 4.0, "{kept} bytes");
}

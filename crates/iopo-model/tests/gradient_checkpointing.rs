//! Activations that are computed again: the same gradients, bit for bit, out of less memory.

mod common;

use common::{adapter, checkpoints, load};
use iopo_model::{
    Activations, Decoder, Layout, LoraConfig, ModelConfig, ModelError, NamedTensors, Segment,
    Targets, config::Architecture, device::device, memory,
};

const BOTH: [Activations; 2] = [Activations::Kept, Activations::Recomputed];

/// A stem, two rests of the prompt (one empty), three responses.
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

/// Gradients of the sum of the log-probabilities, each times a number of its own.
fn gradients(
    decoder: &Decoder,
    (layout, targets): &(Layout, Targets),
    last: f32,
    activations: Activations,
) -> (Vec<u32>, NamedTensors) {
    let coefficients = |logps: &[f32]| {
        let mut made: Vec<f32> = (0..logps.len()).map(|at| 0.1 * at as f32 - 0.4).collect();
        made[logps.len() - 1] = last;
        Ok::<_, ModelError>(made)
    };
    let (logps, found) = decoder
        .response_logps_and_grads(layout, targets, activations, coefficients)
        .expect("gradients");
    let bits = logps.into_iter().map(f32::to_bits).collect();
    (bits, decoder.named_gradients(&found).expect("names"))
}

#[test]
fn gradients_are_the_same_bit_for_bit_with_adapters_and_of_every_weight() {
    let tree = tree();
    for dir in checkpoints() {
        let full = load(&dir);
        let tied = full.config().tie_word_embeddings;
        let factors = adapter(&dir.join("lora"));
        let lora = full.clone().load_adapter(&factors, 2.0).expect("an adapter");
        for decoder in [&full, &lora] {
            let [kept, recomputed] = BOTH.map(|way| gradients(decoder, &tree, 0.3, way));
            assert!(kept == recomputed, "{}: something differs", dir.display());
            let names: Vec<&String> = recomputed.1.keys().collect();
            if decoder.has_adapter() {
                assert_eq!(names, factors.keys().collect::<Vec<_>>());
            } else {
                assert!(names.contains(&&"model.embed_tokens.weight".to_owned()));
                assert_eq!(names.contains(&&"lm_head.weight".to_owned()), !tied);
            }
            // Control: where one coefficient differs in its last places, so do the gradients.
            let (_, other) = gradients(decoder, &tree, 0.300_001, Activations::Recomputed);
            assert!(other != kept.1, "{}: nothing differs", dir.display());
        }
    }
}

/// A decoder whose activations outweigh all else.
fn deep() -> Decoder {
    let config = ModelConfig {
        architecture: Architecture::Llama,
        vocab_size: 32,
        hidden_size: 32,
        intermediate_size: 256,
        num_hidden_layers: 24,
        num_attention_heads: 2,
        num_key_value_heads: 1,
        head_dim: 16,
        rms_norm_eps: 1e-5,
        rope_theta: 1e4,
        rope_scaling: None,
        max_position_embeddings: 64,
        tie_word_embeddings: true,
        qkv_bias: false,
        bos_token_id: None,
        eos_token_ids: vec![0],
        pad_token_id: None,
    };
    let device = device("flex").expect("flex");
    let value = |at: usize| ((at * 7919) % 101) as f32 / 500.0 - 0.1;
    let tensor = |_: &str, shape: &[usize]| Ok((0..shape.iter().product()).map(value).collect());
    let decoder = Decoder::from_tensors(&config, &device, tensor).expect("a decoder");
    decoder.with_lora(&LoraConfig::new(1, 16.0), 0).expect("adapters")
}

#[test]
fn one_layers_activations_exist_at_a_time() {
    if memory::peak().is_none() {
        return;
    }
    let decoder = deep();
    let sequences = (0..64).map(|start| (start..start + 64).map(|token| token % 32).collect());
    let layout = Layout::sequences::<Vec<u32>>(sequences).expect("a layout");
    let batch = (layout, Targets { rows: vec![9, 700], tokens: vec![1, 2] });
    // The peak only rises, so the smaller one comes first; a warm-up takes what both need once.
    let peak = |activations| {
        let found = gradients(&decoder, &batch, 0.3, activations);
        (memory::peak().expect("known") as f64, found)
    };
    let before = memory::peak().expect("known") as f64;
    let (recomputed, again) = peak(Activations::Recomputed);
    let (kept, found) = peak(Activations::Kept);
    let (recomputed, kept) = (recomputed - before, kept - before);
    // Products of this size are shared among threads.
    assert!(again == found, "something differs");
    assert!(kept > 4.0 * recomputed, "{kept} bytes against {recomputed}");
    // Of 4,096 tokens: more than 24 layers' three wide buffers alone are here to be seen.
    assert!(kept > 24.0 * 4096.0 * 3.0 * 256.0 * 4.0, "{kept} bytes");
}
